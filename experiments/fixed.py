"""Inference for one look at the end, and how many units that takes: the only door to SciPy.

Nothing imports this module; `experiments.results` and `experiments.forecast` load it when somebody
asks (`import_string`), for SciPy costs a server 24 MiB and 0.3 s (measured).
"""

import math
from dataclasses import dataclass

from scipy.special import chdtrc, ndtri, stdtr, stdtrit

from experiments.moments import Moments
from experiments.sequential import ALPHA, LEAST, Interval, threshold

POWER = 0.8


def welch(
    control: Moments, arm: Moments, variances: tuple[float, float], alpha: float = ALPHA
) -> Interval:
    """Welch's t for the difference of two means; two-sided, for one look."""
    difference = arm.mean - control.mean
    parts = [variances[0] / control.count, variances[1] / arm.count]
    variance = sum(parts)
    if variance <= 0:
        return Interval(difference, difference, 1.0 if difference == 0 else 0.0)
    # By their shares in the variance: its square may be too small for a float.
    freedom = 1 / sum(
        (part / variance) ** 2 / (side.count - 1)
        for part, side in zip(parts, (control, arm), strict=True)
    )
    error = math.sqrt(variance)
    reach = float(stdtrit(freedom, 1 - alpha / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(difference) / error))
    return Interval(difference - reach, difference + reach, p)


def chi_square_p(counts: list[int], weights: list[int]) -> float:
    """Pearson's test of the shares of units, for one look."""
    total, whole = sum(counts), sum(weights)
    if not total:
        return 1.0
    expected = [total * weight / whole for weight in weights]
    parts = zip(counts, expected, strict=True)
    statistic = sum((seen - due) ** 2 / due for seen, due in parts)
    return float(chdtrc(len(counts) - 1, statistic))


@dataclass(frozen=True, slots=True)
class Needed:
    """Units in all arms together to see an effect in four of five cases.

    `once` for one look at the end; `anytime` at the latest, if one stops as soon as it is seen.
    Both with as many on each side as it takes for anything to be said.
    """

    once: int
    anytime: int


def units_needed(
    deviations: tuple[float, float],
    effect: float,
    shares: tuple[float, float],
    comparisons: int = 1,
) -> Needed:
    """`effect` is the difference of means; deviations of one unit, and shares of all units, are
    those of control and arm.
    """
    alpha, found = ALPHA / comparisons, float(ndtri(POWER))
    of_one = sum(
        (deviation / effect) ** 2 / share
        for deviation, share in zip(deviations, shares, strict=True)
    )
    once = (float(ndtri(1 - alpha / 2)) + found) ** 2
    anytime = (threshold(alpha) + found) ** 2
    least = math.ceil(LEAST / min(shares))
    return Needed(max(math.ceil(of_one * once), least), max(math.ceil(of_one * anytime), least))
