"""The forms of workflows in the back office."""

from typing import Any

from django import forms
from django.utils.html import format_html

from core.errors import ChatterError, Invalid
from workflows.definition.graph import drawn
from workflows.models import WorkflowTemplate
from workflows.parameters import check_declared, names_of
from workflows.services.definitions import checked_graph

_ISSUE = "<code>{path}</code> {message} {hint} <small>{code}</small>"


def refused(error: ChatterError) -> forms.ValidationError:
    """What a service says no with, and every issue that it tells: where, what, what helps, code."""
    issues = [{"path": "", "hint": "", **one} for one in error.detail.get("errors", ())]
    return forms.ValidationError([str(error), *(format_html(_ISSUE, **one) for one in issues)])


class TemplateForm(forms.ModelForm):
    """Parameters that are a schema, and that the graph can do with."""

    class Meta:
        model = WorkflowTemplate
        fields = ("name", "description", "category", "parameters", "public")

    def clean_parameters(self) -> Any:
        declared, template = self.cleaned_data["parameters"] or {}, self.instance
        try:
            check_declared(declared)
            graph = drawn(template.version.graph, template.layout)
            checked_graph(graph, template.owner, params=names_of(declared))
        except Invalid as error:
            raise refused(error) from error
        return declared
