"""Which figures each page has."""

from dataclasses import dataclass, replace

from analytics.figures import Figure, Numbers, dollars, number, part, took, used, used_of
from workflows.templatetags.figures import cost, mean_cost, milliseconds
from workflows.totals import CATEGORIES

_TIMED = {"min_duration_ms": 0}
_ANSWERED = {"min_latency_ms": 0}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The figures of one report: in all (`tiles`), by group, step by step; and its charts."""

    heading: str
    charts: tuple[tuple[str, str], ...]
    tiles: tuple[Figure, ...]
    groups: tuple[Figure, ...]
    steps: tuple[Figure, ...]
    nothing: str

    def within(self, by: str) -> "Sheet":
        """What can be said of one group of `by`: not which of its rows are of such a group."""
        tiles, groups, steps = (
            tuple(one for one in figures if by not in one.of)
            for figures in (self.tiles, self.groups, self.steps)
        )
        return replace(self, tiles=tiles, groups=groups, steps=steps)


def _all_of(*percentiles: Figure) -> list[Figure]:
    """p50, p95 and p99 as tiles name them."""
    labels = ("Median", "95 of 100 within", "99 of 100 within")
    return [replace(one, label=label) for one, label in zip(percentiles, labels, strict=True)]


# --- executions ------------------------------------------------------------------------------

_EXECUTIONS = Figure("Executions", number("executions"))
_PER_HOUR = Figure("In an hour", number("per_hour"))
_COMPLETED = Figure("Completed", part("success_rate"), {"status": "completed"})
_FAILED = Figure("Failed", part("error_rate"), {"status": "failed"})
_MEAN = Figure("Mean time", took("duration", "mean"), _TIMED)
_P50, _P95, _P99 = (Figure(one, took("duration", one), _TIMED) for one in ("p50", "p95", "p99"))
_TOKENS = Figure("Tokens", used("total_tokens"))
_COST = Figure("Cost", dollars)
_MEAN_COST = Figure("Mean cost", mean_cost)
_ENDS = tuple(
    Figure(one.capitalize(), number(one), {"status": one})
    for one in ("completed", "failed", "cancelled")
)

EXECUTIONS = Sheet(
    "Executions",
    (("executions", "How they ended"), ("duration", "How long they took")),
    (
        *(_EXECUTIONS, _PER_HOUR, _COMPLETED, _FAILED, _MEAN),
        *_all_of(_P50, _P95, _P99),
        *(_TOKENS, _COST, _MEAN_COST),
    ),
    (
        *(_EXECUTIONS, _PER_HOUR, _COMPLETED, _FAILED),
        *(replace(_MEAN, label="Mean"), _P50, _P95, _P99, _TOKENS, _COST, _MEAN_COST),
    ),
    (*_ENDS, _P50, _P95, _P99, _TOKENS, _COST),
    "Nothing ended in this time.",
)
# What one user does: less of the same.
ACTIVITY = Sheet(
    "Activity",
    EXECUTIONS.charts[:1],
    (_EXECUTIONS, _COMPLETED, _FAILED, _MEAN, _TOKENS, _COST),
    (_EXECUTIONS, _COMPLETED, replace(_MEAN, label="Mean"), _COST, _MEAN_COST),
    (*_ENDS, _COST),
    "None in this time.",
)

# --- calls of models and tools ---------------------------------------------------------------

_CALLS = Figure("Calls", number("calls"))
_ASKED = {"answered_by": "provider"}
_MADE = {"answered_by": "tool"}
_CALL_P50, _CALL_P95, _CALL_P99 = (
    Figure(one, took("latency", one), _ANSWERED) for one in ("p50", "p95", "p99")
)
_CALL_MEAN = Figure("Mean", took("latency", "mean"), _ANSWERED)
_CALL_TIMES = (
    replace(_CALL_MEAN, label="Mean time"),
    *_all_of(_CALL_P50, _CALL_P95, _CALL_P99),
)
_ANSWERS = {"status": "failed", **_ASKED}

MODELS = Sheet(
    "Models and costs",
    (("cost", "Cost"), ("tokens", "Tokens"), ("latency", "How long they took")),
    (
        *(_COST, _CALLS),
        Figure("Tokens in", used("prompt_tokens")),
        Figure("Tokens out", used("completion_tokens")),
        Figure("Failed", part("error_rate"), _ANSWERS),
        *_CALL_TIMES,
        Figure("First word, p95", took("first_token", "p95"), {"min_first_token_ms": 0}),
    ),
    (
        *(_CALLS, Figure("Failed", part("error_rate"), _ANSWERS)),
        *(Figure(one.replace("_", " ").capitalize(), used_of(one)) for one in CATEGORIES),
        *(_COST, _CALL_P50, _CALL_P95),
    ),
    (
        *(_CALLS, Figure("Failed", number("failed"), _ANSWERS)),
        Figure("Tokens in", used("prompt_tokens")),
        Figure("Tokens out", used("completion_tokens")),
        *(_COST, _CALL_P50, _CALL_P95, _CALL_P99),
    ),
    "No model was asked in this time.",
)

_FAILING = Figure("Failed", part("error_rate"), {"status": "failed,timed_out", **_MADE})
_ERRORS = replace(_FAILING, value=lambda numbers: numbers["failed"] + numbers["timed_out"])
_REFUSED = Figure("Refused", number("refused"), {"status": "refused", **_MADE})
_TIMED_OUT = Figure("Timed out", number("timed_out"), {"status": "timed_out", **_MADE})

TOOLS = Sheet(
    "Tools",
    (("calls", "Calls"), ("latency", "How long they took")),
    (
        *(_CALLS, _FAILING, _REFUSED, _TIMED_OUT),
        *_CALL_TIMES,
    ),
    (_CALLS, _FAILING, _REFUSED, _TIMED_OUT, _CALL_MEAN, _CALL_P50, _CALL_P95),
    (_CALLS, _ERRORS, _CALL_P50, _CALL_P95, _CALL_P99),
    "No tool was called in this time.",
)

SHEETS = {"executions": EXECUTIONS, "models": MODELS, "tools": TOOLS}

# --- conversations, and one workflow ---------------------------------------------------------


def _helpful(numbers: Numbers) -> str:
    return f"{numbers['helpful']} of {numbers['helpful'] + numbers['unhelpful']}"


def _looked_at(numbers: Numbers) -> str:
    runs, ended = numbers["runs"], numbers["ended"]
    return str(runs) if runs == ended else f"{runs} of {ended}"


TALKS = (
    Figure("Conversations", number("conversations")),
    Figure("Messages", number("messages")),
    Figure("Messages in each", number("mean_messages")),
    Figure("Longest", number("most_messages")),
)
SATISFACTION = Figure("Satisfaction", part("satisfaction", "no data"))
RATED = (Figure("Rated helpful", _helpful, {"helpful": "true"}), SATISFACTION)
_FIRST_RUNS = {**_TIMED, "reruns": "false"}
RUNS = (
    Figure("Runs", _looked_at),
    Figure("Completed", part("success_rate"), {"status": "completed"}),
    Figure("Failed", part("failure_rate"), {"status": "failed"}),
    Figure("Mean time", lambda numbers: milliseconds(numbers["mean_ms"]), _FIRST_RUNS),
    Figure("Median", lambda numbers: milliseconds(numbers["p50_ms"]), _FIRST_RUNS),
    Figure("95 of 100 within", lambda numbers: milliseconds(numbers["p95_ms"]), _FIRST_RUNS),
    Figure("99 of 100 within", lambda numbers: milliseconds(numbers["p99_ms"]), _FIRST_RUNS),
    *(_TOKENS, _COST, _MEAN_COST),
)
# Visits are events of a log, not rows: what leads to them is the list of the runs they are of.
VISITS = (
    Figure("Visits", number("visits")),
    Figure("Failed", part("failure_rate")),
    Figure("Mean", lambda numbers: milliseconds(numbers["mean_ms"])),
    Figure("p50", lambda numbers: milliseconds(numbers["p50_ms"])),
    Figure("p95", lambda numbers: milliseconds(numbers["p95_ms"])),
    Figure("p99", lambda numbers: milliseconds(numbers["p99_ms"])),
)
NODE_CALLS = (
    Figure("Calls", number("calls")),
    Figure("Not asked anew", number("unasked_calls"), {"answered_by": "cache,recording"}),
    Figure(
        "First word, p95",
        lambda numbers: milliseconds(numbers["first_token_p95_ms"]),
        {"min_first_token_ms": 0},
    ),
    Figure("Cost", cost),
    Figure("Share of the cost", part("cost_share")),
)
