"""Dify's HTTP nodes as ours. Its keys stay behind: they are to be saved as secrets."""

from collections.abc import Iterator

from tools.http import KEY, checked_headers
from workflows.interchange.assembly import make_node, row
from workflows.interchange.dify_texts import rendered
from workflows.interchange.foreign import Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import not_carried
from workflows.interchange.requests import LONGEST, is_secret, why_not
from workflows.validation.requests import proves_who_asks

_MOST = 50
_KEY = (
    "Its key stays behind: save it as a secret and name it in `secret_headers` as {secret:its_name}"
)
_BODIES = {"json": "application/json", "raw-text": ""}


def http_request(conversion: Conversion, key: str, data: Loose) -> None:
    if KEY not in conversion.known.kinds:
        conversion.leave_out(key, not_carried("http-request", "node"))
        return
    if not conversion.known.may_call(KEY):
        conversion.leave_out(key, f"The tool '{KEY}', which does that here, may not be used.")
        return
    if reason := why_not(data.text("method"), data.text("url")):
        conversion.leave_out(key, reason)
        return
    report = conversion.reports[key]
    headers = dict(_headers(conversion, key, data))
    body = _body(conversion, key, data, headers)
    if data.text("authorization", "type") not in ("", "no-auth"):
        report.note(f"{_KEY}.")
    if data.keys("timeout"):
        report.note("Its limits of time were dropped.")
    if data.at("ssl_verify").value is False:
        report.note("The certificate of the server is checked here.")
    config = {
        "method": data.text("method").upper(),
        "url": rendered(conversion, key, data.text("url")),
        "query": dict(_lines(conversion, key, data.text("params"))),
        "headers": headers,
        "body": body,
        "fail_on_status": bool(data.text("error_strategy")),
    }
    name = conversion.id_of(key, "request")
    conversion.take(key, row(make_node(name, KEY, conversion.nodes[key].title, config)))


def _headers(conversion: Conversion, key: str, data: Loose) -> Iterator[tuple[str, str]]:
    report = conversion.reports[key]
    for name, text in _lines(conversion, key, data.text("headers")):
        if proves_who_asks(name):
            report.note(f"{_KEY}.")
            continue
        try:
            checked_headers({name: text})
        except ValueError:
            report.note(f"The header '{name[:40]}' cannot be set here and was dropped.")
        else:
            yield name, text


def _body(conversion: Conversion, key: str, data: Loose, headers: dict[str, str]) -> str:
    report = conversion.reports[key]
    kind, given = data.text("body", "type") or "none", data.at("body", "data")
    text = given.value if isinstance(given.value, str) else ""
    if kind in _BODIES:
        text = text or "".join(one.text("value") for one in given.each())
    if kind == "none":
        return ""
    if kind not in _BODIES or len(text) > LONGEST or is_secret(text):
        report.note(f"Its body ({kind[:30]}) was dropped.")
        return ""
    if _BODIES[kind] and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = _BODIES[kind]
    return rendered(conversion, key, text)


def _lines(conversion: Conversion, key: str, text: str) -> Iterator[tuple[str, str]]:
    """`name:value` on each line."""
    report = conversion.reports[key]
    for line in text.splitlines()[:_MOST]:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            continue
        if len(line) > LONGEST or is_secret(line):
            report.note(f"'{name.strip()[:40]}' holds what must not be kept, and was dropped.")
            continue
        yield name.strip(), rendered(conversion, key, value)
