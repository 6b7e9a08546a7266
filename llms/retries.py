"""How long to wait before an attempt is made again (pure)."""

from collections.abc import Callable

from llms.errors import ProviderError

FIRST_WAIT_S = 0.5
BACKOFF = 2.0
_LONGEST_WAIT_S = 20.0


def wait_s(
    error: ProviderError,
    tries: int,
    jitter: Callable[[], float],
    first_s: float = FIRST_WAIT_S,
    backoff: float = BACKOFF,
) -> float | None:
    """Seconds until the next try after `tries` have failed; None when waiting is of no use.

    Grows from `first_s` by `backoff` and varies by half (`jitter` gives numbers in [0, 1)), but is
    never shorter than what the provider asks for. A wish of more than 20 s is left to the caller.
    """
    if not error.retryable:
        return None
    grown = min(_LONGEST_WAIT_S, first_s * backoff ** (tries - 1))
    if error.retry_after_s is None:
        return grown * (0.5 + jitter() / 2)
    return error.retry_after_s if error.retry_after_s <= _LONGEST_WAIT_S else None
