"""The way out, against a real server and real parsers: nobody is led inside."""

import asyncio
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from core.egress import (
    AddressRefused,
    BadAddress,
    Fetched,
    Outgoing,
    ResponseTooLarge,
    TookTooLong,
    TooManyRedirects,
    Unreachable,
    fetch,
)
from core.errors import ChatterError
from core.lookups import resolve
from core.packed import BadEncoding
from tests.core.web import Web, bomb, web_server

HERE = "127.0.0.1"


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


@pytest.fixture
def opened(settings: Any) -> None:
    """This machine's own address is opened, and only that one."""
    settings.CHATTER_EGRESS_ALLOW = ["127.0.0.1/32"]


class Names:
    """A resolver that knows these names; the last answer of a name is given ever after."""

    def __init__(self, **names: Sequence[Sequence[str]]) -> None:
        self.names = {name.replace("_", "."): list(answers) for name, answers in names.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def get(url: str, resolver: Any = resolve, **limits: Any) -> Fetched:
    return asyncio.run(fetch(Outgoing(url, **limits), resolver=resolver))


def test_a_page_is_fetched_whole_with_its_own_character_set(web: Web, opened: None) -> None:
    fetched = get(web.url("/hello/"))
    assert (fetched.status, fetched.text, fetched.content_type) == (200, "Grüße", "text/plain")
    assert fetched.url == web.url("/hello/")


def test_names_that_nobody_answers_for_hold_up_nothing_else(monkeypatch: Any) -> None:
    """A run that comes to a branch needs a thread of the loop that webhooks are sent from."""
    names = [f"{number}.example" for number in range(40)]  # more than a loop has threads
    all_asked, answered = threading.Barrier(len(names)), threading.Event()

    def nobody_answers(*asked: Any, **how: Any) -> Any:
        all_asked.wait(20)
        answered.wait(120)
        raise socket.gaierror

    async def scenario() -> None:
        fetched = asyncio.gather(
            *(fetch(Outgoing(f"https://{name}/")) for name in names), return_exceptions=True
        )
        try:
            went_on = asyncio.to_thread(lambda: True)
            assert await asyncio.wait_for(went_on, 20)
        finally:
            answered.set()
        assert {type(one) for one in await fetched} == {Unreachable}

    monkeypatch.setattr(socket, "getaddrinfo", nobody_answers)
    asyncio.run(scenario())
    assert not all_asked.broken


@pytest.mark.parametrize(
    "charset", ["punycode", "Puny-Code", "idna", "undefined", "unicode_escape", "*=utf-8''a%00b"]
)
def test_a_character_set_that_no_page_is_written_in_is_not_tried(
    web: Web, opened: None, charset: str
) -> None:
    fetched = get(web.url(f"/said/{charset}"))
    began = time.process_time()
    assert fetched.text.startswith("Grüßeaaa")
    assert time.process_time() - began < 1


META = (
    '<html><head><title>x</title><meta http-equiv="Content-Type" content="text/html; charset={}">'
)


@pytest.mark.parametrize(
    ("kind", "written", "charset"),
    [
        ("text/html", "<!doctype html><meta charset=shift_jis><p>世界", "shift_jis"),
        ("text/html", META.format("iso-8859-1") + "<p>5 € für Grüße", "cp1252"),
        ("text/html", META.format("gb2312") + "<p>世界", "gbk"),
        ("application/xml", "<?xml version='1.0' encoding='koi8-r'?><p>мир</p>", "koi8-r"),
        ("text/plain", "\ufeffGrüße, 世界", "utf-16-le"),
        ("application/json", '\ufeff{"a": "ü"}', "utf-8"),
        ("text/html;charset=latin-1", "\ufeff<p>Grüße", "utf-8"),
    ],
)
def test_a_page_may_say_itself_what_it_is_written_in(
    web: Web, opened: None, kind: str, written: str, charset: str
) -> None:
    fetched = get(web.url(f"/raw/{kind}/{written.encode(charset).hex()}"))
    assert fetched.text == written.removeprefix("\ufeff")


@pytest.mark.parametrize("said", ["utf-16", "utf-32", "nonsense", "punycode", "\xff"])
def test_a_page_that_says_what_cannot_be_is_read_as_most_are(
    web: Web, opened: None, said: str
) -> None:
    page = f"<meta charset='{said}'><p>Grüße"
    assert get(web.url(f"/raw/text/html/{page.encode().hex()}")).text == page


def test_any_status_is_an_answer(web: Web, opened: None) -> None:
    assert get(web.url("/status/404")).status == 404


@pytest.mark.parametrize(
    "host",
    [
        *(HERE, "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.0.0.1.", "0"),
        *("localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"),
        *("[2002:7f00:1::]", "[::]", "169.254.169.254", "10.0.0.1", "１２７.０.０.１"),
    ],
)
def test_no_way_of_writing_it_leads_inside(web: Web, host: str) -> None:
    with pytest.raises((AddressRefused, BadAddress, Unreachable)):
        get(web.url("/hello/", host))
    assert web.seen == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001"])
def test_what_an_administrator_opened_is_reached_however_it_is_written(
    web: Web, opened: None, host: str
) -> None:
    try:
        assert get(web.url("/hello/", host)).status == 200
    except Unreachable:  # not every system takes every form for an address
        assert web.seen == []


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "//example.com/"),
        *("http://", "example.com", "", "http://user:secret@example.com/", "http://u@[::1]/"),
        *("http://exa mple.com/\n", "http://127.0.0.1@example.com/", "http://300.1.1.1/"),
        *("https://xn--a/", "http://xn--a-.example.com/", "http://example.com/\ud800"),
    ],
)
def test_only_plain_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(BadAddress):
        get(url)


def test_a_name_that_resolves_inside_is_refused() -> None:
    with pytest.raises(AddressRefused) as refused:
        get("http://evil.example/", Names(evil_example=[["10.0.0.1"]]))
    assert "10.0.0.1" not in str(refused.value), "what a name resolves to here is told to nobody"


def test_one_inner_address_among_public_ones_refuses_the_name() -> None:
    with pytest.raises(AddressRefused):
        get("http://evil.example/", Names(evil_example=[["93.184.216.34", "127.0.0.1"]]))


def test_a_name_that_changes_its_mind_is_looked_up_once(web: Web, opened: None) -> None:
    names = Names(turn_example=[[HERE], ["10.0.0.1"]])
    assert get(web.url("/hello/", "turn.example"), names).status == 200
    assert names.asked == ["turn.example"]
    assert web.seen[0][2]["host"] == f"turn.example:{web.port}"


def test_each_redirect_is_checked_again(web: Web, opened: None) -> None:
    names = Names(good_example=[[HERE]], evil_example=[["192.168.0.1"]])
    for target in (
        "http://evil.example/",
        "http://127.0.0.2/",
        "http://[::1]/",
        "http://2130706434/",
    ):
        with pytest.raises(AddressRefused):
            get(web.url(f"/to/{target}", "good.example"), _either(names))
    with pytest.raises(BadAddress):
        get(web.url("/to/file:///etc/passwd", "good.example"), names)
    with pytest.raises(BadAddress):
        get(web.url("/to/http://user:secret@good.example/", "good.example"), names)
    with pytest.raises(BadAddress):
        get(web.url("/to/https://xn--a/", "good.example"), names)


def _either(names: Names) -> Callable[[str, int], Any]:
    async def look_up(host: str, port: int) -> Sequence[str]:
        return await (names if host in names.names else resolve)(host, port)

    return look_up


def test_a_redirect_within_the_origin_keeps_the_headers(web: Web, opened: None) -> None:
    secret = {"Authorization": "Bearer s", "X-Api-Key": "k", "Accept": "text/plain"}
    fetched = get(web.url("/to//hello/"), headers=secret)
    assert fetched.url == web.url("/hello/")
    assert web.seen[1][2]["authorization"] == "Bearer s"
    assert web.seen[1][2]["x-api-key"] == "k"


def test_a_redirect_elsewhere_loses_them(web: Web, opened: None) -> None:
    names = Names(a_example=[[HERE]], b_example=[[HERE]])
    secret = {"Authorization": "Bearer s", "X-Api-Key": "k", "Cookie": "c=1", "Accept": "a/b"}
    get(web.url(f"/to/{web.url('/hello/', 'b.example')}", "a.example"), names, headers=secret)
    assert web.seen[0][2]["x-api-key"] == "k"
    assert not {"authorization", "x-api-key", "cookie"} & web.seen[1][2].keys()
    assert web.seen[1][2]["accept"] == "a/b"


def test_a_body_is_sent_and_follows_only_where_the_standard_says(web: Web, opened: None) -> None:
    get(web.url("/keep//hello/"), method="POST", body=b"data")
    assert [(seen[0], seen[3]) for seen in web.seen] == [("POST", b"data"), ("POST", b"data")]
    web.seen.clear()
    get(web.url("/to//hello/"), method="POST", body=b"data")
    assert [(seen[0], seen[3]) for seen in web.seen] == [("POST", b"data"), ("GET", b"")]


def test_redirects_come_to_an_end(web: Web, opened: None) -> None:
    with pytest.raises(TooManyRedirects):
        get(web.url("/round/"), max_redirects=3)
    assert len(web.seen) == 4


def test_too_much_is_not_read_to_its_end(web: Web, opened: None) -> None:
    with pytest.raises(ResponseTooLarge):
        get(web.url("/endless/"), max_bytes=100_000)


def test_a_bomb_is_not_unpacked(web: Web, opened: None) -> None:
    bomb()
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLarge):
            get(web.url("/bomb/"), max_bytes=100_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_compressed_pages_are_unpacked(web: Web, opened: None) -> None:
    assert get(web.url("/gzip/")).body == b"small"
    assert web.seen[0][2]["accept-encoding"] == "gzip"
    assert get(web.url("/gzip/GZIP")).body == b"small"


@pytest.mark.parametrize("coding", ["br", "gzip", "gzip, gzip"])
def test_what_cannot_be_unpacked_is_said_so(web: Web, opened: None, coding: str) -> None:
    with pytest.raises(BadEncoding):
        get(web.url(f"/coded/{coding}".replace(" ", "")))


@pytest.mark.parametrize("left", [1, 20, 30])
def test_a_packed_page_that_breaks_off_is_not_taken_for_the_whole(
    web: Web, opened: None, left: int
) -> None:
    assert get(web.url("/torn/0")).body == b"", "nothing was packed at all"
    with pytest.raises(BadEncoding):
        get(web.url(f"/torn/{left}"))


def test_a_slow_answer_is_given_up(web: Web, opened: None) -> None:
    with pytest.raises(TookTooLong):
        get(web.url("/slow/"), timeout_s=0.2)


@pytest.mark.parametrize("headers", [{"X-Bad": "a\r\nX-More: b"}, {"X-Good": "ü"}])
def test_headers_cannot_smuggle_others(web: Web, opened: None, headers: dict[str, str]) -> None:
    try:
        get(web.url("/hello/"), headers=headers)
    except ChatterError:
        assert web.seen == []
    else:
        assert "x-more" not in web.seen[0][2]


def test_a_broken_answer_is_no_answer(web: Web, opened: None) -> None:
    with pytest.raises(Unreachable):
        get(web.url("/cut/"))


@pytest.mark.parametrize("port", [9, 65536, 10**30])
def test_nobody_at_home_is_unreachable(opened: None, port: int) -> None:
    with pytest.raises(Unreachable):
        get(f"http://127.0.0.1:{port}/")


def test_another_address_of_a_host_is_tried(web: Web, settings: Any) -> None:
    settings.CHATTER_EGRESS_ALLOW = ["two.example"]
    assert get(web.url("/hello/", "two.example"), Names(two_example=[["::1", HERE]])).status == 200


def test_no_proxy_of_the_environment_is_used(
    web: Web, opened: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(web.url("/hello/")).status == 200
