"""A thousand experiments at a time, looked at every day: what the figures promise, they keep."""

from collections.abc import Callable, Iterator
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from experiments.comparing import at_any_time
from experiments.fixed import chi_square_p, units_needed, welch
from experiments.metrics import Metric
from experiments.moments import Moments
from experiments.sequential import ALPHA, LEAST, anytime, holm, skew_p, tuned

TIMES, DAYS, A_DAY = 1_000, 28, 40
VALUE = Metric("value", "value", "lower")
SHARE = Metric("share", "share", "lower", share=True)
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

# What units are like: well-behaved, mostly cheap and seldom very dear, seldom failing, clumped.
WORLDS: dict[str, tuple[Metric, Draw]] = {
    "normal": (VALUE, lambda dice, shape: dice.normal(10, 3, shape)),
    "heavy tail": (VALUE, lambda dice, shape: dice.lognormal(0, 1.2, shape)),
    "seldom": (SHARE, lambda dice, shape: (dice.random(shape) < 0.03).astype(float)),
    "users of several turns": (
        VALUE,
        # one level a user, several turns around it: what is counted is the user's mean
        lambda dice, shape: dice.normal(0, 2, shape) + dice.normal(0, 1, (*shape, 5)).mean(-1),
    ),
}


def days_of(values: np.ndarray) -> list[list[Moments]]:
    """Of each experiment, what is known of one arm at the end of each day."""
    shape = (values.shape[0], DAYS, -1)
    sums = values.reshape(shape).sum(-1).cumsum(1)
    squares = (values.reshape(shape) ** 2).sum(-1).cumsum(1)
    counts = np.arange(1, DAYS + 1) * (values.shape[1] // DAYS)
    around = squares - sums**2 / counts
    return [
        [
            Moments(int(count), float(total / count), float(square))
            for count, total, square in zip(counts, sums[one], around[one], strict=True)
        ]
        for one in range(len(values))
    ]


def looks(world: str, seed: int, effect: float = 0.0) -> Iterator[list[tuple[Moments, Moments]]]:
    """Of each experiment, control and arm as they are known day by day."""
    dice = np.random.default_rng(seed)
    draw = WORLDS[world][1]
    control = draw(dice, (TIMES, DAYS * A_DAY))
    arm = draw(dice, (TIMES, DAYS * A_DAY)) + effect
    for one, other in zip(days_of(control), days_of(arm), strict=True):
        yield list(zip(one, other, strict=True))


def spread(share: float, of: int = TIMES) -> float:
    """How far a share of so many may lie from what it is, but for 1 in 1,000."""
    return 3.3 * sqrt(share * (1 - share) / of)


@pytest.mark.parametrize("world", WORLDS)
def test_a_thousand_trials_of_the_same_thing_looked_at_daily_raise_few_false_alarms(world):
    kind, _ = WORLDS[world]
    alarms = naive = 0
    for days in looks(world, seed=20_260_601):
        seen = [at_any_time(kind, one, other, planned=1_000) for one, other in days]
        alarms += any(found is not None and found.p < ALPHA for found in seen)
        naive += any(
            welch(one, other, (one.variance, other.variance)).p < ALPHA for one, other in days
        )
    assert alarms / TIMES <= ALPHA
    assert naive / TIMES > 3 * ALPHA, "looking daily at a test for one look is what goes wrong"


@pytest.mark.parametrize("world", WORLDS)
def test_an_interval_that_may_be_looked_at_always_holds_the_truth_all_along(world):
    kind, _ = WORLDS[world]
    missed = 0
    for days in looks(world, seed=7, effect=0.5):
        seen = [at_any_time(kind, one, other, planned=1_000) for one, other in days]
        missed += any(found is not None and not found.low <= 0.5 <= found.high for found in seen)
    assert missed / TIMES <= ALPHA


def test_a_planted_effect_is_found_at_the_computed_power():
    effect, deviation = 0.6, 3.0
    needed = units_needed((deviation, deviation), effect, (0.5, 0.5))
    dice = np.random.default_rng(11)
    once = always = 0
    for _ in range(TIMES):
        half = needed.anytime // 2
        control, arm = dice.normal(10, deviation, half), dice.normal(10 + effect, deviation, half)
        first = needed.once // 2
        sides = moments(control[:first]), moments(arm[:first])
        once += welch(*sides, (sides[0].variance, sides[1].variance)).p < ALPHA
        always += any(
            found is not None and found.p < ALPHA
            for day in range(1, 21)
            for found in [
                at_any_time(
                    VALUE,
                    moments(control[: half * day // 20]),
                    moments(arm[: half * day // 20]),
                    planned=needed.anytime,
                )
            ]
        )
    assert abs(once / TIMES - 0.8) <= spread(0.8)
    assert 0.8 - spread(0.8) <= always / TIMES <= 0.9, "seen by then, and not by wasting units"


def moments(values: np.ndarray) -> Moments:
    mean = float(values.mean())
    return Moments(len(values), mean, float(((values - mean) ** 2).sum()))


def test_units_that_are_lost_from_one_arm_are_noticed_and_fair_dice_are_not_accused():
    dice = np.random.default_rng(5)

    def fires(chances: list[float], weights: list[int]) -> float:
        dealt = dice.multinomial(200, chances, (TIMES, DAYS)).cumsum(1)
        return (
            sum(any(skew_p(day, weights) < 0.01 for day in one.tolist()) for one in dealt) / TIMES
        )

    assert fires([0.5, 0.5], [1, 1]) <= 0.01 + spread(0.01)
    assert fires([0.5, 0.3, 0.2], [5, 3, 2]) <= 0.01 + spread(0.01)
    assert fires([0.53, 0.47], [1, 1]) > 0.8  # one in nine of an arm is lost
    assert fires([0.5, 0.5], [2, 1]) == 1.0


def test_several_arms_together_raise_no_more_false_alarms_than_one():
    dice = np.random.default_rng(3)
    alarms = alone = 0
    for _ in range(TIMES):
        values = dice.normal(0, 1, (5, 400))
        sides = [moments(one) for one in values]
        found = [welch(sides[0], one, (sides[0].variance, one.variance)).p for one in sides[1:]]
        alarms += min(holm(found)) < ALPHA
        alone += min(found) < ALPHA
    assert alarms / TIMES <= ALPHA + spread(ALPHA)
    assert alone / TIMES > 2 * ALPHA


def test_holm_is_what_the_book_says():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_welch_and_chi_square_agree_with_scipys_own():
    dice = np.random.default_rng(1)
    one, other = dice.normal(0, 1, 60), dice.normal(0.4, 2, 90)
    mine = welch(moments(one), moments(other), (one.var(ddof=1), other.var(ddof=1)))
    theirs = stats.ttest_ind(other, one, equal_var=False)
    ends = theirs.confidence_interval()
    assert (mine.low, mine.high, mine.p) == pytest.approx((ends.low, ends.high, theirs.pvalue))
    assert chi_square_p([510, 290, 200], [5, 3, 2]) == pytest.approx(
        stats.chisquare([510, 290, 200], [500, 300, 200]).pvalue
    )
    assert chi_square_p([0, 0], [1, 1]) == 1.0


def test_values_added_one_by_one_keep_their_digits():
    values = 1e9 + np.random.default_rng(2).random(1_000)
    found = Moments()
    for value in values:
        found.add(float(value))
    assert found.mean == pytest.approx(values.mean(), rel=1e-15)
    assert found.variance == pytest.approx(values.var(ddof=1), rel=1e-6)


def test_nothing_is_said_of_few_units_nor_is_a_share_certain_that_was_never_seen_to_fail():
    few, none = Moments(LEAST - 1, 0.0, 1.0), Moments(LEAST, 0.0, 0.0)
    assert at_any_time(VALUE, few, none, planned=1_000) is None
    seen = at_any_time(SHARE, none, none, planned=1_000)
    assert seen is not None
    assert seen.low < 0 < seen.high
    assert seen.p == 1.0


def test_p_and_interval_say_the_same():
    for difference in np.linspace(0.01, 1, 50):
        found = anytime(float(difference), 0.02, 500, tuned(1_000))
        assert (found.p < ALPHA) == (found.low > 0)


def test_turns_of_one_user_taken_for_units_would_raise_false_alarms():
    """Why a unit counts once, with the mean of its turns."""
    dice = np.random.default_rng(9)
    right = wrong = 0
    for _ in range(TIMES):
        users = dice.normal(0, 2, (2, 100, 1)) + dice.normal(0, 1, (2, 100, 10))
        for_users = [moments(arm.mean(-1)) for arm in users]
        for_turns = [moments(arm.ravel()) for arm in users]
        right += welch(*for_users, tuple(one.variance for one in for_users)).p < ALPHA
        wrong += welch(*for_turns, tuple(one.variance for one in for_turns)).p < ALPHA
    assert right / TIMES <= ALPHA + spread(ALPHA)
    assert wrong / TIMES > 0.3
