"""The rows of an experiment's form: its variants, as people write them."""

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import User
from core.form_fields import ObjectField
from experiments.models import Variant
from workflows.choices import Choice, parse_choice, templates_to_run, value_of

_CONTROL = "control"
_MOST_ROWS = 50  # what is sent at most: the service takes fewer


class OneOfTheRows(forms.CheckboxInput):
    """A radio button of a group that goes through all rows: one of them is chosen."""

    input_type = "radio"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"] |= {"name": _CONTROL, "value": name}
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> bool:
        return bool(data.get(_CONTROL) == name)


class VariantForm(forms.Form):
    """Neither a number nor a template: what the experiment is about answers as it is."""

    name = forms.CharField()
    weight = forms.IntegerField(initial=1)
    control = forms.BooleanField(required=False, widget=OneOfTheRows)
    number = forms.IntegerField(
        label="Version", required=False, help_text="A number of the workflow; none: as it is."
    )
    template = forms.ChoiceField(label="Answered by", required=False)
    parameters = ObjectField(
        help_text='What it sets, such as {"system": "Answer in one sentence."}.'
    )

    def __init__(self, templates: list[Choice], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        template: Any = self.fields["template"]
        template.choices = [("", "The template as it is"), *templates]

    def body(self) -> dict[str, Any]:
        """As the API takes a variant."""
        told = self.cleaned_data
        template = parse_choice(told["template"])["template"] or ""
        return {**{name: told[name] for name in _PLAIN}, "template": template}


_PLAIN = ("name", "weight", "control", "number", "parameters")
VariantForms = forms.formset_factory(
    VariantForm, extra=2, can_delete=True, max_num=_MOST_ROWS, absolute_max=_MOST_ROWS
)
BLANK_VARIANTS: list[dict[str, Any]] = [{"name": "as it is", "control": True}, {}]


def rows_of(sent: Any) -> list[VariantForm]:
    """The rows of valid `VariantForms` that were filled in and not removed."""
    return [row for row in sent.forms if row.cleaned_data and row not in sent.deleted_forms]


def variant_kept(variant: Variant) -> dict[str, Any]:
    """A variant as the service takes it."""
    template = str(variant.template_id) if variant.template_id else ""
    return {**{name: getattr(variant, name) for name in _PLAIN}, "template": template}


def variants_written(variants: Sequence[Variant]) -> list[dict[str, Any]]:
    """Variants as their rows show them."""
    return [
        {**variant_kept(one), "template": value_of(one.template) if one.template else ""}
        for one in variants
    ]


def templates_for(user: User, variants: Sequence[Variant]) -> list[Choice]:
    """Those the user sees, and those that these variants have."""
    offered = dict(templates_to_run(user))
    now = {value_of(one.template): one.template.name for one in variants if one.template}
    return list((offered | now).items())
