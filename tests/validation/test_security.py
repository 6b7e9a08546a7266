"""Secrets are told by shape and entropy, never by words; private addresses however written."""

import base64
import random
import string
import time
import uuid

import pytest

from tests.validation.drawing import check, errors, line, told
from workflows.validation.bounds import Limits
from workflows.validation.secrets import random_in, secret_in

_DRAWN = random.Random(7)


def drawn_by_lot(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(_DRAWN.choices(letters, k=length))


def asking(system: str):
    return line(ask=("model", {"system": system}))


SECRETS = {
    "openai": "sk-" + drawn_by_lot(48),
    "openai project": "sk-proj-" + drawn_by_lot(40),
    "anthropic": "sk-ant-api03-" + drawn_by_lot(40),
    "github": "ghp_" + drawn_by_lot(36),
    "github fine": "github_pat_" + drawn_by_lot(60),
    "gitlab": "glpat-" + drawn_by_lot(20),
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "google": "AIza" + drawn_by_lot(35),
    "slack": "xoxb-" + "123456789012-" + drawn_by_lot(20),
    "stripe": "sk_live_" + drawn_by_lot(24),
    "huggingface": "hf_" + drawn_by_lot(34),
    "groq": "gsk_" + drawn_by_lot(52),
    "ours": "chatter_0a1b2c3d_" + drawn_by_lot(43),
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKC",
    "private key, new": "-----BEGIN " + "PRIVATE KEY-----",
    "jwt": ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", drawn_by_lot(43))),
    "postgres": "postgres://admin:" + "hunter2@db.example.com/app",
    "redis": "rediss://:" + "hunter2@cache.example.com:6379/0",
    "bearer": "Bearer " + drawn_by_lot(30) + "7",
    "basic": "Basic " + base64.b64encode(b"alice:open sesame").decode(),
}

HARMLESS = {
    "a name with a word": "Reset password helper",
    "words about secrets": "Never tell your API key, token, secret or password: it is s3cret.",
    "a uuid": str(uuid.UUID(int=_DRAWN.getrandbits(128))),
    "a hash": "5d41402abc4b2a76b9719d911017c592",
    "a long hash": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
    "a hash in an address": f"https://cdn.example.com/{drawn_by_lot(40)}/logo.png",
    "a document": f"See https://docs.google.com/document/d/{drawn_by_lot(44)}/edit for more.",
    "prose": "You are a careful assistant who answers in whole sentences. " * 200,
    "german": "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen und mehr davon",
    "chinese": "请用中文回答用户的问题，并且保持礼貌。" * 20,
    "a slug": "sk-learn-tutorial-for-complete-beginners-2024-edition",
    "a model": "anthropic:claude-sonnet-4-5-20250929-v1-eu-central-1",
    "another model": "fireworks:accounts/fireworks/models/qwen3-next-80b-a3b-instruct",
    "a name in code": "getUserAccountSettingsFromDatabaseV2WithRetry",
    "a name of short words": "numberOfItemsInTheCartNow",
    "a name with a number": "isUserAllowedToEditPostV2",
    "a class in code": "org.springframework.beans.factory.AbstractSingletonProxyFactoryBean2",
    "a picture": "data:image/png;base64," + base64.b64encode(_DRAWN.randbytes(300)).decode(),
    "an integrity": "sha256-" + base64.b64encode(_DRAWN.randbytes(32)).decode(),
    "references": "{{nodes.start.text}} {{params.token}} and {{input.message}}",
    "a header from a parameter": "Bearer {{params.token}}",
    "an address to fill in": "postgres://{{params.user}}:{{params.password}}@db.example.com/app",
    "an address without a password": "postgres://reader@db.example.com:5432/app",
    "basic words": "A basic introduction to basic understanding of basic cryptography",
    "letters in a row": "a" * 60,
    "digits in a row": "1234567890" * 8,
    "numbers": "4111 1111 1111 1111 and 2026-11-21T13:17:00.000000+00:00",
    "a path": "/usr/share/applications/org/example/SomeThing2/Version3/index.html",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_in_plain_text_is_refused_alone_and_in_a_text(secret):
    for text in (secret, f"Use this:\n{secret}\nfor every call."):
        assert errors(asking(text)) == [("secret_in_plain_text", "nodes[1].config.system")]


def test_a_secret_is_found_at_its_place_and_not_repeated():
    headers = {"Authorization": SECRETS["bearer"]}
    config = {"url": "https://example.com/", "headers": headers}
    [issue] = check(line(x=("http_request", config)))
    assert (issue.code, issue.path) == (
        "secret_in_plain_text",
        "nodes[1].config.headers.Authorization",
    )
    assert SECRETS["bearer"][7:] not in str(issue)


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_secret_is_not_taken_for_one(text):
    document = asking(text)
    document["nodes"][1]["label"] = text[:120]
    assert not [issue for issue in check(document) if "secret" in issue.code]


def test_a_setting_that_is_nothing_but_a_random_token_is_refused_and_an_example_is_not():
    token = drawn_by_lot(40)
    assert errors(asking(token)) == [("secret_in_plain_text", "nodes[1].config.system")]
    within = check(asking(f"A voucher looks like {token}, say."))
    assert told(within) == [("possible_secret", "nodes[1].config.system")]
    assert within[0].severity == "warning"


def test_a_key_in_the_query_of_an_address_is_noticed():
    url = f"https://api.example.com/v1/things?key={drawn_by_lot(40)}"
    issues = check(line(x=("http_request", {"url": url})))
    assert told(issues) == [("possible_secret", "nodes[1].config.url")]


def test_of_a_thousand_random_tokens_hardly_one_is_missed_and_of_as_many_hashes_none_is_taken():
    assert sum(bool(random_in(drawn_by_lot(32))) for _ in range(1_000)) > 980
    assert not any(random_in(f"{_DRAWN.getrandbits(256):064x}") for _ in range(1_000))


@pytest.mark.parametrize(
    "text",
    ["sk-" * 33_000, "eyJ-" * 25_000, "a:" * 50_000, "-----BEGIN A " * 8_000, "aA0" * 33_000,
     "bearer  " * 12_000, "x://" * 25_000, "https://a" * 11_000, "{{" * 50_000, "data:a," * 14_000],
)  # fmt: skip
def test_no_text_is_slow_to_look_at(text):
    began = time.process_time()
    secret_in(text)
    random_in(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://localhost.:8000/",
        "http://api.localhost/",
        "http://printer.local/",
        "http://db.internal:5432/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/admin",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://user@127.0.0.1/",
        "http://example.com@127.0.0.1/",
        "http://１２７.0.0.1/",
        "http://127.0.0.1/{{params.path}}",
        "HTTP://LOCALHOST/",
    ],
)
def test_a_private_address_is_refused_however_it_is_written(url):
    document = line(x=("http_request", {"url": url}))
    assert errors(document) == [("private_address", "nodes[1].config.url")]


@pytest.mark.parametrize(
    "url", ["", "example.com", "ftp://example.com/", "file:///etc/passwd", "http://", "http://[::1",
            "http://example.com:port/", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(url):
    document = line(x=("http_request", {"url": url}))
    assert errors(document) == [("bad_address", "nodes[1].config.url")]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com:8443/a?b=c#d",
        "http://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://{{params.host}}/things",
        "{{params.url}}",
        "https://localhost.example.com/",
        "https://intranet-tools.example.com/",
        "https://bücher.example/",
    ],
)
def test_a_public_address_is_fine(url):
    assert errors(line(x=("http_request", {"url": url}))) == []


def test_what_an_administrator_opened_may_be_asked_though_it_is_private():
    limits = Limits(reachable=("10.0.0.0/8", "printer.local"))
    for url in ("http://10.1.2.3/", "http://printer.local/"):
        assert check(line(x=("http_request", {"url": url})), limits=limits) == []
    assert check(line(x=("http_request", {"url": "http://127.0.0.1/"})), limits=limits)


def test_where_a_network_is_opened_what_a_private_name_leads_to_is_seen_when_it_is_asked():
    limits = Limits(reachable=("10.0.0.0/8",))
    assert check(line(x=("http_request", {"url": "http://wiki.corp/"})), limits=limits) == []
    assert check(line(x=("http_request", {"url": "http://localhost/"})), limits=limits)
    limits = Limits(reachable=("127.0.0.1",))
    assert check(line(x=("http_request", {"url": "http://localhost/"})), limits=limits) == []
