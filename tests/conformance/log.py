"""What a log tells: of the run and of each visit, in short as files have it, and in order."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

Events = Sequence[dict[str, Any]]
Told = Mapping[str, str]

RUN = "run"
PIECES = {"text.delta", "reasoning.delta"}
OF_THE_RUN = {"limit.reached"}  # whichever visit it was that reached it
ENDS = ("execution.completed", "execution.failed", "execution.cancelled")
_VISIT_ENDS = ("node.finished", "node.failed")
_NUMBERS = re.compile(r"#\d+| \d+$")
_ITEMS = re.compile(r"\[\d+\]")


def told_by(events: Events) -> dict[str, str]:
    """The types of the events of the run and of each visit, in their order.

    The second visit of `ask` is `ask 2`. Pieces that follow one another are one. Calls that are
    made side by side are told one after the other, whichever ended first.
    """
    types = _sequences(_call_by_call(events), _whose)
    return {who: ", ".join(_with_pieces_as_one(those)) for who, those in types.items()}


def written_out(told: Told, seen: Told) -> dict[str, str]:
    """What a file tells, for each of whom anything was seen, and what it tells of nobody else.

    `ask` is every visit of it that is not told of by itself, `each[]/ask` that of every item.
    """
    lines = {who: line for names, line in told.items() for who in names.split(", ")}
    used = {who: next(filter(lines.__contains__, (who, _any(who))), "") for who in seen}
    unused = {who: lines[who] for who in lines.keys() - set(used.values())}
    return {who: lines[name] for who, name in used.items() if name} | unused


def in_short(seen: Told) -> dict[str, str]:
    """The same as a file has it: the visits of a node together where all are alike."""
    lines: dict[str, str] = {}
    for name, group in groupby(sorted(seen, key=_any), _any):
        visits = list(group)
        alike = len({seen[who] for who in visits}) == 1
        lines |= {name: seen[visits[0]]} if alike else {who: seen[who] for who in visits}
    order = {_any(who): at for at, who in reversed(list(enumerate(seen)))}
    names: dict[str, list[str]] = defaultdict(list)
    for who in sorted(lines, key=lambda who: (order[_any(who)], who)):
        names[lines[who]].append(who)
    return {", ".join(those): line for line, those in names.items()}


def assert_in_order(events: Events, lost: int) -> None:
    """What comes before what, in the log of every run that is over. So many calls were lost."""
    of_run = [event["type"] for event in events if event["type"].startswith("execution.")]
    assert (events[0]["type"], events[-1]["type"]) == (of_run[0], of_run[-1])
    assert of_run[0] == "execution.created"
    assert [kind for kind in of_run if kind in ENDS] == [of_run[-1]]
    assert of_run.count("execution.created") == 1
    assert of_run.count("execution.started") <= 1
    _assert_nothing_happens_while_it_waits(events)
    _assert_visits_begin_and_end(events)
    calls = _sequences(events, _which_call).values()
    whole = [types for types in calls if types[0].partition(".")[2] == "started"]
    ended = [types for types in whole if types[-1] == types[0].replace("started", "finished")]
    assert len(whole) == len(calls) == len(ended) + lost
    for types in whole:
        assert all(kind in PIECES for kind in types[1 : -1 if types in ended else None]), types


def calls_in(events: Events, kind: str) -> list[str]:
    """The calls of models, or of tools, that the log says have ended, as the ledger has them."""
    lines = []
    for event in events:
        if event["type"] == f"{kind}.finished":
            data = event["data"]
            code = (data["error"] or {}).get("code", "")
            tool = [data["tool"]] if kind == "tool" else []
            words = [data["node"], f"{data['visit']}.{data['call']}", *tool, data["status"], code]
            lines.append(" ".join(filter(None, words)) + by(data["answered_by"]))
    return sorted(lines)


def by(answered_by: str) -> str:
    """Who else than the provider or the tool has answered."""
    return {"recording": " by recording", "cache": " by cache"}.get(answered_by, "")


def _assert_nothing_happens_while_it_waits(events: Events) -> None:
    asked = 0
    for event, after in zip(events, events[1:], strict=False):
        asked += {"approval.requested": 1, "approval.decided": -1}.get(event["type"], 0)
        if event["type"] == "execution.waiting":
            assert asked > 0, "It waits for nobody."
            assert _whose(after) == RUN, "It does something while it waits."


def _assert_visits_begin_and_end(events: Events) -> None:
    """Once each. Only what was cut off has no end: by that of the run, or by an error elsewhere."""
    cut_off = events[-1]["type"] != ENDS[0] or any(one["type"] == "node.failed" for one in events)
    for who, types in _sequences(events, _whose).items():
        ends = [kind for kind in types if kind in _VISIT_ENDS]
        again = types[-1] == "delay.started" and types[-2] == "node.failed"  # before it is retried
        if who == RUN:
            continue
        assert types[0] == "node.started", (who, types)
        assert types.count("node.started") == 1, (who, types)
        assert ends == [types[-2 if again else -1]] or (not ends and cut_off), (who, types)


def _sequences(events: Events, key: Callable[[Mapping[str, Any]], Any]) -> dict[Any, list[str]]:
    """The types of the events that have the same key, for each but None."""
    found: dict[Any, list[str]] = defaultdict(list)
    for event in events:
        if key(event) is not None:
            found[key(event)].append(event["type"])
    return found


def _which_call(event: Mapping[str, Any]) -> tuple[Any, ...] | None:
    data = event["data"]
    names = ("node", "visit", "call", "attempt")
    of_tools = event["type"].startswith("tool.")
    return (of_tools, *(data[name] for name in names)) if "call" in data else None


def _whose(event: Mapping[str, Any]) -> str:
    node, visit = event["data"].get("node"), event["data"].get("visit", 1)
    if not node or event["type"] in OF_THE_RUN:
        return RUN
    return f"{node} {visit}" if visit > 1 else str(node)


def _any(who: str) -> str:
    return _ITEMS.sub("[]", _NUMBERS.sub("", who))


def _call_by_call(events: Events) -> Events:
    """In the place of the first event of calls of a visit come all those of the first call."""
    calls = sorted(filter(_which_call, events), key=lambda event: _which_call(event) or ())
    of_visit: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in reversed(calls):
        of_visit[_whose(event)].append(event)
    return [of_visit[_whose(one)].pop() if _which_call(one) else one for one in events]


def _with_pieces_as_one(types: Iterable[str]) -> Iterable[str]:
    for kind, group in groupby(types):
        yield from [kind] if kind in PIECES else group
