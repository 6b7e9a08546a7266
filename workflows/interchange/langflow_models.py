"""Models and agents of Langflow; an agent's tools are called by a tools node of ours."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from workflows.definition.graph import OUT
from workflows.interchange.asking import asking, remembering, sampling
from workflows.interchange.assembly import PASSES, edge, make_node, row
from workflows.interchange.foreign import Conversion, ForeignNode
from workflows.interchange.langflow_texts import REQUEST, Wiring
from workflows.interchange.langflow_wires import LENDERS
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import not_carried
from workflows.nodes.model import PARAMETERS

PROVIDERS = {
    "OpenAIModel": "openai",
    "AnthropicModel": "anthropic",
    "OllamaModel": "ollama",
    "LanguageModelComponent": "",
    "LanguageModel": "",
    "Agent": "",
}
_TOOLS = {
    "CalculatorComponent": "calculator",
    "CalculatorTool": "calculator",
    "CurrentDate": "clock",
    "URL": "http_get",
    "URLComponent": "http_get",
    REQUEST: "http_get",
}
_BESIDE_THE_ADDRESS = ("query_params", "headers", "body")
_DROPPED = (
    "json_mode",
    "model_kwargs",
    "output_schema",
    "prefill",
    "format",
    "openai_api_base",
    "base_url",
)
_MOST_ROUNDS = 50


def model(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    if key in wiring.lent:
        conversion.leave_out(key, "Another component asks it: see there.")
        return
    _, nodes = _asking(wiring, key, "system_message")
    conversion.take(key, row(*nodes))


def agent(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    one, report = conversion.nodes[key], conversion.reports[key]
    config, nodes = _asking(wiring, key, "system_prompt")
    kept = one.data.number("n_messages", "value")
    if kept and nodes[0]["type"] != "memory":
        nodes.insert(0, remembering(conversion.names.new("memory", "memory"), one.title, kept))
    name = conversion.id_of(key, "model")
    can = conversion.known.can(config["model"], "tools") and "tools" in conversion.known.kinds
    given = dict.fromkeys(_tools(wiring, key, can=can))
    if not given:
        conversion.take(key, row(*nodes))
        return
    rounds = one.data.number("max_iterations", "value")
    if rounds is not None:
        config["max_rounds"] = int(min(max(rounds, 1), _MOST_ROUNDS))
    config["tools"] = list(given)
    calls = make_node(
        conversion.names.new(f"{name}_tools", "tools"), "tools", f"{one.title}: tools", {}
    )
    nodes[-1] = {**nodes[-1], "config": {**nodes[-1]["config"], **config}}
    step = row(*nodes)
    between = (edge(name, "tool_calls", calls["id"]), edge(calls["id"], OUT, name))
    conversion.take(key, replace(step, nodes=(*nodes, calls), edges=(*step.edges, *between)))
    for tool in wiring.tools.get(key, ()):
        if conversion.reports[tool].outcome != "left_out":
            conversion.reports[tool].became.append(calls["id"])
    report.note("Its tools are called by a node of their own.")


def _tools(wiring: Wiring, key: str, *, can: bool) -> Iterator[str]:
    """The keys of the tools an agent may call; what became of each component is told there."""
    conversion = wiring.conversion
    for one in wiring.tools.get(key, ()):
        node, report = conversion.nodes[one], conversion.reports[one]
        conversion.steps[one] = PASSES
        if reason := _why_no_tool(conversion, node, can=can):
            conversion.leave_out(one, reason)
            continue
        report.note(f"The agent calls the tool '{_TOOLS[node.type]}' in its place.")
        for name in _BESIDE_THE_ADDRESS if node.type == REQUEST else ():
            if node.data.at(name, "value").value:
                report.note(f"Nothing of its '{name}' is sent then.")
        yield _TOOLS[node.type]
    if conversion.nodes[key].data.true("add_current_date_tool", "value"):
        if can and conversion.known.may_use("clock"):
            yield "clock"
        else:
            conversion.reports[key].note("It is not told the date: no tool for that may be used.")


def _why_no_tool(conversion: Conversion, one: ForeignNode, *, can: bool) -> str:
    """Why an agent calls no tool in the place of a component; empty if it does."""
    name, method = _TOOLS.get(one.type, ""), one.data.text("method", "value").upper() or "GET"
    if not name:
        return not_carried(one.type, "component")
    if one.type == REQUEST and method != "GET":
        return f"No tool that a model may call sends a request '{method[:20]}' here."
    if not can:
        return "The model that is asked here calls no tools."
    if not conversion.known.may_use(name):
        return f"The tool '{name}', which does that here, may not be used."
    return ""


def _asking(wiring: Wiring, key: str, field: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The settings of a model node, and the row of nodes that ends with it."""
    conversion = wiring.conversion
    one, report = conversion.nodes[key], conversion.reports[key]
    remembered: dict[str, None] = {}
    system = wiring.text(key, field, remembered)
    question = wiring.text(key, "input_value", remembered)
    asked = _model(wiring, key)
    if not asked:
        report.note("No model is named as it is known here; the default answers.")
    for name in _DROPPED:
        if one.data.at(name, "value").value:
            report.note(f"Its setting '{name}' was dropped.")
    config: dict[str, Any] = {
        "model": conversion.model(key, asked),
        "system": system,
        **sampling(report, _parameters(one.data)),
    }
    nodes = asking(conversion, key, config, question, wiring.arriving(key, "input_value"))
    if remembered:
        window = conversion.nodes[next(iter(remembered))].data.number("n_messages", "value")
        name = conversion.names.new(f"{nodes[-1]['id']}_memory", "memory")
        nodes.insert(0, remembering(name, one.title, window))
    return config, nodes


def _model(wiring: Wiring, key: str) -> str:
    """provider:model, of the component itself or of one that lends it its model.

    Newer files name both in a list of one choice, older ones in a field each.
    """
    lent = (wiring.sources[key, name] for name in LENDERS if (key, name) in wiring.sources)
    one = wiring.conversion.nodes.get(next(lent, key), wiring.conversion.nodes[key])
    choice = next(one.data.each("model", "value"), Loose())
    told = one.data.text("provider", "value") or one.data.text("agent_llm", "value")
    provider = PROVIDERS.get(one.type) or (choice.text("provider") or told).lower()
    name = choice.text("name") or one.data.text("model_name", "value")
    return f"{provider}:{name}" if provider and name else ""


def _parameters(data: Loose) -> dict[str, Any]:
    """Those that a model node has too; 0 is how Langflow says that an answer may be any length."""
    found: dict[str, Any] = {name: data.number(name, "value") for name in PARAMETERS}
    stops = data.text("stop_tokens", "value")
    found["stop"] = [text for text in stops.split(",") if text and "{{" not in text]
    return {**found, "max_tokens": found["max_tokens"] or None}
