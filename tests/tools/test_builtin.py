"""The other built-in tools: what they find, and what they refuse to be fooled into."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync

from core.egress import AddressRefused, BadAddress
from tests.core.web import Web, web_server
from tools.base import ToolContext, ToolFailed
from tools.builtin.json_query import JsonQuery
from tools.builtin.page_text import text_of_html

Use = Callable[..., Any]


def test_the_clock_tells_the_time_anywhere(use: Use) -> None:
    told = use("clock", time_zone="Asia/Kolkata", at="2026-01-01T00:00:00Z")
    assert told.text == "Thursday, 2026-01-01T05:30:00+05:30 (Asia/Kolkata)"
    assert told.data["unix"] == 1767225600
    assert use("clock").data["iso"].endswith("+00:00")


def test_the_clock_knows_summer_time(use: Use) -> None:
    there = use("clock", time_zone="Europe/Berlin", at="2026-03-29T01:00:00Z")
    assert there.data["iso"] == "2026-03-29T03:00:00+02:00"


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Nowhere", "", "/etc/localtime"])
def test_the_clock_reads_no_files(use: Use, zone: str) -> None:
    with pytest.raises(ToolFailed):
        use("clock", time_zone=zone)


def test_a_date_beyond_the_calendar_is_refused(use: Use) -> None:
    with pytest.raises(ToolFailed):
        use("clock", time_zone="Asia/Tokyo", at="9999-12-31T23:59:59Z")


def test_a_text_is_counted(use: Use) -> None:
    text = "Don't panic. Pi is 3.14! 你好。再见。\n\nPanic, PANIC"
    counts = use("text_statistics", text=text).data
    assert counts["characters"] == len(text)
    assert (counts["words"], counts["sentences"], counts["paragraphs"]) == (12, 5, 2)
    assert counts["most_frequent"][0] == ["panic", 3]
    assert use("text_statistics", text="").data["words"] == 0


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [
        ("हिन्दी में एक वाक्य। दूसरा वाक्य।", 6, 2),
        ("Gru\u0308\u00dfe aus Ko\u0308ln", 3, 1),
        ("今天天气很好。我们去GPT公园", 12, 2),
        ("日本語のテキスト", 8, 1),
        ("한국어 문장", 2, 1),
    ],
)
def test_words_are_counted_as_their_language_has_them(
    use: Use, text: str, words: int, sentences: int
) -> None:
    counts = use("text_statistics", text=text).data
    assert (counts["words"], counts["sentences"]) == (words, sentences)


@pytest.mark.parametrize(
    ("query", "document", "found"),
    [
        ("people[?age > `30`].name", {"people": [{"name": "A", "age": 31}, {"age": 3}]}, ["A"]),
        ("length(@)", "[1, 2]", 2),
        ("a.b.c", {"a": {"b": {"c": "ü"}}}, "ü"),
        ("sort_by(@, &n)[].n", [{"n": 2}, {"n": 1}], [1, 2]),
        ("missing", {}, None),
        ("length(a)", {"a": "世" * 190_000}, 190_000),
        ("a", '{"a": "' + "世" * 90_000 + '"}', "世" * 90_000),
    ],
)
def test_json_is_queried(use: Use, query: str, document: Any, found: Any) -> None:
    assert use("json_query", query=query, document=document).data == found


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("a.", {}),
        ("nothing(@)", {}),
        ("&a", {}),
        ("length(@)", 5),
        ("a", "no json"),
        ("a", "[" * 50_000 + "]" * 50_000),
        ("a", '"' + "x" * 300_000 + '"'),
        ("join(@, @)", ["a"]),
        ("[0] | join('', [@])", ["a"]),
        ("|".join(["[@,@]"] * 60), [1]),
        ("|".join(["[@,@][]"] * 60), [1]),
        ("|".join(["[to_string(@),to_string(@)]"] * 16), [1]),
        ("[*].[[@,@],[@,@]]" + "|[@,@]" * 50, list(range(100))),
    ],
)
def test_a_query_that_fails_or_explodes_is_refused_soon(
    use: Use, query: str, document: Any
) -> None:
    started = time.process_time()
    with pytest.raises(ToolFailed):
        use("json_query", query=query, document=document)
    assert time.process_time() - started < 3


def test_while_a_query_is_answered_the_loop_goes_on() -> None:
    async def scenario() -> None:
        args = JsonQuery.args(query="[*].[@,@,@,@]" + "|[].to_string(@)" * 3, document=[1] * 5_000)
        await asyncio.wait_for(JsonQuery().call(args, cast(ToolContext, None)), 0.001)

    with pytest.raises(TimeoutError):
        async_to_sync(scenario)()


@pytest.mark.parametrize(
    ("value", "source", "target", "text"),
    [
        (100, "km/h", "m/s", "100 km/h = 27.7777777777778 m/s"),
        (37, "°C", "degF", "37 °C = 98.6 degF"),
        (0, "degC", "K", "0 degC = 273.15 K"),
        (1, "GiB", "MB", "1 GiB = 1073.741824 MB"),
        (1, "lb", "kg", "1 lb = 0.45359237 kg"),
        (2, "m²", "ft^2", "2 m² = 21.5278208334194 ft^2"),
        (0.1, "m", "mm", "0.1 m = 100 mm"),
        (1234567.89, "m", "km", "1234567.89 m = 1234.56789 km"),
        (-0.0, "m", "km", "0 m = 0 km"),
    ],
)
def test_units_are_converted(use: Use, value: float, source: str, target: str, text: str) -> None:
    assert use("unit_conversion", value=value, from_unit=source, to_unit=target).text == text


@pytest.mark.parametrize(
    ("source", "target"),
    [
        *(("mile", "kg"), ("blah", "m"), ("m/(", "m"), ("__class__", "m"), ("", "m"), ("m", "3")),
        *(("m**99999", "m"), ("m**9**9**9**9", "m"), ("m^(9^9)", "m"), ("m***2", "m"), ("m", "*")),
        *(("dB", "dimensionless"), ("dBm", "mW"), ("W", "dBm"), ("m²dB", "m")),
    ],
)
def test_what_is_no_unit_is_refused(use: Use, source: str, target: str) -> None:
    with pytest.raises(ToolFailed):
        use("unit_conversion", value=1, from_unit=source, to_unit=target)


def test_a_result_beyond_numbers_is_refused(use: Use) -> None:
    with pytest.raises(ToolFailed):
        use("unit_conversion", value=1e308, from_unit="m", to_unit="nm")


@pytest.fixture
def web(settings: Any) -> Iterator[Web]:
    settings.CHATTER_EGRESS_ALLOW = ["127.0.0.1"]
    with web_server() as server:
        yield server


def test_a_page_is_read_as_people_read_it(use: Use, web: Web) -> None:
    got = use("http_get", url=web.url("/html/"))
    assert got.data["body"] == "T\nOne\nTwo & three"
    assert got.text.startswith("HTTP 200 from ")
    assert "<script>" in use("http_get", url=web.url("/html/"), raw=True).data["body"]


def test_a_page_that_begins_with_a_long_script_is_read_to_its_end(use: Use, web: Web) -> None:
    got = use("http_get", url=web.url("/script/400000"))
    assert (got.data["body"], got.data["cut"]) == ("Here", False)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (
            "<h1>A &amp; B</h1><p title='>'>1 < 2<!-- <p> -->, <b\n>3</b>&lt;p&gt;",
            "A & B\n1 < 2, 3<p>",
        ),
        ("<script>if (a</b) '</p>'</SCRIPT >x<style/>y<svg>no</svg>z", "xyz"),
        ("a<template><svg>b</template>c</svg>d<noscript>e", "acd"),
        ("a<!doctype html>b<?php x ?>c</3>d<3", "abcd<3"),
        ("a<!-- b", "a"),
        ("a<b c='d>e", "a"),
        (f"&#65;&#{'9' * 5_000};", f"&#65;&#{'9' * 5_000};"),
        (
            "<table><tr><th>Year<th>Sold</tr><tr><td>2024</td>\n<td>17</td></tr></table>",
            "| Year | Sold\n| 2024 | 17",
        ),
        ("<template><td>a</template><header>b</header>c<dl><dt>d<dd>e</dl>", "b\nc\nd\ne"),
        ("<select><option>a<option>b</select>", "a\nb"),
        ("<p>One\ntwo<pre>three\nfour</pre>five\nsix", "One two\nthree\nfour\nfive six"),
        (
            "<pre><b>def</b> f():\n    if x:\n\t\treturn\n</pre> ",
            "def f():\n    if x:\n        return",
        ),
    ],
)
def test_of_a_page_its_text_is_read(page: str, text: str) -> None:
    assert text_of_html(page) == text


@pytest.mark.parametrize(
    "part",
    [
        "<a ",
        "<!--",
        "<!-- >",
        "</a ",
        "<a b='",
        "<a = ",
        "<svg></p>",
        "<script>",
        "</",
        "<?",
        "&#9",
    ],
)
def test_no_page_takes_long_to_read(part: str) -> None:
    began = time.process_time()
    text_of_html(part * (300_000 // len(part)))
    assert time.process_time() - began < 2


def test_an_error_page_is_an_answer(use: Use, web: Web) -> None:
    assert use("http_get", url=web.url("/status/404")).data["status"] == 404


@pytest.mark.parametrize(
    "kind", ["application/x-ndjson", "application/yaml", "text/csv", "a/b+xml"]
)
def test_what_is_text_is_read_whatever_it_is_called(use: Use, web: Web, kind: str) -> None:
    lines = '{"a": 1}\n{"a": 2}\n'
    assert use("http_get", url=web.url(f"/raw/{kind}/{lines.encode().hex()}")).data["body"] == lines


def test_what_is_no_text_is_said_so(use: Use, web: Web) -> None:
    with pytest.raises(ToolFailed, match="image/png"):
        use("http_get", url=web.url("/binary/"))


def test_the_web_ends_where_the_inside_begins(use: Use, web: Web) -> None:
    with pytest.raises(AddressRefused):
        use("http_get", url="http://169.254.169.254/latest/meta-data/")
    with pytest.raises(AddressRefused):
        use("http_get", url=web.url("/to/http://10.0.0.1/"))
    with pytest.raises(BadAddress):
        use("http_get", url="file:///etc/passwd")
