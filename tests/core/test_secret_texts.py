"""Texts that name secrets: hosts as they are compared, and answers without what was sent."""

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from core.secret_texts import MASK, filled, host_of, masked, named_in, plain_host

SECRET = 'a "quoted" <s3cret>/+'


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("API.GitHub.com", "api.github.com"),
        (" api.github.com ", "api.github.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
    ],
)
def test_a_host_is_kept_as_addresses_have_it(written: str, host: str) -> None:
    assert plain_host(written) == host
    assert host_of(f"https://{f'[{host}]' if ':' in host else host}:8443/a?b") == host


@pytest.mark.parametrize("written", ["", "*", "*.x.y", "a/b", "a:80", "u@h", "http://x", "a b"])
def test_what_is_more_or_less_than_a_host_is_none(written: str) -> None:
    with pytest.raises(ValueError, match="host|address"):
        plain_host(written)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.github.com@evil.example/", "evil.example"),
        ("https://evil.example/api.github.com", "evil.example"),
        ("https://api.github.com.evil.example/", "api.github.com.evil.example"),
        ("https://api.github.com./", "api.github.com."),
    ],
)
def test_an_address_that_looks_like_a_host_is_not_taken_for_it(url: str, host: str) -> None:
    assert host_of(url) == host


def test_secrets_are_named_and_filled_in_once() -> None:
    text = "Bearer {secret:one}{secret:two}{secret:one} {secret:1} {secret:}"
    assert named_in(text) == ["one", "two"]
    values = {"one": "{secret:two}", "two": "2"}
    assert filled(text, values) == "Bearer {secret:two}2{secret:two} {secret:1} {secret:}"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        html.escape(SECRET),
        json.dumps(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        quote(SECRET, safe="").lower(),
        quote(SECRET, safe="!$&'()*+,;=:/?@"),
        json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
        'a \\"quoted\\" <s3cret>\\/+',  # PHP
        'a \\"quoted\\" \\u003cs3cret\\u003e/+',  # Go
        "a \\u0022quoted\\u0022 \\u003Cs3cret\\u003E/\\u002B",  # .NET
    ],
)
def test_however_a_server_writes_a_secret_it_is_masked(form: str) -> None:
    answer = {"a": [f"<{form}>", {form: 1}], "b": 2, "c": None}
    assert masked(answer, [SECRET]) == {"a": [f"<{MASK}>", {MASK: 1}], "b": 2, "c": None}


def test_a_secret_that_is_a_number_is_masked_as_one() -> None:
    assert masked([12345678, 123456789, True], ["12345678"]) == [MASK, 123456789, True]


def test_where_there_is_no_secret_nothing_changes() -> None:
    assert masked({"a": 1}, []) == {"a": 1}


def test_no_answer_and_no_secrets_take_long_to_mask() -> None:
    secrets = [f"{'a' * 7_900}{number}" for number in range(30)]
    began = time.process_time()
    answer = "a" * 250_000 + secrets[7] + "b"
    assert masked(answer, secrets) == "a" * 250_000 + MASK + "b"
    assert time.process_time() - began < 5
