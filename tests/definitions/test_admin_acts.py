"""What the API does to workflows, staff do in the back office: by the same checks and entries."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.models import AuditEntry
from tests.definitions.graphs import asks, graph, waits
from tests.factories.accounts import UserFactory
from workflows.models import DefinitionVersion, WorkflowDefinition, WorkflowExecution

FILES = Path(__file__).parent / "files"
LIST = "/admin/workflows/workflowdefinition/"
REFUSED = graph(waits(-1), {"id": "odd", "type": "nonsense"})


@pytest.fixture
def at(made) -> str:
    """The page of alice's workflow."""
    return f"{LIST}{made['id']}/"


def written(name: str = "A letter", document: Any = None, **more: Any) -> dict[str, Any]:
    document = graph(asks("Be kind.")) if document is None else document
    return {"name": name, "description": "", "limits": "", "graph": json.dumps(document), **more}


def entries() -> list[str]:
    found = AuditEntry.objects.filter(action__startswith="workflows.").order_by("id")
    return list(found.values_list("action", flat=True))


def staff(*permissions: str) -> Client:
    somebody = UserFactory(is_staff=True)
    somebody.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(somebody)
    return browser


def test_a_workflow_is_made_of_the_json_that_is_written(office, admin):
    told = office.post(f"{LIST}add/", written(limits='{"steps": 5}'))
    assert told.status_code == 302, told.context["errors"]
    made = WorkflowDefinition.objects.get()
    assert (made.owner, made.name, made.limits) == (admin, "A letter", {"steps": 5})
    assert (made.latest, made.published, made.history.get().saved_by) == (1, 1, admin)
    assert entries() == ["workflows.definition.created"]
    assert AuditEntry.objects.get(action=entries()[0]).actor_id == admin.pk
    assert office.get(f"{LIST}{made.pk}/change/").status_code == 200


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, 1.0)])
def test_a_value_that_only_python_takes_for_another_is_saved(office, client, at, before, after):
    def setting(value: Any) -> Any:
        node = {"id": "flag", "type": "variable", "config": {"name": "flag", "value": value}}
        return graph(node)

    client.patch(f"/api/v1/definitions/{at.split('/')[-2]}/", {"graph": setting(before)})
    seen = office.get(f"{at}change/").context["adminform"].form["seen"].value()
    told = office.post(f"{at}change/", written(document=setting(after), seen=seen))
    assert told.status_code == 302, told.context["errors"]
    newest = DefinitionVersion.objects.order_by("-number").first()
    kept = newest.version.graph["nodes"][1]["config"]["value"]
    assert (newest.number, type(kept), kept) == (3, type(after), after)


def test_a_workflow_that_is_sent_twice_is_one(office):
    key = office.get(f"{LIST}add/").context["adminform"].form["key"].value()
    first, second = (office.post(f"{LIST}add/", written(key=key)) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert WorkflowDefinition.objects.get().latest == 1
    office.post(f"{LIST}add/", written("Another", key=key))
    assert WorkflowDefinition.objects.count() == 2


def test_what_is_wrong_with_a_graph_is_told_as_the_api_tells_it(office, client):
    over_the_api = client.post("/api/v1/definitions/", {"name": "x", "graph": REFUSED}).json()
    told = office.post(f"{LIST}add/", written(document=REFUSED))
    assert told.status_code == 200
    [message, *issues] = told.context["adminform"].form.errors["graph"]
    assert message == over_the_api["message"]
    assert len(issues) == len(over_the_api["detail"]["errors"]) > 1
    for shown, one in zip(issues, over_the_api["detail"]["errors"], strict=True):
        assert f"<code>{one['path']}</code>" in shown
        assert f"<small>{one['code']}</small>" in shown
    assert any(one["hint"] for one in over_the_api["detail"]["errors"])
    assert not WorkflowDefinition.objects.exists()
    assert "nonsense" in told.content.decode()  # what was written stays


def test_what_is_wrong_names_the_node_or_the_edge_it_is_about(office, client, at):
    edges = ["start>slow", "slow>gone", "slow>end"]
    told = office.post(f"{LIST}add/", written(document=graph(waits(-1, "slow"), edges=edges)))
    shown = " ".join(told.context["adminform"].form.errors["graph"])
    assert "<code>nodes[1].config.seconds</code> <b>slow</b>" in shown
    assert "<code>edges[1].target</code> <b>slow → gone</b>" in shown
    drawn = graph(waits(1, "lost"), edges=["start>lost", "start>end"])
    client.patch(f"/api/v1/definitions/{at.split('/')[-2]}/", {"graph": drawn})
    page = office.get(f"{at}change/").content.decode()
    assert "<code>nodes[1]</code> <b>lost</b> Nothing follows this node." in page


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"graph": "{"}, "graph"),
        ({"graph": "[]"}, "graph"),
        ({"graph": ""}, "graph"),
        ({"graph": "[" * 100_000}, "graph"),
        ({"limits": '{"steps": -1}'}, "limits"),
        ({"limits": '{"run_time_s": 1e9}'}, "limits"),
        ({"limits": '{"tokens": true}'}, "limits"),
        ({"name": ""}, "name"),
        ({"description": "x" * 10_001}, "description"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(office, more, field):
    told = office.post(f"{LIST}add/", written(**more))
    assert list(told.context["adminform"].form.errors) == [field]
    assert not WorkflowDefinition.objects.exists()


def test_another_graph_is_a_new_version_of_its_owners_and_runs_once_published(
    office, admin, alice, at, made
):
    newer = graph(asks("Be brief."))
    told = office.post(f"{at}change/", written("Letters", newer, seen=made["revision"]))
    assert told.status_code == 302
    definition = WorkflowDefinition.objects.get()
    assert (definition.owner, definition.latest, definition.published) == (alice, 2, 1)
    assert definition.history.get(number=2).saved_by == admin
    assert office.post(f"{at}versions/2/", {"act": "publish"}).status_code == 302
    definition.refresh_from_db()
    assert definition.published == 2
    assert office.post(f"{at}versions/1/", {"act": "restore"}).status_code == 302
    restored = definition.history.get(number=3)
    assert (restored.restored, restored.version_id) == (
        1,
        definition.history.get(number=1).version_id,
    )
    assert entries() == [
        f"workflows.definition.{act}" for act in ("created", "changed", "published", "restored")
    ]
    by = AuditEntry.objects.filter(action__startswith="workflows.definition.").order_by("id")
    assert [one.actor_id for one in by] == [alice.pk, admin.pk, admin.pk, admin.pk]


def test_who_saved_meanwhile_is_not_written_over(office, client, at, address, made):
    page = office.get(f"{at}change/").context["adminform"].form
    assert client.patch(address, {"graph": graph(asks("Be brief."))}).status_code == 200
    sent = written("Mine", graph(asks("Be long.")), seen=page["seen"].value())
    told = office.post(f"{at}change/", sent)
    assert told.status_code == 200
    assert "is at revision 2 by now" in told.content.decode()
    assert (DefinitionVersion.objects.count(), made["name"]) == (
        2,
        WorkflowDefinition.objects.get().name,
    )
    without = {name: value for name, value in sent.items() if name != "seen"}
    assert office.post(f"{at}change/", without).status_code == 200
    assert DefinitionVersion.objects.count() == 2


def test_saving_what_the_page_shows_changes_nothing(office, at, made):
    form = office.get(f"{at}change/").context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields if name != "archived"}
    assert office.post(f"{at}change/", sent).status_code == 302
    definition = WorkflowDefinition.objects.get()
    assert (definition.revision, definition.latest) == (made["revision"], 1)


def test_a_version_that_cannot_run_any_more_is_not_published(office, at, made, address, client):
    client.patch(address, {"graph": graph(asks("Be brief."))})
    version = DefinitionVersion.objects.get(number=2).version
    version.graph = {**version.graph, "edges": version.graph["edges"][:1]}
    version.save()
    told = office.post(f"{at}versions/2/", {"act": "publish"}, follow=True)
    assert "The graph cannot run." in [str(one) for one in told.context["messages"]]
    assert "graph-issue-error" in told.content.decode()
    assert WorkflowDefinition.objects.get().published == 1
    assert office.get(f"{at}versions/9/").status_code == 404


def test_a_fork_is_ones_own(office, admin, at):
    told = office.post(f"{at}versions/1/", {"act": "fork", "name": "Mine"})
    fork = WorkflowDefinition.objects.get(owner=admin)
    assert told.headers["Location"] == f"{LIST}{fork.pk}/change/"
    assert fork.name == "Mine"
    assert entries()[-1] == "workflows.definition.forked"


def test_a_fork_that_is_sent_twice_is_one(office, admin, at):
    key = office.get(f"{at}versions/1/").context["form"]["key"].value()
    sent = {"act": "fork", "name": "Mine", "key": key}
    first, second = (office.post(f"{at}versions/1/", sent) for _ in range(2))
    fork = WorkflowDefinition.objects.get(owner=admin)
    assert first.headers["Location"] == second.headers["Location"] == f"{LIST}{fork.pk}/change/"
    office.post(f"{at}versions/1/", sent | {"name": "Mine as well"})
    assert WorkflowDefinition.objects.filter(owner=admin).count() == 2


def test_every_version_can_be_reached_from_the_page(office, client, at, address):
    for number in range(2, 24):
        client.patch(address, {"graph": graph(asks(f"Be {number}."))})
    page, seen = office.get(f"{at}change/").text, []
    while links := [one for one in re.findall(r"/versions/(\d+)/", page) if one not in seen]:
        seen += links
        page = office.get(f"{at}versions/{links[-1]}/").text
    assert {int(one) for one in seen} == set(range(1, 24))


def test_the_archive_is_filled_and_emptied_from_the_list(office, made):
    chosen = {"_selected_action": [made["id"]]}
    told = office.post(LIST, {"action": "archive", **chosen}, follow=True)
    assert "1 workflows are in the archive." in told.text
    assert WorkflowDefinition.objects.get().archived
    told = office.post(LIST, {"action": "unarchive", **chosen}, follow=True)
    assert "1 workflows are out of the archive." in told.text
    assert not WorkflowDefinition.objects.get().archived
    assert entries()[-2:] == ["workflows.definition.changed"] * 2


def test_a_run_is_given_json_and_leads_to_its_page(office, admin, at, drain):
    told = office.post(f"{at}run/", {"input": '{"message": "say exactly: ahoy"}', "debug": "on"})
    run = WorkflowExecution.objects.get()
    assert told.headers["Location"] == f"/executions/{run.pk}/"
    drain()
    run.refresh_from_db()
    assert (run.user, run.status, run.debug) == (admin, "completed", True)
    assert run.output["text"] == "ahoy"
    assert "workflows.execution.started" in entries()


def test_what_a_run_is_refused_for_is_told(office, at, made):
    assert "JSON" in office.post(f"{at}run/", {"input": "ahoy"}).content.decode()
    WorkflowDefinition.objects.update(archived=True)
    told = office.post(f"{at}run/", {"input": ""})
    assert told.status_code == 200
    assert "take it out of the archive" in told.content.decode()
    assert not WorkflowExecution.objects.exists()


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
def test_a_file_becomes_a_workflow_with_a_report_node_by_node(office, client, admin, name):
    kind = "application/json" if name.endswith("json") else "application/yaml"
    sent = (FILES / name).read_bytes()
    over_the_api = client.generic("POST", "/api/v1/definitions/import/", sent, content_type=kind)
    told = office.post(f"{LIST}import/", {"file": SimpleUploadedFile(name, sent)})
    made = WorkflowDefinition.objects.get(owner=admin)
    page = told.content.decode()
    assert f"{LIST}{made.pk}/change/" in page
    assert told.context["report"] == over_the_api.json()["report"]
    assert page.count('class="graph-outcome-') == len(told.context["report"]["nodes"])
    assert entries()[-1] == "workflows.definition.imported"


def test_an_export_comes_in_again(office, client, admin, address):
    sent = client.get(f"{address}export/").content
    office.post(f"{LIST}import/", {"file": SimpleUploadedFile("x.chatter.json", sent)})
    mine = WorkflowDefinition.objects.get(owner=admin)
    theirs = WorkflowDefinition.objects.exclude(owner=admin).get()
    assert mine.version_id == theirs.version_id


def test_a_file_may_begin_with_the_mark_of_windows(office, admin, client, address):
    sent = b"\xef\xbb\xbf" + client.get(f"{address}export/").content
    office.post(f"{LIST}import/", {"file": SimpleUploadedFile("x.chatter.json", sent)})
    assert WorkflowDefinition.objects.get(owner=admin).name == "Letters"


def test_what_an_import_leaves_out_of_the_whole_stands_on_the_page(office, client, address):
    package = client.get(f"{address}export/").json()
    sent = json.dumps({**package, "limits": {"steps": 10**9}}).encode()
    told = office.post(f"{LIST}import/", {"file": SimpleUploadedFile("x.chatter.json", sent)})
    assert "The limit &#x27;steps&#x27; was left out" in told.content.decode()


@pytest.mark.parametrize("sent", [b"{", b"\xff", b"{}", b"[" * 100_000])
def test_a_file_that_is_no_workflow_is_refused(office, sent):
    told = office.post(f"{LIST}import/", {"file": SimpleUploadedFile("x.json", sent)})
    assert told.status_code == 200
    assert told.context["form"].errors
    assert not WorkflowDefinition.objects.exists()


def test_a_file_with_a_graph_that_cannot_run_is_refused_with_its_report(office):
    package = {"format": "chatter.workflow", "format_version": 1, "name": "x", "graph": REFUSED}
    file = SimpleUploadedFile("x.json", json.dumps(package).encode())
    told = office.post(f"{LIST}import/", {"file": file})
    assert "The graph cannot run." in told.content.decode()
    assert told.context["report"]["source"] == "chatter"
    assert not WorkflowDefinition.objects.exists()


def test_who_may_only_look_finds_no_act_and_does_none(at, made):
    looks = staff("view_workflowdefinition")
    page = looks.get(f"{at}change/").content.decode()
    assert "<textarea" not in page
    assert f"{at}run/" not in page
    version = looks.get(f"{at}versions/1/")
    assert version.status_code == 200
    assert 'name="act"' not in version.content.decode()
    file = {"file": SimpleUploadedFile("x.json", b"{}")}
    for address, sent in (
        (f"{at}run/", {}),
        (f"{at}versions/1/", {"act": "publish"}),
        (f"{at}versions/1/", {"act": "restore"}),
        (f"{at}versions/1/", {"act": "fork"}),
        (f"{LIST}import/", file),
        (f"{LIST}add/", written()),
    ):
        assert looks.post(address, sent).status_code == 403, (address, sent)
    assert (WorkflowDefinition.objects.count(), DefinitionVersion.objects.count()) == (1, 1)
    assert not WorkflowExecution.objects.exists()


def test_who_may_change_makes_nothing_and_who_may_add_changes_nothing(at, made):
    look, act = "view_workflowdefinition", {"act": "fork"}
    changes, adds = staff(look, "change_workflowdefinition"), staff(look, "add_workflowdefinition")
    assert changes.post(f"{at}versions/1/", act).status_code == 403
    assert adds.post(f"{at}versions/1/", {"act": "publish"}).status_code == 403
    assert adds.post(f"{at}run/", {}).status_code == 403
    assert adds.post(f"{at}versions/1/", act).status_code == 302
    assert changes.post(f"{at}run/", {}).status_code == 302
