"""The forms of the account pages."""

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.db import transaction

from accounts.models import User
from audit.record import record


class LoginForm(forms.Form):
    username = forms.CharField(
        max_length=150,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100)


class OwnPasswordForm(AdminPasswordChangeForm):
    """Change one's own password, audited."""

    @transaction.atomic
    def save(self, commit: bool = True) -> User:
        user = super().save(commit)
        record("accounts.user.changed", actor=user, target=user, detail={"fields": ["password"]})
        return user
