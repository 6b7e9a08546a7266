"""The back office: what no row can be is no filter and no selection, and no error 500."""

import pytest
from django.contrib.admin import site
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, transaction
from django.test import Client
from django.urls import reverse

MODELS = sorted(site._registry, key=lambda model: model._meta.label)
HUGE = "99999999999999999999"
NONSENSE = {
    "CharField": [("range", "abc"), ("regex", "[")],
    "DateTimeField": [("year", HUGE), ("year", "-1"), ("year__gte", HUGE), ("range", "2026-01-01")],
    "UUIDField": [("exact", "abc"), ("in", ""), ("in", "abc,1"), ("range", "abc")],
    "IntegerField": [("exact", HUGE), ("in", HUGE), ("range", "")],
    "BigIntegerField": [("exact", HUGE), ("in", HUGE), ("gte", "abc")],
    "ForeignKey": [("exact", "abc"), ("in", ""), ("id__exact", "abc"), ("id__in", HUGE)],
    "JSONField": [("contains", "abc")],
}


@pytest.fixture
def office(town):
    client = Client()
    client.force_login(town.ada)
    return client


def _list_of(model):
    label = f"{model._meta.app_label}_{model._meta.model_name}"
    return reverse(f"admin:{label}_changelist")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_filter_that_no_row_can_meet_is_refused(model, office):
    for field in model._meta.concrete_fields:
        for lookup, value in NONSENSE.get(field.get_internal_type(), ()):
            before = transaction.savepoint()  # PostgreSQL says no to all that follows an error
            asked = office.get(_list_of(model), {f"{field.name}__{lookup}": value})
            transaction.savepoint_rollback(before)
            assert asked.status_code in (200, 302, 400), (field.name, lookup, value)


def test_a_database_that_is_away_is_no_fault_of_the_filter(office, monkeypatch):
    def away(*_):
        raise OperationalError("database is locked")

    monkeypatch.setattr("django.contrib.admin.ModelAdmin.get_changelist_instance", away)
    asked = office.get("/admin/accounts/user/", {"username__exact": "ada"})
    assert asked.status_code == 503


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_what_is_selected_of_nothing_is_refused(model, office):
    """With an action that is there, if there is any."""
    actions = site._registry[model].actions or ("delete_selected",)
    for action, selected in ((action, one) for action in actions for one in ("abc", HUGE)):
        sent = {"action": action, "_selected_action": [selected]}
        assert office.post(_list_of(model), sent).status_code in (200, 302, 400), (action, selected)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_form_that_names_what_has_no_such_id_is_refused(model, office):
    form = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    related = [one for one in (*model._meta.fields, *model._meta.many_to_many) if one.is_relation]
    for field, wrong in ((field, one) for field in related for one in ("abc", HUGE)):
        sent = {field.name: wrong}
        for answer in (office.get(form, sent), office.post(form, sent)):
            assert answer.status_code in (400, 403), (field.name, wrong)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_row_is_not_saved_as_a_new_one(model, office):
    if (row := model._default_manager.first()) is None:
        return
    meta = model._meta
    form = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    assert office.post(form, {"_saveasnew": "1"}).status_code == 400


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_choices_for_what_is_no_field_are_refused(model, office):
    meta = model._meta
    asked = {"app_label": meta.app_label, "model_name": meta.model_name, "term": "a"}
    for field in meta.get_fields(include_hidden=True):
        answer = office.get("/admin/autocomplete/", asked | {"field_name": field.name})
        assert answer.status_code in (200, 403), field.name


def test_nobody_is_led_to_the_page_of_a_row_that_cannot_be(office):
    for kind in ContentType.objects.values_list("pk", flat=True):
        assert office.get(f"/admin/r/{kind}/abc/").status_code == 404


@pytest.mark.parametrize("wrong", ["1" * 5000, "[" * 100_000, "NaN", '{"a":'])
def test_a_form_with_what_is_no_value_of_json_says_so(office, town, wrong):
    for form in (
        reverse("admin:accounts_user_change", args=[town.ada.pk]),
        reverse("admin:llms_modelprofile_add"),
    ):
        name = "limits" if "user" in form else "parameters"
        answer = office.post(form, {name: wrong})
        assert answer.status_code == 200
        assert "Enter a valid JSON." in answer.context["errors"].as_text() + answer.text
