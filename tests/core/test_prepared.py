"""Queries that are composed once ask for what is there now, of whoever is meant now."""

from typing import Any
from uuid import UUID

import pytest
from django.db.models import QuerySet
from django.forms.models import model_to_dict

from accounts.models import User
from core.models import new_id
from core.prepared import PreparedQuery
from tests.factories.accounts import UserFactory
from workflows.models import WorkflowDefinition
from workflows.services.definitions import create_definition

pytestmark = pytest.mark.django_db
GRAPH = {
    "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}],
    "edges": [{"source": "start", "target": "end"}],
}


def own(user_id: UUID, definition_id: UUID) -> QuerySet[Any]:
    seen = WorkflowDefinition.objects.visible_to(User(pk=user_id))
    return seen.filter(pk=definition_id, archived=False)


def test_everyone_gets_the_rows_of_their_own_as_they_are_now() -> None:
    query = PreparedQuery(own, ids=2)
    ada, bob = UserFactory(), UserFactory()
    assert query.rows(ada.pk, new_id()) == []
    made = [
        create_definition(owner=one, name=f"é {one}", graph=GRAPH, limits={"steps": 7})
        for one in (ada, bob)
    ]
    for definition in made:
        for user in (ada, bob):
            found = query.rows(user.pk, definition.pk)
            assert found == list(own(user.pk, definition.pk))
            assert bool(found) == (definition.owner == user)
    made[0].refresh_from_db()
    (kept,) = query.rows(ada.pk, made[0].pk)
    assert model_to_dict(kept) == model_to_dict(made[0])
    kept.name = "Renamed"
    kept.save()
    assert query.rows(ada.pk, kept.pk)[0].name == "Renamed"
    kept.archived = True
    kept.save()
    assert query.rows(ada.pk, kept.pk) == []


def test_a_query_is_composed_once_and_asked_each_time(django_assert_num_queries: Any) -> None:
    composed: list[tuple[UUID, UUID]] = []

    def compose(user_id: UUID, definition_id: UUID) -> QuerySet[Any]:
        composed.append((user_id, definition_id))
        return own(user_id, definition_id)

    query = PreparedQuery(compose, ids=2)
    with django_assert_num_queries(3):
        for _ in range(3):
            query.rows(new_id(), new_id())
    assert len(composed) == 1
