"""The form of an experiment on its page: what people write, as the API and the services take it."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from pydantic import ValidationError

from accounts.models import User
from core.api import issues_of
from core.form_fields import KeyField, once_of
from experiments.api.inputs import EVENT_NAME, ExperimentIn, service_arguments
from experiments.metrics import EVENT, LEDGER
from experiments.models import Experiment
from experiments.variant_forms import (
    BLANK_VARIANTS,
    VariantForm,
    VariantForms,
    rows_of,
    templates_for,
    variant_kept,
    variants_written,
)
from workflows.choices import parse_choice, value_of, workflows_to_run

_EVENT = EVENT.rstrip(":")
_METRICS = [(one.key, one.label.capitalize()) for one in LEDGER.values()]
_PLAIN = ("name", "hypothesis", "unit", "audience", "traffic_percent", "window_min",
          "planned_units")  # fmt: skip
_LINES = forms.Textarea({"rows": 3, "spellcheck": "false", "autocapitalize": "none"})
_UNITS = [("conversation", "Conversations"), ("user", "Users")]
_AUDIENCES = [
    ("own", "My own turns"),
    ("chosen", "Turns of chosen users and groups"),
    ("everyone", "Everybody's turns"),
]
_WAYS = [("higher", "Higher is better"), ("lower", "Lower is better")]
BLANK: Mapping[str, Any] = {
    name: ExperimentIn.model_fields[name].default
    for name in ("unit", "audience", "traffic_percent", "better", "window_min", "planned_units")
}


class ExperimentForm(forms.Form):
    """`variants` are its rows. What an experiment is about stays once it is made.

    `key` is of one page: what is sent with it twice is one experiment.
    Fields read what is written; whether that is an experiment, the body of the API's request says.
    """

    key = KeyField()
    name = forms.CharField()
    hypothesis = forms.CharField(required=False, widget=forms.Textarea({"rows": 2}))
    target = forms.ChoiceField(label="About")
    unit = forms.ChoiceField(label="What is dealt out and counted", choices=_UNITS)
    audience = forms.ChoiceField(
        label="Whose turns",
        choices=_AUDIENCES,
        help_text="Only staff put the turns of others to the test.",
    )
    users = forms.CharField(required=False, widget=_LINES, help_text="One name a line.")
    groups = forms.CharField(required=False, widget=_LINES, help_text="One name a line.")
    traffic_percent = forms.IntegerField(label="Share of the units that take part, in %")
    primary = forms.ChoiceField(
        label="Decided by", choices=[*_METRICS, (_EVENT, "An event, sent over the API")]
    )
    event = forms.CharField(label="Name of the event", required=False, max_length=EVENT_NAME)
    better = forms.ChoiceField(label="Which way is better", required=False, choices=_WAYS)
    events = forms.CharField(
        label="Other events",
        required=False,
        widget=_LINES,
        help_text="One a line, with which way is better: “refund: lower”. Else higher is better.",
    )
    window_min = forms.IntegerField(
        label="Window in minutes", help_text="A unit is watched so long from its first turn on."
    )
    planned_units = forms.IntegerField(
        label="Planned units", help_text="The test is sharpest at so many."
    )

    def __init__(self, user: User, data: Any = None, experiment: Experiment | None = None) -> None:
        super().__init__(data, initial=written(experiment) if experiment else {**BLANK})
        self.experiment = experiment
        target: Any = self.fields["target"]
        if experiment is None:
            target.choices = [("", "Choose …"), *workflows_to_run(user)]
        else:
            target.choices = [(self.initial["target"], experiment.target or "deleted")]
            target.disabled, target.required = True, False
        for key, label in _METRICS:
            self.fields[_margin(key)] = forms.FloatField(label=label, required=False)
        variants = list(experiment.variants.all()) if experiment else []
        shown = variants_written(variants) or BLANK_VARIANTS
        self.variants = VariantForms(
            data,
            prefix="variants",
            initial=shown if data is None else None,  # a row sent as it was shown is no empty one
            form_kwargs={"templates": templates_for(user, variants)},
        )

    @property
    def margins(self) -> list[forms.BoundField]:
        return [self[_margin(key)] for key in LEDGER]

    def is_valid(self) -> bool:
        return super().is_valid() and self.variants.is_valid()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.variants.is_valid() and not self.errors:
            try:
                ExperimentIn.model_validate(self._body())
            except ValidationError as error:
                for issue in issues_of(error):
                    self._put(issue["path"], issue["message"])
        return cleaned

    def given(self) -> dict[str, Any]:
        """All of it, as `create_experiment` takes it."""
        body = ExperimentIn.model_validate(self._body())
        return service_arguments(body.model_dump(exclude_unset=True))

    def once(self) -> str:
        """Stands for this page and what was written on it; empty without a key."""
        return once_of(self.cleaned_data["key"], self.given())

    def changed(self, experiment: Experiment) -> dict[str, Any]:
        """What is not as it was, as `change_experiment` takes it."""
        before, told = kept(experiment), self.given()
        changed = {
            name: value
            for name, value in told.items()
            if name in before and not _same(value, before[name])
        }
        if "primary" in changed and "better" in told:
            changed["better"] = told["better"]  # of another metric, though it be the same way
        return changed

    def _body(self) -> dict[str, Any]:
        told = self.cleaned_data
        event = told["primary"] == _EVENT
        target = {name: pk for name, pk in parse_choice(told["target"]).items() if pk}
        return {
            **{name: told[name] for name in _PLAIN},
            **target,
            "hypothesis": told["hypothesis"].replace("\r\n", "\n"),
            "users": _names(told["users"]),
            "groups": _names(told["groups"]),
            "primary": f"{EVENT}{told['event']}" if event else told["primary"],
            **({"better": told["better"] or BLANK["better"]} if event else {}),
            "events": _directions(told["events"]),
            "guards": [{"metric": key, "margin": told[_margin(key)]} for key in self._guarded()],
            "variants": [row.body() for row in rows_of(self.variants)],
        }

    def _guarded(self) -> list[str]:
        return [key for key in LEDGER if self.cleaned_data[_margin(key)] is not None]

    def _put(self, path: str, message: str) -> None:
        """Tell it where it was written: paths are those of the API's body."""
        match path.split("."):
            case ["variants", at, field, *_] if field in VariantForm.base_fields:
                rows_of(self.variants)[int(at)].add_error(field, message)
            case ["guards", at, *_]:
                self.add_error(_margin(self._guarded()[int(at)]), message)
            case ["primary"]:
                self.add_error("event", message)
            case [field, *_] if field in self.fields:
                self.add_error(field, message)
            case _:
                self.add_error(None, message)


def kept(experiment: Experiment) -> dict[str, Any]:
    """What can be changed of an experiment, as the service takes it."""
    margins = {one["metric"]: one["margin"] for one in experiment.guards}
    return {
        **{name: getattr(experiment, name) for name in _PLAIN},
        "users": sorted(one.username for one in experiment.users.all()),
        "groups": sorted(one.name for one in experiment.groups.all()),
        "primary": experiment.primary,
        "better": experiment.better,
        "events": experiment.events,
        "guards": [{"metric": key, "margin": margins[key]} for key in LEDGER if key in margins],
        "variants": [variant_kept(one) for one in experiment.variants.all()],
    }


def written(experiment: Experiment) -> dict[str, Any]:
    """An experiment as its form shows it."""
    now = kept(experiment)
    event = experiment.primary.startswith(EVENT)
    return {
        **{name: now[name] for name in _PLAIN},
        "better": experiment.better if event else BLANK["better"],
        "target": value_of(experiment.target) if experiment.target else "",
        "users": "\n".join(now["users"]),
        "groups": "\n".join(now["groups"]),
        "primary": _EVENT if event else experiment.primary,
        "events": "\n".join(f"{name}: {way}" for name, way in sorted(now["events"].items())),
        "event": experiment.primary.removeprefix(EVENT) if event else "",
        **{_margin(one["metric"]): one["margin"] for one in now["guards"]},
    }


def _margin(metric: str) -> str:
    return f"margin_{metric}"


def _names(text: str) -> list[str]:
    return sorted({name for line in text.split("\n") if (name := line.strip())})


def _directions(text: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for line in _names(text):
        name, _, way = line.rpartition(":")
        named = name.strip() if way.strip() in dict(_WAYS) else ""
        told[named or line] = way.strip() if named else "higher"
    return told


def _same(one: Any, other: Any) -> bool:
    """As JSON: to Python, 1 and true are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
