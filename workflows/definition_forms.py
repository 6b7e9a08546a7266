"""The forms of a workflow in the back office: the workflow itself, what is run, a file."""

import json
from typing import Any

import orjson
from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.files.uploadedfile import UploadedFile

from accounts.limits import checked_limits
from core.errors import ChatterError
from core.form_fields import KeyField, ObjectField, once_of
from workflows.api.definition_shapes import graph_of
from workflows.api.starting import keyed
from workflows.forms import GuardedForm, refused
from workflows.interchange.reading import from_yaml, kept
from workflows.models import WorkflowDefinition
from workflows.services.definitions import checked_graph, locked
from workflows.services.idempotency import NO_KEY, Idempotency
from workflows.services.versions import entry_of

_LIMITS = "Below the server's, such as {&quot;steps&quot;: 50, &quot;cost&quot;: &quot;0.10&quot;}."
_YAML = (".yml", ".yaml")


class GraphField(ObjectField):
    """A graph as the API takes it, spread out to be read."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(rows=26, required=True, **kwargs)

    def read(self, text: str) -> Any:
        return orjson.loads(text)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return json.dumps(value, ensure_ascii=False, indent=2)
        return value


class DefinitionForm(GuardedForm):
    """What the API takes, refused for the same reasons, all of them told at once.

    A new one, sent twice as it was shown, is one workflow.
    """

    graph = GraphField(help_text="Its nodes and edges. What is saved becomes a new version.")
    limits = ObjectField(help_text=_LIMITS)
    description = forms.CharField(max_length=10_000, required=False, widget=AdminTextareaWidget)
    key = KeyField()

    by: Any = None

    class Meta:
        model = WorkflowDefinition
        fields = ("name", "description", "archived", "limits")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            return
        self.fields.pop("key", None)
        if "graph" in self.fields:
            self.initial["graph"] = graph_of(entry_of(self.instance))

    def lock(self, revision: int) -> None:
        locked(self.instance, revision)

    def clean_graph(self) -> Any:
        graph, known = self.cleaned_data["graph"], not self.instance._state.adding
        owner = self.instance.owner if known else self.by
        try:
            checked_graph(graph, owner, within=self.instance.pk if known else None)
        except ChatterError as error:
            raise refused(error, graph) from error
        return graph

    def clean_limits(self) -> Any:
        try:
            return checked_limits(self.cleaned_data["limits"])
        except ChatterError as error:
            raise refused(error) from error


class RunForm(forms.Form):
    """What a run is given; sent twice as it was shown, it is one run."""

    key = KeyField()
    input = ObjectField(
        rows=6, help_text="Such as {&quot;message&quot;: &quot;Hello&quot;}; empty for none."
    )
    parameters = ObjectField(help_text="Values for its parameters, by name; empty for none.")
    debug = forms.BooleanField(
        required=False, help_text="Also log the input and output of each node."
    )

    @property
    def given(self) -> dict[str, Any]:
        """As an ExecutionRequest takes it."""
        return {name: value for name, value in self.cleaned_data.items() if name != "key"}

    def once(self, path: str) -> Idempotency:
        """Of what was written on this page."""
        once = once_of(self.cleaned_data["key"], self.given)
        return keyed(once, path.encode()) if once else NO_KEY


class ImportForm(forms.Form):
    """A file of Chatter, Dify (YAML or JSON) or Langflow; what it holds is read as over the API.

    Sent twice as it was shown, it is one workflow.
    """

    key = KeyField()
    file = forms.FileField(help_text="An export of Chatter, Dify (YAML or JSON) or Langflow.")

    def clean_file(self) -> Any:
        file: UploadedFile = self.cleaned_data["file"]
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if (file.size or 0) > most:
            raise forms.ValidationError(f"At most {most:,} bytes are taken.")
        yaml = str(file.name).lower().endswith(_YAML)
        try:
            text = file.read().decode("utf-8-sig")  # editors on Windows begin files with a mark
            return kept(from_yaml(text) if yaml else orjson.loads(text))
        except ValueError as error:
            raise forms.ValidationError(f"This cannot be read: {error}") from error

    def once(self) -> str:
        """Stands for this page and the file."""
        return once_of(self.cleaned_data["key"], self.cleaned_data["file"])


class VersionForm(forms.Form):
    """What is to be done with a version; `name` is that of a fork, which, sent twice, is one."""

    key = KeyField()
    act = forms.ChoiceField(choices=[(one, one) for one in ("publish", "restore", "fork")])
    name = forms.CharField(max_length=255, required=False)

    def once(self, path: str) -> str:
        """Stands for the page of a version and the name written on it."""
        return once_of(self.cleaned_data["key"], [path, self.cleaned_data["name"]])
