"""Settings of Python's garbage collector for processes that run for long."""

import gc


def leave_what_is_loaded() -> None:
    """Call it when all is imported, before forking: what is there now is never looked through.

    To do so again and again took a third of a server's throughput; what of it is garbage by then,
    4 MiB, is never found again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
