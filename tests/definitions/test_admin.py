"""The back office shows what a workflow is, what became of it and what it did."""

import re
from html import unescape

import pytest
from django.test import Client

from analytics.rollups.folding import fold
from audit.models import AuditEntry
from core.aggregates import all_differences
from tests.definitions.graphs import asks, graph, waits
from tests.drills.mortal import take_up
from workflows.models import WorkflowDefinition, WorkflowTemplate


@pytest.fixture
def page(admin, made):
    """The page of alice's definition, as an administrator sees it."""
    browser = Client()
    browser.force_login(admin)
    address = f"/admin/workflows/workflowdefinition/{made['id']}/change/"

    def look(data=None):
        return browser.post(address, data) if data else browser.get(address)

    return look


def test_a_graph_is_a_picture_without_a_word_of_style(page):
    text = page().content.decode()
    svg = re.search(r"<svg class=\"graph\".*?</svg>", text, re.S)[0]
    for label in ("start", "model", "end"):
        assert f">{label}</div>" in svg
    assert svg.count("<rect") == 3
    assert svg.count('class="graph-wire"') == 2
    assert "style=" not in svg
    assert "css/graph.css" in text


def test_who_hears_the_picture_hears_its_edges(page, client, address):
    asked = {"id": "ask", "type": "approval", "label": "Ask", "config": {"question": "Go?"}}
    drawn = graph(asked, edges=["start>ask", "ask.approved>end"])
    assert client.patch(address, {"graph": drawn}).status_code == 200
    said = "3 nodes: start, Ask, end. 2 edges: start → Ask, Ask (approved) → end."
    assert f'aria-label="{said}"' in page().content.decode()


def test_what_people_wrote_is_text_in_the_picture(page, client, address):
    client.patch(address, {"graph": graph({**waits(1), "label": "<script>x</script>"})})
    text = page().content.decode()
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


def test_the_history_says_what_each_version_changed(page, client, address):
    client.patch(address, {"graph": graph(asks("Be brief."), waits(2))})
    text = page().content.decode()
    assert "<del>&quot;Be kind.&quot;</del> <ins>&quot;Be brief.&quot;</ins>" in text
    assert re.search(r'class="graph-added">wait <small>delay</small>', text)
    assert re.search(r'class="graph-removed">model → end', text)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (1, "1", ("1", '"1"')),
        (True, None, ("true", "–")),
        ({"a": [None]}, "", ('{"a": [null]}', '""')),
        (
            f"{'Be kind. ' * 20}Use at most 20 words.",
            f"{'Be kind. ' * 20}Use at most 50 words.",
            ('Use at most 20 words."', 'Use at most 50 words."'),
        ),
    ],
)
def test_the_history_says_exactly_what_a_setting_was_and_became(
    page, client, address, before, after, told
):
    for value in (before, after):
        node = {"id": "v", "type": "variable", "config": {"name": "x", "value": value}}
        client.patch(address, {"graph": graph(node)})
    text = page().content.decode()
    changed = re.search(r"<code>config.value</code> <del>(.*?)</del> <ins>(.*?)</ins>", text)
    was, became = map(unescape, changed.groups())
    assert (was[-len(told[0]) :], became[-len(told[1]) :]) == told


def test_issues_are_listed(page, made):
    assert "None: it can run." in page().content.decode()
    definition = WorkflowDefinition.objects.get(pk=made["id"])
    version = definition.version
    version.graph = {**version.graph, "edges": version.graph["edges"][:1]}
    version.save()
    assert "graph-issue-error" in page().content.decode()


def test_executions_are_linked(page, client, address):
    started = client.post(address + "execute/", {"mode": "background"}).json()
    assert f"/executions/{started['execution']['id']}/" in page().content.decode()


def test_a_new_name_is_audited_and_the_graph_stays(page, made):
    shown = page().context["adminform"].form
    kept = {"graph": shown["graph"].value(), "seen": made["revision"], "limits": ""}
    data = {"name": "Renamed", "description": "", "published": 7, "version": "", **kept}
    assert page(data).status_code == 302
    definition = WorkflowDefinition.objects.get(pk=made["id"])
    assert (definition.name, definition.published) == ("Renamed", 1)
    assert str(definition.version_id) == made["version"]
    assert definition.revision == made["revision"] + 1
    entry = AuditEntry.objects.get(action="workflows.definition.changed")
    assert entry.detail["changed"] == ["description", "name"]


def test_the_list_and_the_versions_open(admin, made):
    browser = Client()
    browser.force_login(admin)
    assert browser.get("/admin/workflows/workflowdefinition/").status_code == 200
    version = f"/admin/workflows/workflowversion/{made['version']}/change/"
    assert 'class="graph"' in browser.get(version).content.decode()


def test_with_a_user_goes_the_workflow_they_ran_and_no_sum_is_wrong(admin, client, made, address):
    asked = {"mode": "background", "input": {"message": "hello"}}
    assert client.post(f"{address}execute/", asked).status_code == 202
    take_up()
    fold()
    browser = Client()
    browser.force_login(admin)
    owner = WorkflowDefinition.objects.get(pk=made["id"]).owner
    page = f"/admin/accounts/user/{owner.pk}/delete/"
    assert browser.post(page, {"post": "yes"}).status_code == 302
    assert not WorkflowDefinition.objects.exists()
    assert list(all_differences()) == []


def test_a_template_of_ones_own_can_be_deleted_and_a_built_in_one_cannot(admin, client):
    body = {"name": "A letter", "graph": graph(asks("Be kind."))}
    own = client.post("/api/v1/templates/", body).json()["id"]
    built_in = WorkflowTemplate.objects.filter(owner=None).first()
    browser = Client()
    browser.force_login(admin)
    page = "/admin/workflows/workflowtemplate/"
    assert browser.post(f"{page}{own}/delete/", {"post": "yes"}).status_code == 302
    assert browser.post(f"{page}{built_in.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [built_in.pk], "post": "yes"}
    assert browser.post(page, chosen).status_code == 403
    assert list(WorkflowTemplate.objects.filter(pk__in=[own, built_in.pk])) == [built_in]
