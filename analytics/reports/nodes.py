"""How one workflow is doing, node by node: reckoned from the newest of its runs in a time."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from statistics import fmean

from analytics.definitions import NodeNumbers, RunNumbers, numbers_of, percentile
from analytics.reports import reading
from analytics.reports.columns import Line, columns_of
from analytics.reports.export import Table
from analytics.reports.rating_counts import RatingCounts, rating_counts, ratings_in
from analytics.reports.report_request import ReportRequest
from analytics.reports.rows import call_rows, rating_rows, rows_url
from analytics.reports.span import Span
from analytics.reports.week import ENDS
from core.money import dollars_text
from core.shapes import Shape
from workflows.api.shapes import TotalsOut
from workflows.definition.complexity import complexity
from workflows.definition.graph import GraphDefinition
from workflows.models import WorkflowDefinition
from workflows.services.versions import entry_of
from workflows.totals import exactness_of, mean_cost, totals_json


class ComplexityOut(Shape):
    """Of the newest graph; `depth` is the longest path, `paths` counts paths, loops taken once."""

    nodes: int
    edges: int
    paths: int
    depth: int


class NodeNumbersOut(Shape):
    """`cost` is the known cost in dollars; calls it does not include are `unpriced_calls`.

    `mean_ms`, `p50_ms`, `p95_ms` and `p99_ms` are of visits that finished: the time of those that
    failed is not counted, nor that of visits with `unasked_calls`, which a cache or a recording
    answered. How long calls took to their first token is `first_token_p50_ms` and
    `first_token_p95_ms`.

    `exactness` is that of the least exact call, `cost_share` its share of the known cost of all
    nodes, null if nothing cost anything.
    """

    visits: int
    failure_rate: float | None
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None
    calls: int
    unasked_calls: int
    unpriced_calls: int
    cost: str | None
    exactness: str
    cost_share: float | None


class NodeAnalyticsOut(NodeNumbersOut):
    """`call_rows` lists its calls; `previous` is of the period before, null if not visited then."""

    node: str
    call_rows: str
    previous: NodeNumbersOut | None


class RunNumbersOut(Shape):
    """Of `ended` runs that ended in the time, the newest `runs`: all else is reckoned from these.

    Replays are no runs, retries and forks are; but these do only a part of one, so how long they
    took is not in `mean_ms`, `p50_ms`, `p95_ms` and `p99_ms`.

    `mean_cost` is the cost in `totals` divided by the runs, in dollars and just as exact; means are
    null while there are no runs. Replies are those of any of its runs that were rated in the time;
    `satisfaction` is the share of those that helped.
    """

    runs: int
    ended: int
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
    p99_ms: float | None
    helpful_replies: int
    unhelpful_replies: int
    satisfaction: float | None


class DefinitionAnalyticsOut(RunNumbersOut):
    """Whichever version they ran. Nodes come slowest first; where the period before is compared,
    those too that were visited only in it.

    `since` is where the time begins, or, if not all that ended in it were looked at, when the first
    of these did. `rows` and `rating_rows` are where the API lists these runs and ratings.
    `previous` is the period before, as far as this one has come, `previous_rows` and
    `previous_rating_rows` list what it counts; all null where nothing is compared.
    """

    start: str
    end: str
    until: str
    since: str
    zone: str
    rows: str
    rating_rows: str
    previous: RunNumbersOut | None
    previous_start: str | None
    previous_until: str | None
    previous_rows: str | None
    previous_rating_rows: str | None
    complexity: ComplexityOut
    nodes: list[NodeAnalyticsOut]


@reading.one_instant()
def nodes_report(
    definition: WorkflowDefinition, asked: ReportRequest, last: int
) -> DefinitionAnalyticsOut:
    """Of the group that is asked for, which is this definition; of `last` runs in each period."""
    span, before = asked.span, asked.span.before
    now = numbers_of(definition, span, last)
    then = numbers_of(definition, before, last) if asked.compared else None
    size = complexity(GraphDefinition.model_validate(entry_of(definition).version.graph))
    return DefinitionAnalyticsOut(
        start=span.in_zone(span.starts_at),
        end=span.in_zone(span.ends_at),
        until=span.in_zone(span.until),
        since=span.in_zone(now.since),
        zone=span.zone.key,
        rows=rows_url(asked, asked.whole, now.since, span.until),
        rating_rows=_rating_rows(asked, span),
        previous=_runs(definition, asked, before, then) if then else None,
        previous_start=span.in_zone(before.starts_at) if then else None,
        previous_until=span.in_zone(before.until) if then else None,
        previous_rows=rows_url(asked, asked.whole, then.since, before.until) if then else None,
        previous_rating_rows=_rating_rows(asked, before) if then else None,
        complexity=ComplexityOut(
            nodes=size.nodes, edges=size.edges, paths=size.paths, depth=size.depth
        ),
        nodes=_nodes(asked, now, then),
        **_runs(definition, asked, span, now).to_json(),
    )


def nodes_table(definition: WorkflowDefinition, asked: ReportRequest, last: int) -> Table:
    """A line for each node that was visited; `runs` of those `ended` were looked at."""
    told = nodes_report(definition, asked, last)
    common = {"at": told.start, "since": told.since, "until": told.until}
    counts = {"runs": told.runs, "ended": told.ended}
    lines = ({**common, **counts, "node": node.node, **_numbers_of(node)} for node in told.nodes)
    columns = {
        **dict.fromkeys(common, datetime),
        **dict.fromkeys(counts, int),
        "node": str,
        **columns_of(NodeNumbersOut),
    }
    return Table("nodes", columns, lines)


def _numbers_of(node: NodeAnalyticsOut) -> Line:
    return node.model_dump(mode="json", include=set(NodeNumbersOut.model_fields))


def _runs(
    definition: WorkflowDefinition, asked: ReportRequest, span: Span, numbers: RunNumbers
) -> RunNumbersOut:
    rated = rating_counts(ratings_in(span, "").filter(definition=definition))
    counts = rated.get("", RatingCounts())
    ended = sum(reading.total(asked.whole, span).sums[:ENDS])
    return RunNumbersOut(
        runs=numbers.runs,
        ended=max(ended, numbers.runs),  # what ended just now may not be added up yet
        completed=numbers.completed,
        failed=numbers.failed,
        cancelled=numbers.cancelled,
        success_rate=_share(numbers.completed, numbers.runs),
        failure_rate=_share(numbers.failed, numbers.runs),
        mean_ms=_mean(numbers.durations_ms),
        mean_cost=mean_cost(numbers.totals, numbers.runs),
        totals=TotalsOut.model_validate(totals_json(numbers.totals)),
        p50_ms=percentile(numbers.durations_ms, 0.5),
        p95_ms=percentile(numbers.durations_ms, 0.95),
        p99_ms=percentile(numbers.durations_ms, 0.99),
        helpful_replies=counts.helpful,
        unhelpful_replies=counts.unhelpful,
        satisfaction=counts.satisfaction,
    )


def _rating_rows(asked: ReportRequest, span: Span) -> str:
    return rating_rows(span.starts_at, span.until, "", asked.reader, asked.by, asked.group)


def _nodes(
    asked: ReportRequest, now: RunNumbers, then: RunNumbers | None
) -> list[NodeAnalyticsOut]:
    before = then.nodes if then else {}
    return sorted(
        (
            NodeAnalyticsOut(
                node=key,
                call_rows=call_rows(asked.group, now.since, asked.span.until, key),
                previous=_node(before[key], then) if then and key in before else None,
                **_node(now.nodes.get(key, NodeNumbers(key)), now).to_json(),
            )
            for key in {*now.nodes, *before}
        ),
        key=lambda node: (-(node.p95_ms or 0), node.node),
    )


def _node(node: NodeNumbers, runs: RunNumbers) -> NodeNumbersOut:
    nothing_known = 0 < node.calls <= node.unpriced_calls
    return NodeNumbersOut(
        visits=node.visits,
        failure_rate=_share(node.failures, node.visits),
        mean_ms=_mean(node.durations_ms),
        p50_ms=percentile(node.durations_ms, 0.5),
        p95_ms=percentile(node.durations_ms, 0.95),
        p99_ms=percentile(node.durations_ms, 0.99),
        first_token_p50_ms=percentile(node.first_tokens_ms, 0.5),
        first_token_p95_ms=percentile(node.first_tokens_ms, 0.95),
        calls=node.calls,
        unasked_calls=node.unasked_calls,
        unpriced_calls=node.unpriced_calls,
        cost=None if nothing_known else dollars_text(node.cost_nano_usd),
        exactness=exactness_of(asdict(node)),
        cost_share=_share(node.cost_nano_usd, runs.cost_nano_usd),
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 1) if values else None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
