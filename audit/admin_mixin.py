"""Back office changes enter the audit trail, in their own transaction."""

from typing import Any

from django import forms
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.changes import MASK, entry_value
from audit.record import Entry, entry, record, record_many
from core.secrets import EncryptedTextField


class AuditedAdmin:
    """Goes before ModelAdmin: records "app.model.created", "changed" and "deleted".

    An entry names the changed fields and tells their values: those of `secret_fields`, encrypted
    columns and password boxes masked, `personal_fields` in the part of it that can be erased. Of
    what is deleted it tells `last_fields`, by which people know what it was.
    """

    secret_fields: tuple[str, ...] = ()
    personal_fields: tuple[str, ...] = ()
    last_fields: tuple[str, ...] = ()

    def save_model(
        self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool
    ) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)  # type: ignore[misc]
            if not change or form.changed_data:
                self.record_change(request, obj, "changed" if change else "created", form)

    def save_formset(
        self, request: HttpRequest, form: forms.ModelForm, formset: Any, change: bool
    ) -> None:
        with transaction.atomic():
            super().save_formset(request, form, formset, change)  # type: ignore[misc]
            entries = [_entry(request, obj, "created") for obj in formset.new_objects]
            entries += [
                _entry(request, obj, "changed", {"fields": list(fields)})
                for obj, fields in formset.changed_objects
            ]
            entries += [_entry(request, obj, "deleted") for obj in formset.deleted_objects]
            record_many(entries)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            one = self._deleted(request, obj)  # now, while it has a key
            super().delete_model(request, obj)  # type: ignore[misc]
            record_many([one])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            entries = [self._deleted(request, obj) for obj in queryset]
            super().delete_queryset(request, queryset)  # type: ignore[misc]
            record_many(entries)

    def _deleted(self, request: HttpRequest, obj: models.Model) -> Entry:
        values = {
            name: {"from": entry_value(getattr(obj, name)), "to": None} for name in self.last_fields
        }
        return _entry(request, obj, "deleted", {"values": values} if values else None)

    def record_change(
        self, request: HttpRequest, obj: models.Model, verb: str, form: forms.BaseForm
    ) -> None:
        """Record what a valid form changed, or all of a new row, in the caller's transaction."""
        names = [name for name in form.changed_data if name in form.cleaned_data]
        if verb == "created":
            names += _as_proposed(form)
        values = {name: self.change_of(obj, form, name) for name in names}
        personal = {name: values.pop(name) for name in names if name in self.personal_fields}
        record(
            _action(obj, verb),
            actor=request.user,
            target=obj,
            detail={"via": "admin", "fields": names, "values": values},
            personal=personal,
        )

    def change_of(self, obj: models.Model, form: Any, name: str) -> Any:
        """What an entry tells of a field of a valid form."""
        if name in self.secret_fields or _is_secret(obj, form, name):
            return MASK
        changed = name in form.changed_data
        before = form.get_initial_for_field(form.fields[name], name) if changed else None
        return {"from": entry_value(before), "to": entry_value(form.cleaned_data[name])}


def _as_proposed(form: forms.BaseForm) -> list[str]:
    """The fields that were sent as the form had them: of a row that was not there they are news."""
    given = {name: form.cleaned_data.get(name) for name in form.fields}
    return [
        name
        for name, value in given.items()
        if name not in form.changed_data and value not in form.fields[name].empty_values
    ]


def _is_secret(obj: models.Model, form: forms.BaseForm, name: str) -> bool:
    column = next((field for field in obj._meta.fields if field.name == name), None)
    encrypted = isinstance(column, EncryptedTextField)
    return encrypted or isinstance(form.fields[name].widget, forms.PasswordInput)


def _action(obj: models.Model, verb: str) -> str:
    return f"{obj._meta.app_label}.{obj._meta.model_name}.{verb}"


def _entry(
    request: HttpRequest, obj: models.Model, verb: str, detail: dict[str, Any] | None = None
) -> Entry:
    detail = {"via": "admin", **(detail or {})}
    return entry(_action(obj, verb), actor=request.user, target=obj, detail=detail)
