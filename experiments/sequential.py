"""Inference that may be looked at as often as one likes: it errs at any look with at most alpha.

Intervals are the asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences" (Annals of
Statistics, 2024; arXiv 2103.06476: Robbins' normal mixture), around the difference of two means of
independent units. p-values invert them. They hold for large samples, so nothing is said before
each side has `LEAST` units. Shares of units are looked at by the mixture test of Lindon and Malek,
"Anytime-valid inference for multinomial count data" (NeurIPS 2022), which is exact.

Pure arithmetic: guard rails are watched by every server, which is not to load SciPy for it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = 0.05
LEAST = 50
_PRIOR_UNITS = 100.0


@dataclass(frozen=True, slots=True)
class Interval:
    """What is known of a number: it lies between, but for alpha; `p` speaks against its being 0."""

    low: float
    high: float
    p: float


def tuned(units: int, alpha: float = ALPHA) -> float:
    """The rho squared that makes intervals narrowest at this many units."""
    return (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / max(units, 1)


def anytime(
    difference: float, variance: float, units: int, rho_squared: float, alpha: float = ALPHA
) -> Interval:
    """`variance` is that of the difference, estimated from all these units."""
    if variance <= 0:
        return Interval(difference, difference, 1.0 if difference == 0 else 0.0)
    steps = units * rho_squared
    reach = math.sqrt(variance * 2 * (steps + 1) / steps * math.log(math.sqrt(steps + 1) / alpha))
    evidence = difference**2 / variance * steps / (2 * (steps + 1)) - math.log(steps + 1) / 2
    return Interval(difference - reach, difference + reach, math.exp(-max(evidence, 0.0)))


def threshold(alpha: float = ALPHA) -> float:
    """How many standard errors a difference must be from 0 at the number of units tuned for."""
    steps = tuned(1, alpha)
    return math.sqrt(2 * (steps + 1) / steps * math.log(math.sqrt(steps + 1) / alpha))


def skew_p(counts: Sequence[int], weights: Sequence[int]) -> float:
    """Against units being dealt out by these weights; may be looked at after every unit."""
    total, whole = sum(counts), sum(weights)
    shares = [weight / whole for weight in weights]
    priors = [_PRIOR_UNITS * share for share in shares]
    evidence = math.lgamma(_PRIOR_UNITS) - math.lgamma(_PRIOR_UNITS + total)
    for count, prior, share in zip(counts, priors, shares, strict=True):
        evidence += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return math.exp(-max(evidence, 0.0))


def holm(values: Sequence[float]) -> list[float]:
    """p-values of several arms against one control, corrected after Holm; in the given order.

    Of p-values that hold at any time this holds at any time: all true ones of m stay above alpha/m
    together but for alpha.
    """
    corrected, worst = [0.0] * len(values), 0.0
    for place, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        worst = max(worst, min(1.0, values[index] * (len(values) - place)))
        corrected[index] = worst
    return corrected
