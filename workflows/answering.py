"""An approval as pages ask it: its form, and the decision that the form sends."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import User
from core.errors import ChatterError, Invalid
from core.json_values import plain_text
from workflows.answer_form import AnswerField, Unreadable, answer_of, fields_of
from workflows.models import Approval
from workflows.services.approvals import BadAnswer, decide

_COMMENT_CHARACTERS = 5_000


class UnknownDecision(Invalid):
    code = "unknown_decision"
    message = "Approve or reject."


def decide_as_sent(approval: Approval, sent: Mapping[str, str], *, by: User) -> Approval:
    """Do what a form says: `decision`, `comment`, and the fields of the answer.

    Raises UnknownDecision, and what `decide` does.
    """
    if sent.get("decision") not in ("approve", "reject"):
        raise UnknownDecision
    approve = sent["decision"] == "approve"
    answer = _answer(approval, sent) if approve else None
    written = sent.get("comment", "").replace("\r\n", "\n")
    comment = plain_text(written)[:_COMMENT_CHARACTERS]
    return decide(approval, by=by, approve=approve, comment=comment, answer=answer)


def answer_context(
    approval: Approval,
    sent: Mapping[str, str] | None = None,
    error: ChatterError | None = None,
) -> dict[str, Any]:
    """What `workflows/_answer.html` shows: the form, filled as it was sent if that was refused.

    Each of its `fields` with what was wrong with it, and where `within`; `errors` are those of none
    of them.
    """
    form = fields_of(approval.form, sent) if approval.form is not None else []
    errors = error.detail.get("errors", []) if sent and error else []
    return {
        "approval": approval,
        "fields": [(field, _wrong(field, errors)) for field in form],
        "comment": (sent or {}).get("comment", ""),
        "errors": [one for one in errors if not any(_is_of(field, one) for field in form)],
    }


def _wrong(field: AnswerField, errors: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    of_it = [one for one in errors if _is_of(field, one)]
    return [{**one, "within": one["path"][len(field.name) + 1 :]} for one in of_it]


def _is_of(field: AnswerField, error: Mapping[str, str]) -> bool:
    return error["path"] == field.name or error["path"].startswith(f"{field.name}.")


def _answer(approval: Approval, sent: Mapping[str, str]) -> Any:
    if approval.form is None:
        return None
    try:
        return answer_of(approval.form, sent)
    except Unreadable as error:
        raise BadAnswer(errors=error.errors) from error
