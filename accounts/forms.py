"""The forms of the account pages, and of secrets in the back office."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm as OwnAdminPasswordChangeForm
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.db import transaction

from accounts.models import Secret, User
from accounts.passwords import LONGEST
from accounts.services.administrators import LastAdministrator, refuse_last_administrators
from accounts.services.secrets import BadSecret, checked_hosts, checked_name, checked_value
from accounts.services.sessions import WrongCredentials, check_credentials
from audit.record import record
from core import clock
from core.errors import ChatterError
from core.form_fields import KeyField, once_of


class LoginForm(forms.Form):
    username = forms.CharField(
        max_length=150,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100)
    days = forms.TypedChoiceField(
        choices=[("", "never"), *((days, f"in {days} days") for days in (7, 30, 90, 365))],
        coerce=int,
        empty_value=None,
        required=False,
    )
    key = KeyField()

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return clock.now() + timedelta(days=days) if days else None

    def once(self) -> str:
        """Stands for the page as it was shown and what was written on it."""
        written = [self.cleaned_data["name"], self.cleaned_data["days"]]
        return once_of(self.cleaned_data["key"], written)


class _PasswordAlone:
    """Goes before a form for a password: nothing else of the user is written.

    To hash takes a second, and who is deactivated, loses a right or is deleted meanwhile stays so.
    """

    user: User

    def save(self, commit: bool = True) -> User:
        super().save(commit=False)  # type: ignore[misc]
        if commit:
            self.write()
        return self.user

    def write(self) -> None:
        self.user.save(update_fields=["password"])


class PasswordForm(_PasswordAlone, AdminPasswordChangeForm):
    """Set somebody's password, in the back office."""


class OwnPasswordForm(_PasswordAlone, OwnAdminPasswordChangeForm):
    """Change one's own password, audited. Guesses at the old one count as those of a login."""

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        try:
            name = self.user.get_username()
            self._checked = check_credentials(username=name, password=old, via="password")
        except WrongCredentials as error:
            raise forms.ValidationError("This is not your present password.") from error
        except ChatterError as error:  # too many attempts, or nothing to count them with
            raise forms.ValidationError(str(error)) from error
        return old

    @transaction.atomic
    def write(self) -> None:
        """Raises User.DoesNotExist if somebody has set another password since the old one was
        checked: whoever knows that one only is to be kept out.
        """
        user = self.user
        User.objects.select_for_update().get(pk=user.pk, password=self._checked.password)
        super().write()
        record("accounts.user.changed", actor=user, target=user, detail={"fields": ["password"]})


class OneUserForm(UserChangeForm):
    """Any user, in the back office, which somebody must be able to come back to."""

    def clean_username(self) -> str:
        """Refuse a new name that differs from another only in case, as where users are made."""
        name: str = self.cleaned_data["username"]
        others = User.objects.exclude(pk=self.instance.pk).filter(username__iexact=name)
        if "username" in self.changed_data and others.exists():
            raise self.instance.unique_error_message(User, ("username",))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not all(cleaned.get(name, True) for name in ("is_active", "is_staff", "is_superuser")):
            try:
                refuse_last_administrators([self.instance])
            except LastAdministrator as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned


class SecretForm(forms.ModelForm):
    """The value goes in and never comes out; where it goes changes only together with it."""

    value = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text="Stored encrypted and never shown again. Leave empty to keep the one there is.",
    )
    hosts = forms.CharField(
        widget=forms.Textarea({"rows": 3}),
        help_text="The hosts it may be sent to, one on a line. A change needs the value again.",
    )

    class Meta:
        model = Secret
        fields = ("owner", "name")
        exclude = ("value",)  # noqa: DJ006 - else Django reads the one there is

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["hosts"] = "\n".join(self.instance.hosts)

    def clean_name(self) -> str:
        return _fitting(checked_name, self.cleaned_data["name"])

    def clean_value(self) -> str:
        value = self.cleaned_data["value"]
        return _fitting(checked_value, value) if value or self.instance._state.adding else ""

    def clean_hosts(self) -> list[str]:
        return _fitting(checked_hosts, self.cleaned_data["hosts"].split())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("hosts") != self.instance.hosts and not cleaned.get("value"):
            self.add_error("value", "Give the value again: it is to be sent to other hosts.")
        return cleaned

    def save(self, commit: bool = True) -> Secret:
        self.instance.hosts = self.cleaned_data["hosts"]
        if self.cleaned_data["value"]:
            self.instance.value = self.cleaned_data["value"]
        saved: Secret = super().save(commit)
        return saved


def _fitting(check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except BadSecret as error:
        raise forms.ValidationError(str(error)) from error
