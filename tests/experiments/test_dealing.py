"""Who is dealt what: written down, so that no release deals anew."""

import pytest

from experiments.dealing import dealt, number_of, takes_part

UNITS = [f"user:{number}" for number in range(20_000)]


def test_the_mapping_is_what_it_was():
    assert number_of("variant", "salt", "user:1") == PINNED_NUMBER
    assert [dealt("salt", f"user:{n}", [1, 1]) for n in range(16)] == PINNED_HALVES
    assert [dealt("salt", f"user:{n}", [5, 3, 2]) for n in range(16)] == PINNED_THIRDS
    assert [takes_part("salt", f"user:{n}", 30) for n in range(16)] == PINNED_TRAFFIC


@pytest.mark.parametrize("weights", [[1, 1], [9, 1], [5, 3, 2]])
def test_units_are_dealt_out_by_weight(weights):
    found = [dealt("a", unit, weights) for unit in UNITS]
    for place, weight in enumerate(weights):
        share = weight / sum(weights)
        spread = 4 * (share * (1 - share) / len(UNITS)) ** 0.5
        assert abs(found.count(place) / len(UNITS) - share) < spread


@pytest.mark.parametrize("percent", [1, 30, 100])
def test_a_share_of_the_traffic_takes_part_and_more_of_it_only_adds(percent):
    took = {unit for unit in UNITS if takes_part("a", unit, percent)}
    spread = 4 * (percent / 100 * (1 - percent / 100) / len(UNITS)) ** 0.5
    assert abs(len(took) / len(UNITS) - percent / 100) <= spread
    assert took <= {unit for unit in UNITS if takes_part("a", unit, min(percent + 20, 100))}


def test_who_takes_part_says_nothing_of_the_variant_and_one_experiment_nothing_of_another():
    part = [unit for unit in UNITS if takes_part("a", unit, 50)]
    firsts = sum(dealt("a", unit, [1, 1]) for unit in part) / len(part)
    both = sum(dealt("a", unit, [1, 1]) == dealt("b", unit, [1, 1]) for unit in UNITS)
    assert abs(firsts - 0.5) < 4 * 0.5 / len(part) ** 0.5
    assert abs(both / len(UNITS) - 0.5) < 4 * 0.5 / len(UNITS) ** 0.5


PINNED_NUMBER = 11_062_770_188_468_654_901
PINNED_HALVES = [1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1]
PINNED_THIRDS = [1, 1, 1, 1, 0, 1, 1, 1, 2, 0, 2, 0, 1, 0, 0, 2]
PINNED_TRAFFIC = [
    True,
    False,
    False,
    False,
    False,
    True,
    True,
    False,
    False,
    False,
    True,
    False,
    False,
    False,
    False,
    False,
]
