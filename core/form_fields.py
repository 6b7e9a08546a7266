"""Fields of forms that Django does not have."""

import json
from hashlib import sha256
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from core import json_values
from core.models import new_id


class KeyField(forms.CharField):
    """Of one page as it was shown, and hidden: what is sent with it twice is meant once."""

    def __init__(self, **kwargs: Any) -> None:
        usual: dict[str, Any] = {
            "required": False,
            "max_length": 100,
            "initial": lambda: str(new_id()),
        }
        super().__init__(widget=forms.HiddenInput, **usual | kwargs)


def once_of(key: str, written: Any) -> str:
    """Stands for a page and what was written on it; empty without a key."""
    if not key:
        return ""
    words = json.dumps([key, written], sort_keys=True, default=str)
    return sha256(words.encode()).hexdigest()


class ValueField(forms.JSONField):
    """A value of JSON that can be kept: Django's own breaks on numbers of thousands of digits."""

    def to_python(self, value: Any) -> Any:
        try:
            json_values.read(value or "null")
        except ValueError as error:
            message = self.error_messages["invalid"]
            raise forms.ValidationError(message, "invalid", {"value": value}) from error
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)


_OBJECT = ', such as {"name": "value"}'  # for those who have never written one


class ObjectField(forms.CharField):
    """An object of JSON, as people write it; where nothing is written, an empty one."""

    def __init__(self, *, rows: int = 3, required: bool = False, **kwargs: Any) -> None:
        widget = forms.Textarea({"rows": rows, "spellcheck": "false", "placeholder": "JSON"})
        super().__init__(required=required, widget=widget, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return {}
        try:
            found = self.read(text)
        except ValueError as error:
            message = f"This is no JSON{_OBJECT}: {error}"
            raise forms.ValidationError(message) from error
        if not isinstance(found, dict):
            raise forms.ValidationError(f"This is no object of JSON{_OBJECT}.")
        return found

    def read(self, text: str) -> Any:
        """Raises ValueError."""
        return json_values.read(text)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return json.dumps(value, ensure_ascii=False) if value else ""
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return not json_values.same(initial or {}, self.to_python(data))
        except forms.ValidationError:
            return True
