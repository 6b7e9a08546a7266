"""How long to wait before an attempt is made again (pure)."""

from collections.abc import Callable

from llms.errors import ProviderError

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 20.0


def wait_s(error: ProviderError, tries: int, jitter: Callable[[], float]) -> float | None:
    """Seconds until the next try after `tries` have failed; None when waiting is of no use.

    Doubles from half a second and varies by half (`jitter` gives numbers in [0, 1)), but is never
    shorter than what the provider asks for. A wish of more than 20 s is left to the caller.
    """
    if not error.retryable:
        return None
    doubled: float = _FIRST_WAIT_S * 2 ** (tries - 1)
    backoff = min(_LONGEST_WAIT_S, doubled) * (0.5 + jitter() / 2)
    if error.retry_after_s is None:
        return backoff
    return error.retry_after_s if error.retry_after_s <= _LONGEST_WAIT_S else None
