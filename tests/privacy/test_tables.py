"""No table, and no column of text, is forgotten when it comes to people."""

import pytest
from django.apps import apps
from django.db import models

from accounts.models import User
from privacy.table import Fate, Table
from privacy.tables import NOBODYS, TABLES

_ALL = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
_TEXTS = (models.CharField, models.TextField, models.JSONField)
KEPT = [table for table in TABLES if table.fate != Fate.DELETED]


def test_every_table_says_whose_its_rows_are() -> None:
    spoken_of = {table.model for table in TABLES} | set(NOBODYS)
    there = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert there - spoken_of == set(), "Say in privacy/tables.py what becomes of their rows."
    assert spoken_of - there == set(), "privacy/tables.py names tables that are not there."


@pytest.mark.parametrize("model", _ALL, ids=lambda model: model._meta.label)
def test_what_points_at_a_user_is_some_persons(model: type[models.Model]) -> None:
    points = any(field.related_model is User for field in model._meta.fields)
    if points and model._meta.label not in {table.model for table in TABLES}:
        pytest.fail(f"{model._meta.label} points at users, and privacy/tables.py calls it nobody's")


@pytest.mark.parametrize("table", KEPT, ids=lambda table: f"{table.model}-{table.of[0]}")
def test_rows_that_stay_say_of_each_text_what_becomes_of_it(table: Table) -> None:
    fields = table.type._meta.concrete_fields
    texts = {one.name for one in fields if isinstance(one, _TEXTS) and not one.is_relation}
    decided = {*(table.blank or {}), *table.kept}
    assert texts - decided == set(), "Blank it, or say in `kept` that it is the product's own."
    assert decided - {one.name for one in fields} == set()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.model}-{table.of[0]}")
def test_what_is_hidden_is_there_and_every_secret_is_hidden(table: Table) -> None:
    fields = {one.name: one for one in table.type._meta.concrete_fields}
    assert set(table.hidden) <= set(fields)
    secret = {name for name, one in fields.items() if type(one).__name__ == "EncryptedTextField"}
    assert secret <= set(table.hidden)


def test_the_rows_of_a_person_can_be_asked_for(alice: User) -> None:
    there = {table.model for table in TABLES if table.rows(alice).exists()}
    assert there == {"accounts.User"}
