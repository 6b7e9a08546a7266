"""What the audit trail says when a tool reached for what it may not."""

from audit.models import Outcome
from audit.record import Entry, entry
from core.egress import AddressRefused
from tools.ledger import ToolCallRecord


def egress_refused(call: ToolCallRecord) -> Entry | None:
    """The entry, if the address was the reason; which one it was, the call's own row tells."""
    if call.error_code != AddressRefused.code:
        return None
    return entry(
        "tools.egress.refused",
        actor=call.user_id,
        target=f"tools.toolcall:{call.id}",
        outcome=Outcome.DENIED,
        detail={"tool": call.tool, "origin": call.origin},
        request_id=call.request_id,
    )
