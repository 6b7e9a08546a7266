"""Langflow's API requests as ours. Its keys stay behind: they are to be saved as secrets."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from core.json_values import read, storable
from core.secret_texts import named_in
from tools.http import KEY, LONGEST_S, checked_headers
from workflows.interchange.assembly import make_node, row
from workflows.interchange.foreign import parted
from workflows.interchange.langflow_keys import kept, must_stay, stays_behind, without_keys
from workflows.interchange.langflow_texts import REQUEST, Wiring
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import not_carried
from workflows.interchange.report import NodeReport
from workflows.interchange.requests import LONGEST, why_not

_MOST, _DEEPEST, _SHOWN = 50, 20, 40
_NEWER, _OLDER = "url_input", "urls"
_CARRIED = {_NEWER, _OLDER, "query_params", "body"}  # what may be wired to it


def http_request(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    one, report = conversion.nodes[key], conversion.reports[key]
    if KEY not in conversion.known.kinds:
        conversion.leave_out(key, not_carried(one.type, "component"))
        return
    if not conversion.known.may_call(KEY):
        conversion.leave_out(key, f"The tool '{KEY}', which does that here, may not be used.")
        return
    method = one.data.text("method", "value").upper() or "GET"
    urls = _urls(wiring, key)
    url = urls[0] if urls else ""
    if reason := _why_not(wiring, key, method, urls):
        conversion.leave_out(key, reason)
        return
    _tell_what_is_lost(wiring, key)
    config: dict[str, Any] = {
        "method": method,
        "url": url,
        "query": _query(wiring, key),
        "headers": dict(_headers(report, one.data.at("headers"))),
        "json": _body(wiring, key, method),
        "fail_on_status": False,
    }
    seconds = one.data.number("timeout", "value") or 0
    if seconds > LONGEST_S:
        report.note(f"It waits {LONGEST_S:.0f} seconds at most.")
    if seconds > 0:
        config["timeout_s"] = min(seconds, LONGEST_S)
    name = conversion.id_of(key, "request")
    conversion.take(key, row(make_node(name, KEY, one.title, config)))


def _field(wiring: Wiring, key: str) -> str:
    """Which field has the address; in old files it may have several."""
    newer = wiring.conversion.nodes[key].data.keys(_NEWER) or wiring.is_linked(key, _NEWER)
    return _NEWER if newer else _OLDER


def _urls(wiring: Wiring, key: str) -> list[str]:
    """The addresses it asks, without the keys in them."""
    name, report = _field(wiring, key), wiring.conversion.reports[key]
    if wiring.is_linked(key, name):
        found = [wiring.without_memories(key, name)] * _wires(wiring, key, name)
    else:
        value = wiring.conversion.nodes[key].data.at(name)
        texts = value.texts("value") or [value.text("value")]
        found = [parted(report, one) for one in texts]
    found = [without_keys(report, one.strip()) for one in found if one.strip()]
    if name == _OLDER:
        return found
    if any(one.startswith("{{") for one in found):
        report.note("An address that it is given has to begin with http:// or https:// here.")
    begun = ("http://", "https://", "{{")
    return [one if one.startswith(begun) else f"https://{one}" for one in found]


def _why_not(wiring: Wiring, key: str, method: str, urls: list[str]) -> str:
    if len(urls) > 1:
        return "It asks several addresses, and a request here asks one: draw one for each."
    if not urls:
        return "It has no address; draw it anew."
    if named_in(urls[0]):
        return "Its address names a secret, which nothing would fill in; draw it anew."
    return why_not(method, urls[0], open_host=wiring.is_linked(key, _field(wiring, key)))


def _tell_what_is_lost(wiring: Wiring, key: str) -> None:
    data, report = wiring.conversion.nodes[key].data, wiring.conversion.reports[key]
    report.note(
        "What goes on is the text that the server answers, not an object that holds it; "
        "if none comes, the run fails."
    )
    for owner, name in wiring.sources:
        if owner == key and name not in _CARRIED:
            report.note(f"What it is given as its '{name[:_SHOWN]}' was dropped.")
    if data.at("follow_redirects", "value").value is False:
        report.note("Redirects are followed here.")
    if data.true("save_to_file", "value"):
        report.note("The answer is not saved to a file; it goes on as any other.")
    if data.true("include_httpx_metadata", "value"):
        report.note("What was sent is not told beside the answer; see the run's calls.")
    if data.true("use_mtls", "value"):
        report.note("It shows the server no certificate of its own here.")
    if data.at("verify_server_cert", "value").value is False:
        report.note("The certificate of the server is checked here.")


def _query(wiring: Wiring, key: str) -> dict[str, str]:
    name, report = "query_params", wiring.conversion.reports[key]
    if wiring.is_linked(key, name):
        return _message(wiring, key, name)
    value = wiring.conversion.nodes[key].data.at(name, "value").value
    if value and not isinstance(value, str):
        report.note("Its 'query_params' were dropped.")
    pairs = parse_qsl(value)[:_MOST] if isinstance(value, str) else []
    return {
        one: parted(report, text)
        for one, text in pairs
        if not stays_behind(report, one, text, "secret_query")
    }


def _headers(report: NodeReport, field: Loose) -> Iterator[tuple[str, str]]:
    for name, value in _pairs(report, field)[:_MOST]:
        text = str(value) if isinstance(value, str | int | float) else ""
        if not name or stays_behind(report, name, text, "secret_headers"):
            continue
        try:
            checked_headers({name: text})
        except ValueError:
            report.note(f"The header '{name[:_SHOWN]}' cannot be set here and was dropped.")
        else:
            yield name, parted(report, text)


def _pairs(report: NodeReport, field: Loose) -> list[tuple[str, Any]]:
    """A table of keys and values, or an object as old files have it.

    A column may hold the names of variables in the place of values.
    """
    value = field.at("value")
    names = value.keys()
    pairs = [(name, value.at(name).value) for name in names]
    pairs += [
        (one.text("key"), one.at("value").value)
        for one in value.each()
        if {"key", "value"} <= {*one.keys()}
    ]
    columns = (*field.each("table_schema"), *field.each("table_schema", "columns"))
    named = any(one.true("load_from_db") for one in columns if one.text("name") == "value")
    for name, held in pairs if named else ():
        variable = str(held)[:80]
        report.note(f"Its '{name[:80]}' is the variable '{variable}', which is not in the file.")
    return [] if named else pairs


def _body(wiring: Wiring, key: str, method: str) -> Any:
    """What is sent as JSON; None for nothing. Newer files send an object even if it is empty."""
    report, field = wiring.conversion.reports[key], wiring.conversion.nodes[key].data.at("body")
    newer = _field(wiring, key) == _NEWER
    if wiring.is_linked(key, "body"):
        body: Any = _given(wiring, key)
    else:
        body = kept(report, _object(report, field, newer=newer), "body")
    try:
        if len(json.dumps(storable(body, _DEEPEST))) > LONGEST:
            raise ValueError
    except ValueError:
        report.note("Its body was dropped, for it is too long or nests too deep.")
        return None
    return body if body or (newer and method != "GET") else None


def _object(report: NodeReport, field: Loose, *, newer: bool) -> Any:
    """The body as an object, as Langflow makes one of a table, a text or an object."""
    value = field.at("value").value
    if isinstance(value, str) and value:
        try:
            return _object(report, Loose({"value": read(value)}), newer=newer)
        except ValueError:
            return {"data": value}
    if isinstance(value, list | dict):
        read_as_json = newer or isinstance(value, list)
        return {
            name: _value(item) if read_as_json else item for name, item in _pairs(report, field)
        }
    return {}


def _value(item: Any) -> Any:
    """What a text says in JSON, if it is that."""
    try:
        return read(item) if isinstance(item, str) else item
    except ValueError:
        return item


def _given(wiring: Wiring, key: str) -> dict[str, str]:
    """The body that is wired: the parts of another request's answer, or the text of a message."""
    conversion, source = wiring.conversion, wiring.sources[key, "body"]
    one, step = conversion.nodes.get(source), conversion.steps.get(source)
    answers = one is not None and one.type == REQUEST and step is not None and bool(step.nodes)
    if one is None or not answers or _wires(wiring, key, "body") > 1:
        return _message(wiring, key, "body")
    name, title = conversion.id_of(source, "request"), one.title[:120]
    conversion.reports[key].note(f"Of what '{title}' gives, the address is not sent.")
    parts = {"status_code": "status", "response_headers": "headers", "result": "data"}
    return {
        part: f"{{{{{conversion.left(source, name, left, key)}}}}}" for part, left in parts.items()
    }


def _message(wiring: Wiring, key: str, name: str) -> dict[str, str]:
    """Of a message that is wired to a field its text."""
    conversion, report = wiring.conversion, wiring.conversion.reports[key]
    one = conversion.nodes.get(wiring.sources[key, name])
    if one is not None and (one.type == REQUEST or _wires(wiring, key, name) > 1):
        report.note(f"What it is given as its '{name}' was dropped.")
        return {}
    text = wiring.without_memories(key, name)
    if must_stay(text) or len(text) > LONGEST:
        report.note(f"What it is given as its '{name}' was dropped.")
        return {}
    if text:
        report.note(f"Of the message that is its '{name}' only the text is sent.")
    return {"text": text} if text else {}


def _wires(wiring: Wiring, key: str, name: str) -> int:
    """How many are wired to a field; what begins the rounds of a loop and its router are one."""
    sources = {one.source for one in wiring.wires if (one.target, one.field) == (key, name)}
    return 1 if sources & {*wiring.rounds.by} else len(sources)
