"""The forms of workflows in the back office."""

from typing import Any

from django import forms

from core.errors import Invalid
from workflows.definition.graph import drawn
from workflows.models import WorkflowTemplate
from workflows.parameters import check_declared, names_of
from workflows.services.definitions import checked_graph


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
            told = [f"{one['path']}: {one['message']}" for one in error.detail.get("errors", ())]
            raise forms.ValidationError([str(error), *told]) from error
        return declared
