"""What is known and what is not, in plain sentences."""

from collections.abc import Iterator

from experiments.forecast import SEEN_DAYS, Forecast
from experiments.metrics import metric
from experiments.models import Experiment, ExperimentStatus
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
        f"{plan.units_a_day:,.1f} that count come a day."
    )


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
            yield _of_arm(experiment, primary, cell, _counted(primary))
    for one in results.variants:
        if one.stopped_at is not None:
            yield f"'{one.name}' was stopped: {one.stopped_because}. The control answers its units."
    if unknown := sum(results.unknown.values()):
        units = "1 unit" if unknown == 1 else f"{unknown} units"
        yield f"What {units} cost is not known: not every call has a price."


def _counted(primary: MetricResult) -> int:
    return next(cell.units for cell in primary.cells if cell.variant.control)


def _of_arm(experiment: Experiment, primary: MetricResult, cell: Cell, control: int) -> str:
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
    return (
        f"{name} is {better} than the control: the {kind.label} is "
        f"{'lower' if lower else 'higher'}; {between}."
    )
