"""A model on the wire, for tests that run executions in their own process."""

from tests.factories.llms import PriceFactory, ProfileFactory, ProviderFactory
from tests.wire import WireServer

GPT, GPT_TOO = "wire:gpt-test", "wire:gpt-too"


def wire_model(wire: WireServer) -> str:
    """Make two models of the wire known, at $1 a million tokens in and $2 out; gives the first."""
    provider = ProviderFactory(name="wire", kind="openai", base_url=wire.url + "/v1")
    for name in (GPT, GPT_TOO):
        model = name.removeprefix("wire:")
        ProfileFactory(provider=provider, model=model, max_output_tokens=2_000)
        PriceFactory(provider_kind="openai", model=model)
    return GPT


def chain(*nodes: dict[str, object]) -> dict[str, object]:
    """A graph that goes from a start through these nodes to an end, one after another."""
    whole = [{"id": "start", "type": "start"}, *nodes, {"id": "end", "type": "end"}]
    edges = [
        {"source": one["id"], "target": other["id"]}
        for one, other in zip(whole, whole[1:], strict=False)
    ]
    return {"nodes": whole, "edges": edges}


def asks(node: str, model: str = GPT) -> dict[str, object]:
    return {"id": node, "type": "model", "config": {"model": model}}


def waits(node: str, seconds: float) -> dict[str, object]:
    return {"id": node, "type": "delay", "config": {"seconds": seconds}}
