"""What a new password must be beside what Django asks of it."""

from typing import Any

from django.core.exceptions import ValidationError

LONGEST = 1024  # characters, as whoever signs in may send


class NotTooLong:
    """A validator of Django's: nobody sets what they cannot sign in with."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return f"Your password can have at most {LONGEST} characters."
