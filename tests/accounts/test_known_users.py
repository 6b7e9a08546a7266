"""What is remembered of a token, and for how long."""

import pytest

from accounts.known_users import KEPT_S, KnownUsers
from accounts.models import User


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def known(clock):
    return KnownUsers(clock)


ANN = User(username="ann")


def test_a_user_is_remembered_for_three_seconds_and_no_longer(known, clock):
    known.keep("digest", ANN, known.generation)
    assert known.get("digest") is ANN
    clock.now_s += KEPT_S
    assert known.get("digest") is None


def test_one_caller_is_sent_to_look_while_the_others_are_still_answered(known, clock):
    known.keep("digest", ANN, known.generation)
    clock.now_s += 2.5
    assert [known.get("digest") for _ in range(3)] == [None, ANN, ANN]
    known.keep("digest", ANN, known.generation)
    assert known.get("digest") is ANN


def test_what_was_read_before_a_change_is_not_remembered_after_it(known):
    generation = known.generation
    known.clear()
    known.keep("digest", ANN, generation)
    assert known.get("digest") is None


def test_a_token_is_not_remembered_past_its_end(known, clock):
    known.keep("digest", ANN, known.generation, at_most_s=0.5)
    clock.now_s += 0.4
    assert known.get("digest") is ANN
    clock.now_s += 0.2
    assert known.get("digest") is None


def test_a_flood_of_tokens_does_not_fill_the_memory(known):
    for number in range(10_500):
        known.keep(str(number), ANN, known.generation)
    assert known.get("10499") is ANN
    assert known.get("1") is None
