"""Runs that use budgets, and what has to hold of these at any time."""

from collections.abc import Callable
from typing import Any

from budgets.models import Budget, BudgetPeriod
from core.aggregates import all_differences
from tests.definitions.graphs import graph
from tests.drills.mortal import take_up
from tests.limits.runs import says
from workflows.models import WorkflowExecution

Begin = Callable[..., WorkflowExecution]

# The demo counts a token a word, and three a message: it is asked with 6 and answers with 20. A
# tokenizer makes a token of each byte at worst, and a message may add 32: so much is reserved.
ASKED, ANSWERED = 6, 20
USED = ASKED + ANSWERED
WORST = len("say 20 words") + 32 + ANSWERED


def one_call(words: int = ANSWERED) -> dict[str, Any]:
    """A graph that asks once."""
    text, model = says(words)
    return graph(text, model, edges=[f"start>{text['id']}", f"{text['id']}>model", "model>end"])


def finished(execution: WorkflowExecution) -> WorkflowExecution:
    """The run at its end; whatever budgets there are say what the ledger says."""
    take_up()
    execution.refresh_from_db()
    assert list(all_differences()) == []
    return execution


def period_of(budget: Budget) -> BudgetPeriod:
    return BudgetPeriod.objects.get(budget=budget)


def numbers_of(budget: Budget) -> tuple[int, int]:
    """Spent and reserved."""
    period = period_of(budget)
    return period.spent, period.reserved
