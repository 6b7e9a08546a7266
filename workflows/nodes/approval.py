"""A person decides how a run goes on."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from llms.messages import ChatMessage
from workflows.definition.references import render
from workflows.definition.values import as_text
from workflows.engine.errors import NodeError
from workflows.engine.pausing import APPROVED, EXPIRED, REJECTED
from workflows.engine.structured import check_schema
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

MAX_DEADLINE_S = 366 * 24 * 3600
_NOT_ALLOWED = "This was not allowed."
Name = Annotated[str, Field(min_length=1, max_length=255)]


class Config(NodeConfig):
    question: str = Field(
        min_length=1, max_length=5_000, description="What is to be decided, with {{ expressions }}."
    )
    shows: str = Field(
        default="",
        max_length=50_000,
        description="What is shown with it, with {{ expressions }}; "
        "empty takes the text that arrives, and the calls of tools that are wanted.",
    )
    form: dict[str, Any] | None = Field(
        default=None,
        description="A JSON schema of at most 1,000 parts; who approves then gives an answer that "
        "fits it. Patterns are not tried.",
    )
    approvers: tuple[Name, ...] = Field(
        default=(),
        max_length=50,
        description="Who may decide: usernames, and group:<name>; empty: the owner of the run.",
    )
    deadline_s: float | None = Field(
        default=None, gt=0, le=MAX_DEADLINE_S, description="How long there is to decide."
    )
    on_deadline: Literal["fail", "reject"] = Field(
        default="fail", description="What it means when nobody has decided by then."
    )

    @field_validator("form")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            check_schema(schema)
        return schema


class ApprovalNode(NodeType[Config]):
    """Waits until a person has approved or rejected; the run costs nothing meanwhile.

    It leaves by `approved` or `rejected`, with the text that arrived. `nodes.<id>.decision` is
    approved, rejected or expired; `nodes.<id>.by` is who decided, `nodes.<id>.comment` what they
    said, `nodes.<id>.answer` what they filled in, if there is a form. Other branches go on only as
    far as the nodes that run beside this one, until it is decided.

    Between a model's `tool_calls` and its tools it decides whether they are called: draw `approved`
    to the tools, and `rejected` back to the model, which is then told that it may not. The calls
    are shown, and can be named: `nodes.<model>.tool_calls`.
    """

    key: ClassVar[str] = "approval"
    label: ClassVar[str] = "Approval"
    ports: ClassVar[tuple[str, ...]] = (APPROVED, REJECTED)
    can_fail: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("decision", "answer", "comment", "by")
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        names = inputs.names(visit.context)
        decided = await visit.decision(
            question=render(config.question, names),
            shown=render(config.shows, names) if config.shows else _arrived(inputs),
            form=config.form,
            approvers=config.approvers,
            deadline_s=config.deadline_s,
        )
        if decided.decision == EXPIRED and config.on_deadline == "fail":
            raise NodeError("approval_expired", "Nobody decided in time.")
        approved = decided.decision == APPROVED
        return Outputs(
            port=APPROVED if approved else REJECTED,
            dialogue=None if approved else _refused(inputs.dialogue, decided.comment),
            values={
                "decision": decided.decision,
                "answer": decided.answer,
                "comment": decided.comment,
                "by": decided.by,
            },
        )


def _arrived(inputs: Inputs) -> str:
    """The text, and what a model before it wants called."""
    calls = inputs.dialogue[-1].tool_calls if inputs.dialogue else ()
    wanted = [f"{call['name']} {as_text(call['args'])}" for call in calls]
    return "\n".join(filter(None, (inputs.text, *wanted)))


def _refused(dialogue: Sequence[ChatMessage], comment: str) -> Sequence[ChatMessage]:
    """What was said, with an answer to each call that is not made."""
    told = f"{_NOT_ALLOWED} {comment}".strip()
    calls = dialogue[-1].tool_calls if dialogue else ()
    return (
        *dialogue,
        *(ChatMessage("tool", told, tool_call_id=call["id"]) for call in calls),
    )
