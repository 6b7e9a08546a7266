"""Budgets for tests, made as the product makes them."""

from typing import Any

from budgets.models import Budget
from budgets.services.budgets import create_budget
from tests.factories.accounts import UserFactory


def a_budget(scope: str = "all", of: Any = "", **fields: Any) -> Budget:
    """At most 1,000 tokens in total, of everybody's calls, unless told otherwise."""
    by = fields.pop("by", None) or UserFactory(is_staff=True)
    told = {"name": "Budget", "unit": "tokens", "cap": 1_000, "period": "total"}
    return create_budget(by=by, scope=scope, of=str(of), **{**told, **fields})
