"""The node types that Dify and we both know."""

from collections.abc import Callable
from typing import Any

from workflows.interchange.asking import asking, remembering, sampling
from workflows.interchange.assembly import Step, edge, make_node, row
from workflows.interchange.dify_approvals import human_input
from workflows.interchange.dify_bodies import cases_of, handles
from workflows.interchange.dify_carried import is_carried, model_of, schema_of
from workflows.interchange.dify_conditions import condition_of
from workflows.interchange.dify_http import http_request
from workflows.interchange.dify_iterations import iteration
from workflows.interchange.dify_loops import loop, loop_end, loop_start
from workflows.interchange.dify_texts import default_of, rendered, templated, value_of
from workflows.interchange.dify_variables import assigner
from workflows.interchange.foreign import ARRIVING, Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import NOTHING
from workflows.interchange.report import NodeReport
from workflows.nodes.model import PARAMETERS

_SAID_LAST = "{{#sys.query#}}"
_MOST_ATTEMPTS, _LONGEST_WAIT_S = 10, 20


def start(conversion: Conversion, key: str, data: Loose) -> None:
    conversion.start(key)
    names = [one.text("variable") for one in data.each("variables")]
    if names:
        told = ", ".join(f"input.{name}" for name in names)
        conversion.reports[key].note(f"A run is to give {told}; nothing checks their types.")
    for one in data.each("variables"):
        if one.at("default").value and not default_of(one):
            note = f"What '{one.text('variable')[:80]}' is when nobody gives it was dropped."
            conversion.reports[key].note(note)


def end(conversion: Conversion, key: str, data: Loose) -> None:
    report = conversion.reports[key]
    outputs = [
        (one.text("variable"), "{{#" + ".".join(one.texts("value_selector")) + "#}}")
        for one in data.each("outputs")
    ]
    if len(outputs) > 1:
        report.note("Its outputs became lines of one text.")
        outputs = [(name, f"{name}: {text}") for name, text in outputs]
    _end(conversion, key, "\n".join(text for _, text in outputs), passes=False)


def answer(conversion: Conversion, key: str, data: Loose) -> None:
    _end(conversion, key, data.text("answer"), passes=True)


def _end(conversion: Conversion, key: str, text: str, *, passes: bool) -> None:
    if key in conversion.inner:
        conversion.leave_out(key, "It answers in the middle of a loop or an iteration.")
        return
    output = rendered(conversion, key, text) or NOTHING
    name, title = conversion.id_of(key, "end"), conversion.nodes[key].title
    conversion.take(key, Step((make_node(name, "end", title, {"output": output}),), passes=passes))


def llm(conversion: Conversion, key: str, data: Loose) -> None:
    report = conversion.reports[key]
    system, question = _prompts(conversion, key, data)
    arriving = [_text_of(conversion, one, key) for one in conversion.before(key)]
    config = {
        "model": conversion.model(key, model_of(data)),
        "system": system,
        **sampling(report, _parameters(report, data.at("model", "completion_params"))),
        **_retry(report, data.at("retry_config")),
    }
    if schema := schema_of(conversion, key):
        config["output_schema"] = schema
    elif data.true("structured_output_enabled"):
        report.note("Its answers fit no schema here: the model cannot, or it is none that is kept.")
    _note_losses(report, data)
    nodes = asking(conversion, key, config, question, {ARRIVING, *_only(arriving)})
    if data.keys("memory"):
        enabled = data.true("memory", "window", "enabled")
        rounds = data.number("memory", "window", "size") if enabled else None
        window = None if rounds is None else 2 * rounds  # there a question counts with its answer
        report.note("Its memory became a node of its own, which counts messages.")
        name = conversion.names.new(f"{nodes[-1]['id']}_memory", "memory")
        nodes.insert(0, remembering(name, conversion.nodes[key].title, window))
    conversion.take(key, row(*nodes))


def _only(names: list[str]) -> list[str]:
    """The one text that arrives, under its own name; of several none is the whole."""
    return names if len(names) == 1 else []


def _text_of(conversion: Conversion, key: str, at: str) -> str:
    """What the text that leaves a foreign node is called."""
    kind = conversion.nodes[key].type if key in conversion.nodes else ""
    if kind == "start":
        return "input.message"
    left = "output" if kind == "template-transform" else "text"
    return value_of(conversion, [key, left], at) or ARRIVING


def _prompts(conversion: Conversion, key: str, data: Loose) -> tuple[str, str]:
    """The system text and the question; a completion model has one text, which is the question.

    With a memory, a chat model is asked what was said last, after the rest.
    """
    report, told = conversion.reports[key], data.at("prompt_template")
    texts: dict[str, list[str]] = {"system": [], "user": []}
    for one in [told] if told.keys() else told.each():
        role = one.text("role") or "user"
        if one.text("edition_type") == "jinja2":
            report.note("A prompt written in Jinja was dropped; its plain text stands for it.")
        if role in texts:
            texts[role].append(one.text("text"))
        else:
            report.note(f"A prompt of the role '{role}' was dropped: there are none of that here.")
    if data.keys("memory") and not told.keys():
        texts["user"].append(data.text("memory", "query_prompt_template") or _SAID_LAST)
    system, question = (
        rendered(conversion, key, "\n\n".join(filter(None, texts[role])))
        for role in ("system", "user")
    )
    return system, question


def _parameters(report: NodeReport, told: Loose) -> dict[str, Any]:
    """Those that a model node has too; what looks like a reference is no text to stop at."""
    stops = told.texts("stop")
    plain = [text for text in stops if "{{" not in text]
    if plain != stops:
        report.note("A text to stop at that holds a reference was dropped.")
    return {**{name: told.number(name) for name in PARAMETERS}, "stop": plain}


def _retry(report: NodeReport, told: Loose) -> dict[str, Any]:
    """How often it is asked; there the wait in between is in milliseconds and always the same."""
    if not told.true("retry_enabled"):
        return {}
    attempts = (told.number("max_retries") or 0) + 1
    wait_s = (told.number("retry_interval") or 0) / 1000
    retry = {
        "attempts": int(min(max(attempts, 1), _MOST_ATTEMPTS)),
        "wait_s": min(max(wait_s, 0), _LONGEST_WAIT_S),
        "backoff": 1,
    }
    report.note("It is asked again only when its provider is unreachable, busy or broken.")
    if (attempts, wait_s) != (retry["attempts"], retry["wait_s"]):
        report.note(f"It is asked {retry['attempts']} times in all, every {retry['wait_s']:g} s.")
    return {"retry": retry}


def _note_losses(report: NodeReport, data: Loose) -> None:
    if dropped := sorted(set(data.keys("model", "completion_params")) - set(PARAMETERS)):
        report.note(f"Settings of the model were dropped: {', '.join(dropped)}.")
    for name in ("vision", "context"):
        if data.true(name, "enabled"):
            report.note(f"Its setting '{name}' was dropped.")


def if_else(conversion: Conversion, key: str, data: Loose) -> None:
    report, title = conversion.reports[key], conversion.nodes[key].title
    cases = cases_of(data)
    conversion.known.check_size(len(cases), edges=0)
    ids = [conversion.id_of(key, "condition")]
    more = range(2, len(cases) + 1)
    ids += [conversion.names.new(f"{ids[0]}_case_{at}", "condition") for at in more]
    if len(cases) > 1:
        report.note("Its cases became conditions one after another.")
    nodes = tuple(
        make_node(name, "conditional", title, {"condition": condition_of(conversion, key, case)})
        for name, case in zip(ids, cases, strict=True)
    )
    exits = {handle: (name, "true") for name, handle in zip(ids, handles(data), strict=False)}
    between = tuple(edge(one, "false", other) for one, other in zip(ids, ids[1:], strict=False))
    conversion.take(key, Step(nodes, between, {**exits, "false": (ids[-1], "false")}))


def template(conversion: Conversion, key: str, data: Loose) -> None:
    if not is_carried(conversion, key):
        conversion.leave_out(key, "Its template does more than fill in values.")
        return
    name, title = conversion.id_of(key, "prompt"), conversion.nodes[key].title
    text = templated(conversion, key, data) or NOTHING
    conversion.take(key, row(make_node(name, "prompt", title, {"template": text})))


KNOWN: dict[str, Callable[[Conversion, str, Loose], None]] = {
    "start": start,
    "end": end,
    "answer": answer,
    "llm": llm,
    "if-else": if_else,
    "template-transform": template,
    "http-request": http_request,
    "iteration": iteration,
    "loop": loop,
    "loop-start": loop_start,
    "loop-end": loop_end,
    "assigner": assigner,
    "human-input": human_input,
}
