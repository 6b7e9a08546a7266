"""Two of staff who begin with others' turns in the same instant: one of them is refused."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from experiments.models import Audience, Experiment
from experiments.services.acts import ExperimentInTheWay, start_experiment
from experiments.services.experiments import create_experiment
from tests.experiments.conftest import BRIEF
from tests.factories.accounts import UserFactory


# What one has begun the other sees once it is committed.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_of_two_who_begin_at_once_with_the_same_one_is_refused(production_profile, built_in):
    together = Barrier(2)
    drafts = [
        create_experiment(
            owner=UserFactory(is_staff=True),
            name="Short",
            template="universal_chat",
            primary="tokens",
            audience=Audience.EVERYONE,
            variants=[{"name": "as it is", "control": True}, {"name": "a", "parameters": BRIEF}],
        )
        for _ in range(2)
    ]

    def begin(draft: Experiment) -> bool:
        together.wait()
        try:
            start_experiment(draft, by=draft.owner)
        except ExperimentInTheWay:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, drafts)) == [False, True]
    assert Experiment.objects.filter(status="running").count() == 1
