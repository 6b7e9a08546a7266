"""How a call to a model can go wrong, as users see it."""

from typing import Any

from core.errors import ChatterError, Invalid

BUDGET_EXCEEDED = "budget_exceeded"
_RETRYABLE = frozenset(
    {"provider_unreachable", "provider_rate_limited", "provider_failed", "provider_cut"}
    | {"tool_call_unreadable"}
)
_MESSAGES = {
    "provider_unreachable": "The model's provider cannot be reached.",
    "provider_timeout": "The model did not answer in time.",
    "provider_rate_limited": "The model's provider is getting too many requests. Try again soon.",
    "provider_quota_exhausted": "The account at the model's provider is out of credit.",
    "provider_refused": "The model's provider did not accept the request{reason}.",
    "provider_auth_failed": "The model's provider did not accept the key set for it.",
    "provider_failed": "The model's provider had an error.",
    "provider_cut": "The connection to the model broke before the answer was complete.",
    "context_too_long": "The conversation is longer than this model can read.",
    "context_too_small": "What is asked is longer than this model can read{reason}.",
    "content_filtered": "The model's provider withheld the answer for its content.",
    "tool_call_cut": "The answer reached its longest length while it called tools. Allow it more.",
    "tool_call_unreadable": "The model called a tool in a way that cannot be read.",
    "model_package_missing": "This model needs a Python package: pip install {reason}",
    BUDGET_EXCEEDED: "{reason}",
    "invalid_parameters": "The model does not take these parameters{reason}.",
}


class UnknownModel(Invalid):
    code = "unknown_model"
    message = "There is no model '{model}'."


class ProviderError(ChatterError):
    """A call that gave no answer.

    `retryable`: the same request may well succeed. `unbilled`: the provider answered with an error
    before any part of an answer, or was never sent the request, so we know that nothing was billed.
    """

    status = 502

    def __init__(  # noqa: PLR0913 - everything that is known about one failure
        self,
        code: str,
        *,
        reason: str = "",
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        unbilled: bool = False,
        provider_request_id: str = "",
    ) -> None:
        self.code = code
        self.message = _MESSAGES[code].replace("{reason}", reason)
        self.retryable = code in _RETRYABLE if retryable is None else retryable
        self.retry_after_s = retry_after_s
        self.unbilled = unbilled
        self.provider_request_id = provider_request_id
        Exception.__init__(self, self.message)
        self.detail: dict[str, Any] = {}
