"""How a run can go wrong inside the engine."""

from workflows.engine.events import LimitReached
from workflows.engine.state import Memory, RunState


class NodeError(Exception):
    """A node cannot do its work. `code` is stable; the message is shown to the owner of the run.

    `node` is whose error it is, when that is another one's.
    """

    def __init__(self, code: str, message: str, node: str = "") -> None:
        self.code = code
        self.message = message
        self.node = node
        super().__init__(message)


class RunFailed(Exception):
    """The run ends as failed because of `node`, whose error no edge of the graph takes up.

    `state` is what `node` was given: all that had been done before it; `memory` is what reached it
    of the conversation.
    """

    def __init__(self, node: str, code: str, message: str, memory: Memory | None = None) -> None:
        self.state: RunState | None = None
        self.memory = memory
        self.node = node
        self.code = code
        self.message = message
        super().__init__(message)


class RunStopped(RunFailed):
    """The run ends here, whatever edges there are to take up errors."""


LIMIT = "limit_"
STEP_TIME = f"{LIMIT}step_time"


class StepTooLong(NodeError):
    """A visit of a node takes longer than it may: an error of the node, told by `event`."""

    def __init__(self, event: LimitReached) -> None:
        self.event = event
        super().__init__(event.code, event.message)


class BeyondLimit(Exception):
    """The run ends: it has used what it may. No edge, handler or fallback takes this up."""

    def __init__(self, event: LimitReached) -> None:
        self.event = event
        self.node = event.node
        self.code = event.code
        self.message = event.message
        super().__init__(event.message)
