"""The forms of workflows in the back office."""

from typing import Any

from django import forms
from django.utils.html import format_html

from core.errors import ChatterError, Invalid
from workflows.definition.graph import drawn
from workflows.models import WorkflowTemplate
from workflows.parameters import check_declared, names_of
from workflows.services.definitions import checked_graph
from workflows.services.templates import locked_template
from workflows.validation.issue import part_at

_ISSUE = "<code>{path}</code> <b>{part}</b> {message} {hint} <small>{code}</small>"


def refused(error: ChatterError, graph: Any = None) -> forms.ValidationError:
    """What a service says no with, and every issue that it tells: where, what, what helps, code.

    With the `graph` the issues are of, they name its nodes and edges, too.
    """
    issues = [{"path": "", "hint": "", **one} for one in error.detail.get("errors", ())]
    issues = [{**one, "part": part_at(one["path"], graph)} for one in issues]
    return forms.ValidationError([str(error), *(format_html(_ISSUE, **one) for one in issues)])


class GuardedForm(forms.ModelForm):
    """`seen` is the revision that the page showed: who saved meanwhile is not written over.

    The row is locked until the request ends, so that what is checked here is what is saved.
    """

    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            del self.fields["seen"]
        else:
            self.initial["seen"] = self.instance.revision

    def lock(self, revision: int) -> None:
        """Lock the row. Raises a ChatterError if it is no longer at `revision`, or gone."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "seen" in given:
            try:
                self.lock(given["seen"])
            except ChatterError as error:
                raise refused(error) from error
        return given

    @property
    def changes(self) -> dict[str, Any]:
        """What differs from what the page showed, of a valid form."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "seen"}


class TemplateForm(GuardedForm):
    """Parameters that are a schema, and that the graph can do with."""

    class Meta:
        model = WorkflowTemplate
        fields = ("name", "description", "category", "parameters", "public")

    def lock(self, revision: int) -> None:
        locked_template(self.instance, revision)

    def clean_parameters(self) -> Any:
        given, template = self.cleaned_data["parameters"], self.instance
        declared = {} if given is None else given
        graph = drawn(template.version.graph, template.layout)
        try:
            check_declared(declared)
            checked_graph(graph, template.owner, params=names_of(declared))
        except Invalid as error:
            raise refused(error, graph) from error
        return declared
