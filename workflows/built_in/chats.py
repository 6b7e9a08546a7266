"""Conversations: one model that remembers, with instructions and tools of its own."""

from collections.abc import Sequence

from workflows.built_in.parts import MODEL, Json, edge, line, node, template


def _graph() -> Json:
    start = node("start", "start", 0)
    memory = node(
        "memory",
        "memory",
        1,
        enabled="{{params.enable_memory}}",
        window="{{params.memory_window}}",
        summarise="{{params.summarise}}",
        model="{{params.model}}",
    )
    model = node(
        "model",
        "model",
        2,
        model="{{params.model}}",
        system="{{params.system}}",
        tools="{{params.tools}}",
    )
    tools = node("tools", "tools", 2, 1)
    end = node("end", "end", 3)
    rounds = [edge("model", "tools", "tool_calls"), edge("tools", "model")]
    return {
        "nodes": [start, memory, model, tools, end],
        "edges": [*line(start, memory, model, end), *rounds],
    }


def _chat(  # noqa: PLR0913, PLR0917 - what makes one conversation another
    slug: str,
    name: str,
    description: str,
    category: str,
    system: str,
    window: int = 20,
    tools: Sequence[str] = (),
) -> Json:
    remember = {"type": "boolean", "default": True, "title": "Remember the conversation"}
    seen = {"type": "integer", "default": window, "title": "Messages seen as they are"}
    parameters = {
        "model": MODEL,
        "system": {"type": "string", "default": system, "title": "Instructions"},
        "enable_memory": remember,
        "memory_window": seen,
        "tools": {"type": "array", "default": list(tools), "title": "Tools the model may call"},
        "summarise": {"type": "boolean", "default": True, "title": "Sum up what lies before"},
    }
    return template(slug, name, description, category, parameters, _graph())


CHATS = (
    _chat(
        "universal_chat",
        "Universal chat",
        "Talks with any model, remembers the conversation and calls tools, as asked.",
        "general",
        "You are a helpful assistant.",
    ),
    _chat(
        "general_chat",
        "General chat",
        "A friendly conversation about anything.",
        "general",
        "You are a friendly assistant. Answer briefly, and ask when a question can be understood "
        "in more than one way.",
    ),
    _chat(
        "code_assistant",
        "Code assistant",
        "Writes, explains and reviews code; remembers a long conversation.",
        "programming",
        "You help people with code. Write complete, runnable examples in fenced blocks that name "
        "their language. Say which versions you assume, and what you have not been able to check.",
        window=100,
    ),
    _chat(
        "customer_support",
        "Customer support",
        "Answers customers patiently, and says when a person has to take over.",
        "customer_support",
        "You answer customers of a company. Be polite and brief. Never promise refunds, dates or "
        "exceptions. When you cannot help, say so and say that a colleague will take over.",
        window=50,
    ),
    _chat(
        "research_assistant",
        "Research assistant",
        "Reads web pages and tells what they say, with their addresses.",
        "research",
        "You research questions. Read pages with your tools before you state facts, name the "
        "address of each page you used, and tell apart what a page says from what you conclude.",
        window=30,
        tools=("http_get", "text_statistics"),
    ),
    _chat(
        "data_analyst",
        "Data analyst",
        "Calculates, converts units and picks values out of JSON, with tools that do not guess.",
        "data_analysis",
        "You analyse data. Never calculate in your head: use your tools for every figure, and show "
        "the expressions you used.",
        window=50,
        tools=("calculator", "json_query", "text_statistics", "unit_conversion"),
    ),
    _chat(
        "learning_tutor",
        "Learning tutor",
        "Teaches step by step, and checks what was understood.",
        "educational",
        "You are a tutor. Find out what the learner knows, explain one step at a time with an "
        "example, then ask one question to check it. Do not give away answers to exercises; give "
        "hints.",
        window=100,
    ),
)
