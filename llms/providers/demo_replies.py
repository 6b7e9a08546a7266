"""The demo model's small talk about Chatter (pure)."""

from collections.abc import Sequence

HELP = """\
I am Chatter's built-in **demo** model: no network, no cost, the same answer every time. \
Ask me about Chatter, or try:

- `say 40 words` – an answer of that length
- `think about the weather` – visible reasoning, counted as reasoning tokens
- `say exactly: hello` – an echo
- `my name is Ada`, and later `what is my name?` – the conversation's memory
- `use the tool calculator {"expression": "2 * (3 + 4)"}` – with *Tools* switched on below
- `say 60 words slowly` – time enough to press stop or to reload the page
- `please fail`, `please be busy`, `please break`, `please hang` – what trouble looks like
"""

_REAL_MODEL = """\
To talk to a real model, start Chatter with a key in its environment: `OPENAI_API_KEY` \
(with `OPENAI_BASE_URL` for any compatible server), `ANTHROPIC_API_KEY`, or `OLLAMA_HOST`. \
An administrator can also add providers and models in the back office under \
*Language models*. As soon as there is a real model, it answers by default instead of this demo."""

_CHATTER = """\
Chatter is a self-hosted platform for LLM workflows. You build a graph of steps, talk to it in a \
conversation like this one, watch every step run live, and know afterwards exactly what each run \
did and cost. I am its built-in **demo** model, so that you can try all of that without a key."""

_LEDGER = """\
Before a model is called, Chatter commits a row to its ledger, and settles it after: tokens in \
disjoint categories (fresh input, cache read, cache write, output, reasoning), the price of that \
day, the time to the first token. Message, conversation and template totals always equal their \
rows. This demo answer costs nothing, and is counted all the same."""

_WORKFLOW = """\
A workflow is a graph of nodes: models, tools, memory, prompts, conditions, loops, variables. This \
chat is one too, the template `universal_chat`: start, memory, model, tools, end. Its steps and \
calls appear beside this answer while it runs. (I am only the demo model; the workflow around me \
is real.)"""

_STOP = """\
Press **Stop** while an answer is being written: no further step starts, the call under way is \
closed, and its tokens are in the ledger. Say `say 200 words slowly` to this demo and try."""

_PRIVACY = """\
Everything stays on this server: conversations, ledger, event log and audit trail are in its own \
database. This demo model sends nothing anywhere; a real provider is sent the messages it is \
asked with, and nothing else."""

_HELLO = "Hello! I am Chatter's built-in demo model. Ask `help` to see what I can do."
_WELCOME = "You are welcome. I am only the demo, but I count every word."

# The first row whose words all occur in the question answers it.
REPLIES: Sequence[tuple[frozenset[str], str]] = tuple(
    (frozenset(words.split()), reply)
    for words, reply in (
        ("real model", _REAL_MODEL),
        ("api key", _REAL_MODEL),
        ("plug in", _REAL_MODEL),
        ("openai", _REAL_MODEL),
        ("anthropic", _REAL_MODEL),
        ("ollama", _REAL_MODEL),
        ("what can you do", HELP),
        ("what can i", HELP),
        ("help", HELP),
        ("token", _LEDGER),
        ("tokens", _LEDGER),
        ("cost", _LEDGER),
        ("price", _LEDGER),
        ("ledger", _LEDGER),
        ("workflow", _WORKFLOW),
        ("workflows", _WORKFLOW),
        ("template", _WORKFLOW),
        ("node", _WORKFLOW),
        ("stop", _STOP),
        ("cancel", _STOP),
        ("privacy", _PRIVACY),
        ("data", _PRIVACY),
        ("chatter", _CHATTER),
        ("who are you", _CHATTER),
        ("how are you", "Deterministic as ever, thank you. I am Chatter's demo model."),
        ("thanks", _WELCOME),
        ("thank you", _WELCOME),
        ("bye", "Goodbye. This demo conversation stays here, with its tokens, until you return."),
        ("hello", _HELLO),
        ("hi", _HELLO),
        ("hey", _HELLO),
    )
)
