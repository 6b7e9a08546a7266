"""The back office: without the permission for a model and an act there is neither to be had."""

from itertools import groupby, product

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.isolation.asking import Asked, client_of, nothing_changed
from tests.isolation.routes import routes
from workflows.models import ExecutionStatus, WorkflowExecution

# Of everybody in the back office: the way in and out, one's own password, what says no by itself.
EVERYBODYS = {
    "admin/",
    "admin/login/",
    "admin/logout/",
    "admin/password_change/",
    "admin/password_change/done/",
    "admin/jsi18n/",
}
ROUTES = [one for one in routes() if one.address.startswith("admin/")]
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def _filled(route):
    return route.url(dict.fromkeys(route.parameters, "1"))


# The addresses of one model, or one that is of none.
SECTIONS = {
    section: list(found)
    for section, found in groupby(
        sorted(ROUTES, key=lambda one: one.address),
        lambda one: "/".join(one.address.split("/")[:3]),
    )
}


@pytest.mark.parametrize("section", SECTIONS)
def test_only_staff_come_in(section, town):
    stranger, nobody = client_of(town.charlie.owner), client_of(None)
    with nothing_changed():
        for route, verb in product(SECTIONS[section], ("get", "post")):
            asked = Asked(verb, _filled(route), form=True)
            by_nobody, told = asked.by(nobody), asked.by(stranger)
            if route.address == "admin/logout/":
                continue
            assert by_nobody.status in (302, 405), route.address
            assert told.status in (302, 403, 404), route.address
            if told.status == 302:  # to a login page, which then says 403
                assert "/admin/login/" in told.response.headers["Location"]


@pytest.mark.parametrize("section", SECTIONS)
def test_staff_without_a_permission_see_nothing(section, town):
    sam = client_of(town.sam)
    for route in SECTIONS[section]:
        told = Asked("get", _filled(route)).by(sam)
        assert town.alice.mark not in told.text
        allowed = (200, 302, 405) if route.address in EVERYBODYS else (302, 403, 404)
        assert told.status in allowed, route.address


def _pages(model):
    """Its pages, about a row of alice's or whosever there is, and what to send there."""
    row = model._default_manager.first()
    yield "get", "changelist", []
    yield "get", "add", []
    yield "post", "add", []
    if row is not None:
        for page in ("change", "delete", "history"):
            yield "get", page, [row.pk]
        yield "post", "change", [row.pk]
        yield "post", "delete", [row.pk]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_model_is_closed_to_staff_without_its_permission(model, town):
    meta, sam = model._meta, client_of(town.sam)
    with nothing_changed():
        for verb, page, args in _pages(model):
            at = reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)
            body = {"post": "yes"} if verb == "post" else None
            told = Asked(verb, at, body, form=verb == "post").by(sam)
            assert told.status == 403, (verb, at, told.status)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_who_may_only_look_does_nothing_else(model, town):
    """No action of a list, and no change, is to be had with the permission to look."""
    meta = model._meta
    look = Permission.objects.get(
        content_type__app_label=meta.app_label, codename=f"view_{meta.model_name}"
    )
    town.sam.user_permissions.add(look)
    sam = client_of(town.sam)
    at = f"admin:{meta.app_label}_{meta.model_name}_"
    assert Asked("get", reverse(f"{at}changelist")).by(sam).status == 200
    row = model._default_manager.first()
    if row is None:
        return
    with nothing_changed():
        for action in _actions(model):
            body = {"action": action, "_selected_action": [str(row.pk)], "post": "yes"}
            Asked("post", reverse(f"{at}changelist"), body, form=True).by(sam)
        for page in ("change", "delete"):
            told = Asked("post", reverse(f"{at}{page}", args=[row.pk]), {"post": "yes"}, form=True)
            assert told.by(sam).status == 403


def _actions(model):
    known = admin.site._registry[model]
    given = [one if isinstance(one, str) else one.__name__ for one in known.actions or ()]
    return [*given, *(name for name, _ in admin.site.actions)]


def test_who_may_change_executions_may_stop_one(town):
    """So that the test above can fail."""
    allowed = ["view_workflowexecution", "change_workflowexecution"]
    town.sam.user_permissions.add(*Permission.objects.filter(codename__in=allowed))
    waiting = town.alice.things["waiting"]
    body = {"action": "cancel", "_selected_action": [waiting]}
    at = reverse("admin:workflows_workflowexecution_changelist")
    Asked("post", at, body, form=True).by(client_of(town.sam))
    assert WorkflowExecution.objects.get(pk=waiting).status == ExecutionStatus.CANCELLED


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_an_administrator_sees_the_list(model, town):
    """So that the tests above can fail."""
    meta = model._meta
    at = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    assert Asked("get", at).by(client_of(town.ada)).status == 200
