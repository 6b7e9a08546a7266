"""How one definition is doing, node by node."""

from collections.abc import Mapping
from dataclasses import asdict
from statistics import fmean

from drf_spectacular.utils import OpenApiParameter
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from analytics.definitions import NodeNumbers, numbers_of, percentile
from analytics.models import ReplyRating
from analytics.reports.rating_counts import RatingCounts, rating_counts
from analytics.reports.rows import call_rows, rated_rows, run_rows
from core.errors import Invalid
from core.money import dollars_text
from core.queries import strict_query
from core.shapes import Shape
from workflows.api.shapes import TotalsOut
from workflows.definition.complexity import complexity
from workflows.definition.graph import GraphDefinition
from workflows.models import WorkflowDefinition
from workflows.services.definitions import definition_for
from workflows.services.versions import entry_of
from workflows.totals import exactness_of, mean_cost, totals_json

_USUAL, _MOST = 100, 500
LAST = OpenApiParameter("last", int, description="How many runs, 100 by default.")


class BadWindow(Invalid):
    code = "bad_window"
    message = f"'last' is a number of runs from 1 to {_MOST}."


class ComplexityOut(Shape):
    """Of the newest graph; `depth` is the longest path, `paths` counts paths, loops taken once."""

    nodes: int
    edges: int
    paths: int
    depth: int


class NodeAnalyticsOut(Shape):
    """`cost` is the known cost in dollars; calls it does not include are `unpriced_calls`.

    `p50_ms` and `p95_ms` are of visits that finished: the time of those that failed is not counted,
    nor that of visits with `unasked_calls`, which a cache or a recording answered. How long calls
    took to their first token is `first_token_p50_ms` and `first_token_p95_ms`.

    `call_rows` lists its calls. `exactness` is that of the least exact call, `cost_share` its share
    of the known cost of all nodes, null if nothing cost anything.
    """

    node: str
    visits: int
    failure_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None
    calls: int
    unasked_calls: int
    unpriced_calls: int
    cost: str | None
    exactness: str
    cost_share: float | None
    call_rows: str


class DefinitionAnalyticsOut(Shape):
    """The last finished runs, whichever version they ran. Nodes come slowest first.

    Replays are no runs, retries and forks are; but these do only a part of one, so how long they
    took is not in `mean_ms`, `p50_ms` and `p95_ms`.

    `mean_cost` is the cost in `totals` divided by the runs, in dollars and just as exact; means are
    null while there are no runs. Replies are all replies of its runs that were ever rated;
    `satisfaction` is the share of those that helped. `rows` and `rating_rows` are where the API
    lists these runs and ratings.
    """

    rows: str
    rating_rows: str
    runs: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    failure_rate: float | None
    mean_ms: float | None
    mean_cost: str | None
    totals: TotalsOut
    p50_ms: float | None
    p95_ms: float | None
    helpful_replies: int
    unhelpful_replies: int
    satisfaction: float | None
    complexity: ComplexityOut
    nodes: list[NodeAnalyticsOut]


class DefinitionAnalyticsDetail(GenericAPIView[WorkflowDefinition]):
    """Computed on request, from the logs and the ledger of real runs."""

    @strict_query("definitions_analytics_retrieve", [LAST], DefinitionAnalyticsOut)
    def get(self, request: Request, pk: str) -> Response:
        definition = definition_for(user_of(request), pk)
        return Response(analytics_of(definition, window_of(request.query_params)).to_json())


def window_of(query: Mapping[str, str]) -> int:
    """How many runs to look at. Raises BadWindow."""
    text = query.get("last", str(_USUAL))
    if not text.isdecimal() or len(text) > len(str(_MOST)) or not 1 <= int(text) <= _MOST:
        raise BadWindow
    return int(text)


def analytics_of(definition: WorkflowDefinition, last: int) -> DefinitionAnalyticsOut:
    """Its last finished runs, and how its replies were rated."""
    numbers = numbers_of(definition, last)
    counts = rating_counts(ReplyRating.objects.filter(definition=definition)).get(
        "", RatingCounts()
    )
    size = complexity(GraphDefinition.model_validate(entry_of(definition).version.graph))
    nodes = [
        _node(node, numbers.cost_nano_usd, call_rows(definition.pk, last, node.node))
        for node in numbers.nodes.values()
    ]
    return DefinitionAnalyticsOut(
        rows=run_rows(definition.pk, numbers.since),
        rating_rows=rated_rows(definition.pk),
        runs=numbers.runs,
        completed=numbers.completed,
        failed=numbers.failed,
        cancelled=numbers.cancelled,
        success_rate=_share(numbers.completed, numbers.runs),
        failure_rate=_share(numbers.failed, numbers.runs),
        mean_ms=round(fmean(numbers.durations_ms), 1) if numbers.durations_ms else None,
        mean_cost=mean_cost(numbers.totals, numbers.runs),
        totals=TotalsOut.model_validate(totals_json(numbers.totals)),
        p50_ms=percentile(numbers.durations_ms, 0.5),
        p95_ms=percentile(numbers.durations_ms, 0.95),
        helpful_replies=counts.helpful,
        unhelpful_replies=counts.unhelpful,
        satisfaction=counts.satisfaction,
        complexity=ComplexityOut(
            nodes=size.nodes, edges=size.edges, paths=size.paths, depth=size.depth
        ),
        nodes=sorted(nodes, key=lambda node: (-(node.p95_ms or 0), node.node)),
    )


def _node(node: NodeNumbers, whole: int, rows: str) -> NodeAnalyticsOut:
    nothing_known = 0 < node.calls <= node.unpriced_calls
    return NodeAnalyticsOut(
        node=node.node,
        visits=node.visits,
        failure_rate=_share(node.failures, node.visits),
        p50_ms=percentile(node.durations_ms, 0.5),
        p95_ms=percentile(node.durations_ms, 0.95),
        first_token_p50_ms=percentile(node.first_tokens_ms, 0.5),
        first_token_p95_ms=percentile(node.first_tokens_ms, 0.95),
        calls=node.calls,
        unasked_calls=node.unasked_calls,
        unpriced_calls=node.unpriced_calls,
        cost=None if nothing_known else dollars_text(node.cost_nano_usd),
        exactness=exactness_of(asdict(node)),
        cost_share=_share(node.cost_nano_usd, whole),
        call_rows=rows,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
