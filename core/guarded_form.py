"""A form of the back office that changes a row, and undoes nothing that it did not show."""

import json
from hashlib import sha256
from typing import Any

from django import forms
from django.db.models import Model


class GuardedRow:
    """Goes before a ModelForm: what was saved since the page was shown is not written over.

    `seen` stands for what the fields showed. The row is locked until the request ends, and what is
    no field of the form is kept as it is by then.
    """

    fields: dict[str, forms.Field]
    initial: dict[str, Any]
    instance: Model
    cleaned_data: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = self._shown()
        self.fields["seen"] = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data  # type: ignore[misc]
        rows = type(self.instance)._base_manager.select_for_update(no_key=True)
        row = rows.get(pk=self.instance.pk)
        columns = [field.attname for field in row._meta.concrete_fields]
        vars(self.instance).update((name, vars(row)[name]) for name in columns)  # opens no secret
        if given["seen"] != self._shown():
            raise forms.ValidationError(
                "This has changed since the page was opened, and nothing was saved. Open it again "
                "to see how it is now; what you entered is still here."
            )
        return given

    def _shown(self) -> str:
        """Of what stands in its boxes: there is none of a secret, nor of what is only shown."""
        boxes = [name for name in self.initial if name in self.fields]
        names = [name for name in boxes if not self.fields[name].disabled]
        values = forms.model_to_dict(self.instance, names)
        for field in self.instance._meta.many_to_many:
            if field.name in values:
                values[field.name] = sorted(str(one.pk) for one in values[field.name])
        written = json.dumps(values, sort_keys=True, default=str)
        return sha256(written.encode()).hexdigest()
