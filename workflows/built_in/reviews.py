"""Texts looked at from several sides: models that look at once, and one answer of it all."""

from collections.abc import Sequence

from workflows.built_in.parts import MODEL, Json, edge, line, node, template

_LANGUAGE: Json = {"type": "string", "default": "the document's language", "title": "Language"}


def _tools(*keys: str) -> Json:
    return {"type": "array", "default": list(keys), "title": "Tools the model may call"}


def _asks(key: str, x: int, y: int, system: str, **config: object) -> Json:
    return node(key, "model", x, y, model="{{params.model}}", system=system, **config)


def _fan(source: Json, between: Sequence[Json], target: Json) -> list[Json]:
    """Edges from one node to each of these, and from each of them to another."""
    return [one for each in between for one in line(source, each, target)]


def _document() -> Json:
    start = node("start", "start", 0, 1)
    language = _asks(
        "language",
        1,
        0,
        "Proofread the document that the user gives. List mistakes of grammar, spelling and "
        "punctuation, and breaches of this style guide: {{params.style_guide}} Quote each passage "
        "and say how it should read. Write 'none' where there is nothing; add no praise.",
    )
    readability = _asks(
        "readability",
        1,
        1,
        "Judge how readable the document that the user gives is for {{params.readers}}. Have it "
        "counted by your tools where you have any, and never count yourself. Quote sentences that "
        "are too long or unclear, and say how they could read.",
        tools="{{params.tools}}",
    )
    substance = _asks(
        "substance",
        1,
        2,
        "Look for what is wrong with the content of the document that the user gives: statements "
        "that contradict one another, figures that do not add up, claims without grounds, and "
        "what {{params.readers}} will miss. Quote each passage. You cannot look facts up: say "
        "what should be.",
    )
    report = _asks(
        "report",
        3,
        1,
        "Make one review of those that the user gives, in {{params.language}}, in Markdown, under "
        "the headings Verdict (one sentence: ready, or to be changed), Has to change (numbered, "
        "gravest first, each with its passage), Could be better, and Figures. Say nothing twice; "
        "add nothing.",
    )
    counts = node("tools", "tools", 2, 1)
    end = node("end", "end", 4, 1)
    looks = (language, readability, substance)
    rounds = [edge("readability", "tools", "tool_calls"), edge("tools", "readability")]
    return {
        "nodes": [start, *looks, counts, report, end],
        "edges": [*_fan(start, looks, report), *line(report, end), *rounds],
    }


def _workflow() -> Json:
    start = node("start", "start", 0)
    reading = _asks(
        "reading",
        1,
        0,
        "The user gives a workflow as JSON: nodes with a type and a config, and edges between "
        "their ports. Tell what it does, node by node, in the order of a run, and where it "
        "branches, joins and repeats. Look into it by your tools where you have any. What the "
        "JSON does not say, you do not know.",
        tools="{{params.tools}}",
    )
    about = (
        "The user tells what a workflow does. It is meant for this: {{params.purpose}} Its JSON: "
        "{{input.message}}\n\n"
    )
    faults = _asks(
        "faults",
        3,
        0,
        f"{about}List what may go wrong in a run, gravest first: errors that nothing takes up, "
        "rounds that may not end, branches nobody reaches, answers that are used unchecked, what "
        "it does not do though it is meant to. Name the node each time, and the change that helps.",
    )
    cases = _asks(
        "cases",
        3,
        1,
        f"{about}Write {{{{params.cases}}}} test cases as a Markdown table: input, which nodes "
        "are passed, what is expected. Take every branch, an empty input and an error of each "
        "kind before you take any twice.",
    )
    tools = node("tools", "tools", 2, 1)
    end = node(
        "end",
        "end",
        4,
        output="## What it does\n\n{{nodes.reading.text}}\n\n## What may go wrong\n\n"
        "{{nodes.faults.text}}\n\n## Test cases\n\n{{nodes.cases.text}}",
    )
    rounds = [edge("reading", "tools", "tool_calls"), edge("tools", "reading")]
    return {
        "nodes": [start, reading, tools, faults, cases, end],
        "edges": [*line(start, reading), *_fan(reading, (faults, cases), end), *rounds],
    }


DOCUMENT_REVIEWER = template(
    "document_reviewer",
    "Document reviewer",
    "Reads a text three times at once, for its language, its readability and its substance, and "
    "makes one review of it.",
    "business",
    {
        "model": MODEL,
        "language": _LANGUAGE,
        "readers": {"type": "string", "default": "its likely readers", "title": "Readers"},
        "style_guide": {
            "type": "string",
            "default": "plain words, short sentences, one idea in a paragraph.",
            "title": "Style guide",
        },
        "tools": _tools("text_statistics"),
    },
    _document(),
)
WORKFLOW_VALIDATOR = template(
    "workflow_validator",
    "Workflow validator",
    "Reads the JSON of a workflow, tells what it does and what may go wrong, and writes test "
    "cases. Whether a graph can run at all, the server itself tells before it is saved.",
    "programming",
    {
        "model": MODEL,
        "purpose": {
            "type": "string",
            "default": "what its names and texts say.",
            "title": "What it is meant to do",
        },
        "cases": {"type": "integer", "default": 5, "title": "Test cases"},
        "tools": _tools("json_query"),
    },
    _workflow(),
)
