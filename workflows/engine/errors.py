"""How a run can go wrong inside the engine."""


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
    """The run ends as failed because of `node`, whose error no edge of the graph takes up."""

    def __init__(self, node: str, code: str, message: str) -> None:
        self.node = node
        self.code = code
        self.message = message
        super().__init__(message)


class RunStopped(RunFailed):
    """The run ends here, whatever edges there are to take up errors."""


class LimitReached(NodeError):
    """The run asked for more than it may."""
