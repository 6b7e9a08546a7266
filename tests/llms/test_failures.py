"""Exceptions as providers' packages raise them, without any of these packages."""

import time
from datetime import timedelta
from email.utils import format_datetime

import pytest

from core import clock
from llms.errors import ProviderError
from llms.failures import provider_error, scrubbed
from llms.retries import wait_s


class Response:
    def __init__(self, status_code: int, headers: dict[str, str]) -> None:
        self.status_code = status_code
        self.headers = headers


class StatusError(Exception):
    """As of any SDK that has a response."""

    def __init__(self, status: int, message: str = "", **headers: str) -> None:
        super().__init__(message)
        self.response = Response(status, {name.replace("_", "-"): v for name, v in headers.items()})
        self.body = {"error": {"message": message}}


class ReadTimeout(TimeoutError):
    pass


def told(error: Exception, *, answering: bool = False, secret: str = "") -> ProviderError:
    return provider_error(error, answering=answering, secret=secret)


@pytest.mark.parametrize(
    ("status", "code", "unbilled"),
    [
        (400, "provider_refused", True),
        (402, "provider_quota_exhausted", True),
        (409, "provider_refused", True),
        (422, "provider_refused", True),
        (429, "provider_rate_limited", True),
        (500, "provider_failed", True),
        (502, "provider_failed", False),
        (504, "provider_timeout", False),
        (524, "provider_timeout", False),
    ],
)
def test_a_status_says_what_happened_and_what_it_cost(
    status: int, code: str, unbilled: bool
) -> None:
    error = told(StatusError(status))
    assert (error.code, error.unbilled) == (code, unbilled)


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens",
        "Requested token count exceeds the model's maximum context length of 202752 tokens.",
        "the request exceeds the available context size (4096 tokens), try increasing it",
        "The number of tokens to keep from the initial prompt is greater than the context length",
        "prompt too long; exceeded max context length by 12 tokens",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        "Input is too long for requested model.",
        "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000",
        "Your input exceeds the context window of this model.",
    ],
    ids=["vllm", "sglang", "llama.cpp", "lm studio", "ollama", "xai", "gemini", "bedrock"]
    + ["anthropic", "openai"],
)
def test_every_server_has_its_own_words_for_what_is_too_long(said: str) -> None:
    error = told(StatusError(400, said))
    assert (error.code, error.retryable, error.unbilled) == ("context_too_long", False, True)


class StreamedError(Exception):
    """In the place of an answer, after a status that promised one."""

    body = {"message": "Trying to keep the first 5000 tokens when context the overflows."}


def test_what_is_too_long_may_be_told_in_the_stream() -> None:
    error = told(StreamedError())
    assert (error.code, error.retryable, error.unbilled) == ("context_too_long", False, False)
    assert told(StreamedError(), answering=True).code == "provider_failed"


def test_what_is_wrapped_is_unwrapped() -> None:
    outer = RuntimeError("something")
    outer.__cause__ = StatusError(429)
    assert told(outer).code == "provider_rate_limited"
    assert told(ReadTimeout()).code == "provider_timeout"
    assert told(ConnectionResetError()).code == "provider_unreachable"
    assert told(ConnectionResetError(), answering=True).code == "provider_cut"


def test_what_nobody_knows_is_not_tried_again() -> None:
    error = told(KeyError("choices"))
    assert (error.code, error.retryable, error.unbilled) == ("provider_failed", False, False)


def test_parameters_that_were_never_sent_cost_nothing() -> None:
    error = told(ValueError("`temperature` is not supported for claude-x."))
    assert (error.code, error.unbilled) == ("invalid_parameters", True)
    assert "temperature" in str(error)
    error = told(TypeError("create() got an unexpected keyword argument 'colour'"))
    assert (error.code, error.retryable) == ("invalid_parameters", False)


def test_a_stream_of_nothing_was_cut() -> None:
    error = told(ValueError("No generation chunks were returned"))
    assert (error.code, error.retryable, error.unbilled) == ("provider_cut", True, False)


def test_refusals_tell_the_providers_reason_without_keys() -> None:
    message = "No such model for key sk-abcdefgh12345678 or hunter2, Bearer abc.def"
    text = str(told(StatusError(400, message), secret="hunter2"))
    assert "No such model" in text
    for secret in ("sk-abcdefgh12345678", "hunter2", "abc.def"):
        assert secret not in text


def test_a_long_reason_is_cut_and_broken_text_is_mended() -> None:
    assert len(scrubbed("x" * 5000)) == 300
    assert scrubbed("a\x00b\ud800") == "ab\ufffd"


@pytest.mark.parametrize("word", ["user:", "api_key=", "a@", "@", "Bearer ", "sk-1 ", "key-"])
def test_a_reason_of_a_megabyte_is_read_at_once(word: str) -> None:
    began = time.process_time()
    error = told(StatusError(400, word * (2**20 // len(word))))
    assert time.process_time() - began < 2
    assert error.code == "provider_refused"
    assert len(error.message) < 400


def test_a_wish_to_be_left_alone_is_read_in_every_form() -> None:
    in_a_minute = format_datetime(clock.now() + timedelta(seconds=60), usegmt=True)
    assert told(StatusError(429, retry_after="7")).retry_after_s == 7
    assert told(StatusError(429, retry_after_ms="1500")).retry_after_s == 1.5
    assert 55 < (told(StatusError(429, retry_after=in_a_minute)).retry_after_s or 0) <= 60
    assert told(StatusError(429, retry_after="soon")).retry_after_s is None
    assert told(StatusError(429)).retry_after_s is None


def test_waits_double_and_vary_by_half() -> None:
    error = ProviderError("provider_failed")
    assert [wait_s(error, tries, lambda: 0.0) for tries in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert [wait_s(error, tries, lambda: 1.0) for tries in (1, 2, 9)] == [0.5, 1.0, 20.0]
    assert wait_s(ProviderError("provider_refused"), 1, lambda: 0.0) is None
