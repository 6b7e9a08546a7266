"""Calls outside runs whose process died: nobody comes back for them, as a run does for its own."""

from datetime import timedelta

import structlog

from core import clock
from tools.catalogue import catalogue
from tools.ledger import lost_row
from tools.models import ToolCall

_LEEWAY_S = 60.0
log = structlog.get_logger(__name__)


def settle_lost() -> None:
    """Settle what is open for longer than its tool may take."""
    for row in ToolCall.objects.outside_runs().under_way().order_by("started_at").values():
        tool = catalogue.get(row["tool"])
        limit_s = _LEEWAY_S + (tool.timeout_s if tool is not None else 0)
        too_old = row["started_at"] < clock.now() - timedelta(seconds=limit_s)
        if too_old and ToolCall.objects.settle(row | lost_row(row)):
            log.warning("tool.call_lost", call=str(row["id"]), tool=row["tool"])
