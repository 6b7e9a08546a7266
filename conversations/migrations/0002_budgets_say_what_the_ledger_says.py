"""Calls that were cut count in budgets as the ledger has them; they did as what was reserved.

Here, for it takes the ledger to say what budgets count, and executions to say what calls are for.
Of a group nobody knows who was in it before it had a budget: that stays as it was counted.
"""

from typing import Any

from django.db import migrations
from django.db.models import Q

from budgets.amounts import TOKENS, Rule, Use, used, worst
from core.origins import execution_of
from llms.budgeting import is_heard_of


def count_anew(apps: Any, schema_editor: Any) -> None:
    for period in list(apps.get_model("budgets", "BudgetPeriod").objects.select_related("budget")):
        calls = _inexact(apps)
        charges = apps.get_model("budgets", "BudgetCharge").objects.filter(period=period)
        _charged(period, charges.filter(call_id__in=calls.values("id")), calls)
        if period.budget.scope != "group":
            _carried(apps, period, calls.exclude(id__in=charges.values("call_id")))
        period.save()


def _inexact(apps: Any) -> Any:
    """The calls that are over and did not count as what a provider told."""
    calls = apps.get_model("llms", "ModelCall").objects.exclude(status="open").order_by()
    return calls.filter(Q(upper_bound_tokens__isnull=False) | Q(cost_nano_usd=None))


def _charged(period: Any, charges: Any, calls: Any) -> None:
    for charge in charges.exclude(spent=None):
        use, ceiling = _use(calls.get(id=charge.call_id)), charge.ceiling_nano_usd_per_mtok
        now = used(period.budget.unit, charge.reserved, ceiling, use)
        period.spent += (now.amount or 0) - charge.spent
        period.bound += now.bound
        charge.spent = now.amount or 0
        charge.save()


def _carried(apps: Any, period: Any, calls: Any) -> None:
    budget = period.budget
    rule = Rule(budget.unit, budget.unpriced, budget.ceiling_nano_usd_per_mtok)
    calls = calls.filter(created_at__gte=period.begins_at)
    if period.ends_at is not None:
        calls = calls.filter(created_at__lt=period.ends_at)
    for call in calls.iterator():
        if not _is_for(apps, budget.key, call):
            continue
        most = worst(rule, call.upper_bound_tokens, call.upper_bound_nano_usd)
        now = used(rule.unit, most, rule.ceiling, _use(call))
        said = call.total_tokens if rule.unit == TOKENS else call.cost_nano_usd
        then = max(most or 0, said or 0)
        if call.upper_bound_tokens is None:
            then = now.amount or 0
        period.carried += (now.amount or 0) - then
        period.spent += (now.amount or 0) - then
        period.carried_bound += now.bound
        period.bound += now.bound


def _is_for(apps: Any, key: str, call: Any) -> bool:
    if key in ("all", f"user:{call.user_id}", call.origin):
        return True
    scope, _, of = key.partition(":")
    if scope not in ("definition", "conversation"):
        return False
    wanted = {"definition_id": of} if scope == "definition" else {"serial_key": key}
    executions = apps.get_model("workflows", "WorkflowExecution").objects
    return bool(executions.filter(pk=execution_of(call.origin), **wanted).exists())


def _use(call: Any) -> Use:
    heard_of = is_heard_of(call.upper_bound_tokens, call.first_token_ms, call.finish_reason)
    return Use(call.id, heard_of, call.total_tokens, call.cost_nano_usd)


class Migration(migrations.Migration):
    dependencies = [
        ("budgets", "0002_how_much_is_a_bound"),
        ("conversations", "0001_initial"),
        ("llms", "0004_by_time"),
        ("workflows", "0009_live"),
    ]

    operations = [
        migrations.RunPython(count_anew, migrations.RunPython.noop),
    ]
