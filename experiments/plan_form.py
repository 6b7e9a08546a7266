"""The form by which a draft's page computes units and days; nothing of it is stored."""

from typing import Any

from django import forms
from pydantic import ValidationError

from core.api import issues_of
from experiments.api.inputs import PlanIn


class PlanForm(forms.Form):
    """Fields read what is written; whether that is a plan, the body of the API's request says."""

    effect = forms.FloatField(label="A difference of, in % of the mean")
    mean = forms.FloatField(
        required=False,
        label="Expected mean of a unit",
        help_text="With its deviation, in place of what was seen; of events nothing was.",
    )
    deviation = forms.FloatField(required=False, label="Expected deviation of a unit")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                PlanIn.model_validate(self.asked())
            except ValidationError as error:
                for issue in issues_of(error):
                    self.add_error(issue["path"] or None, issue["message"])
        return cleaned

    def asked(self) -> dict[str, Any]:
        """As the API takes it."""
        return {**self.cleaned_data, "effect": self.cleaned_data["effect"] / 100}
