"""The graph of the comparison, written by hand: start, model, end, built once."""

from typing import Any, TypedDict

from langchain_core.messages import HumanMessage
from langgraph.graph import END, START, StateGraph

from llms.providers.demo import DemoChatModel

# What `workflows/engine/engine.py` asks LangGraph for.
ENGINE_MODES = ["values"]
# What a streaming view without Chatter asks it for, to show the words as they come.
COMMON_MODES = ["updates", "messages", "custom"]

_MODEL = DemoChatModel(delay_ms_per_word=0)


class State(TypedDict):
    text: str


async def start(state: State) -> State:
    return {"text": state["text"]}


async def model(state: State) -> State:
    chunks = _MODEL.astream([HumanMessage(state["text"])])
    return {"text": "".join([chunk.text async for chunk in chunks])}


async def end(state: State) -> State:
    return {"text": state["text"]}


def _built() -> Any:
    builder = StateGraph(State)
    for node in (start, model, end):
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "start")
    builder.add_edge("start", "model")
    builder.add_edge("model", "end")
    builder.add_edge("end", END)
    return builder.compile()


GRAPH = _built()
