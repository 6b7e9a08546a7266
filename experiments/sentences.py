"""What is known and what is not, in plain sentences."""

from collections.abc import Iterator

from experiments.forecast import SEEN_DAYS, Forecast
from experiments.metrics import crossing, metric
from experiments.models import Audience, Experiment, ExperimentStatus
from experiments.results import Cell, MetricResult, Results
from experiments.sequential import ALPHA, LEAST


def sentences(results: Results) -> list[str]:
    """The verdict first; never more than the numbers say."""
    return list(_verdict(results))


def sentence_of(experiment: Experiment, plan: Forecast) -> str:
    """What seeing an effect takes."""
    kind, units = metric(experiment.primary), f"{experiment.unit}s"
    takes = (
        f"To see in four of five cases that the {kind.label} differs by {kind.shown(plan.effect)} "
        f"from {kind.shown(plan.mean)}, it takes {plan.units_once:,} {units} looked at once, and "
        f"at most {plan.units_anytime:,} if one looks always"
    )
    if plan.days_once is None or plan.days_anytime is None:
        return (
            f"{takes}. How long that is, is not known: none that would count came in the last "
            f"{SEEN_DAYS} days."
        )
    return (
        f"{takes}: {plan.days_once:,.1f} and {plan.days_anytime:,.1f} days, as "
        f"{plan.units_a_day:,.1f} that count come a day and are watched for "
        f"{_time(experiment.window_min)}."
    )


def rules_of(experiment: Experiment) -> list[str]:
    """Who takes part, for how long, and what stops a variant."""
    unit, share = experiment.unit, experiment.traffic_percent
    window = _time(experiment.window_min)
    return [
        f"Turns of {_audience(experiment)} take part; {share} % of the {unit}s are dealt out.",
        f"A {unit} is watched for {window} from its first answer by a variant on, then counted.",
        *(f"A variant is stopped once its {crossing(guard)}." for guard in experiment.guards),
    ]


def _audience(experiment: Experiment) -> str:
    if experiment.audience != Audience.CHOSEN:
        return "everybody" if experiment.audience == Audience.EVERYONE else "the owner"
    named = ((experiment.users.all(), "user"), (experiment.groups.all(), "group"))
    return " and ".join(_many(len(some), what) for some, what in named if some) or "nobody"


def _time(minutes: int) -> str:
    of = (("day", 1_440), ("hour", 60), ("minute", 1))
    return next(_many(minutes // size, what) for what, size in of if minutes % size == 0)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _verdict(results: Results) -> Iterator[str]:
    experiment = results.experiment
    if experiment.status == ExperimentStatus.DRAFT:
        yield "It has not begun, so nothing is known."
        return
    if results.split.skewed:
        yield (
            "Do not believe the figures below: units are not dealt out as set (p = "
            f"{results.split.p_anytime:.2g}), so something keeps one kind of them away."
        )
    primary = results.primary
    for cell in primary.cells:
        if not cell.variant.control:
            yield _of_arm(primary, cell, _counted(primary))
    running = experiment.status == ExperimentStatus.RUNNING
    now = " The control answers its units." if running else ""
    for one in results.variants:
        if one.stopped_at is not None:
            yield f"'{one.name}' was stopped: {one.stopped_because}.{now}"
    if unknown := sum(results.unknown.values()):
        yield (
            f"What {_many(unknown, 'unit')} cost is not known: some call has no price, or its "
            "process died before it was over."
        )


def _counted(primary: MetricResult) -> int:
    return next(cell.units for cell in primary.cells if cell.variant.control)


def _of_arm(primary: MetricResult, cell: Cell, control: int) -> str:
    kind, name, found = primary.metric, f"'{cell.variant.name}'", cell.comparison
    if found is None or found.anytime is None:
        return (
            f"Nothing can be said of {name} yet: {cell.units} of its units and {control} of the "
            f"control's are counted for {kind.label}, and it takes {LEAST} of each."
        )
    low, high = kind.shown(found.anytime.low), kind.shown(found.anytime.high)
    between = f"the difference lies between {low} and {high} (95 %, whenever one looks)"
    if found.corrected is None or found.corrected >= ALPHA:
        return (
            f"It is not known whether {name} or the control is better: of the {kind.label}, "
            f"{between}, which has room for none."
        )
    lower = found.difference < 0
    better = "better" if lower == (kind.better == "lower") else "worse"
    wide = found.anytime.low <= 0 <= found.anytime.high  # to hold together with the other arms'
    none = f", which has room for none, but Holm's test has not (p = {found.corrected:.2g})"
    return (
        f"{name} is {better} than the control: the {kind.label} is "
        f"{'lower' if lower else 'higher'}; {between}{none if wide else ''}."
    )
