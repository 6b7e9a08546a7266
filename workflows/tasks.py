"""The tasks of the queue."""

from workflows.pump.tenure import serve_a_tenure


def host_pump() -> None:
    """A doorbell was rung: there is work, and nobody is known to look for it."""
    serve_a_tenure()
