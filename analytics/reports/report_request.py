"""A report as it was asked for, by whom, and whether they may."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from accounts.models import User
from analytics.reports.rating_counts import RATED_BY
from analytics.reports.reading import Subject, Wanted
from analytics.reports.span import Span
from core.errors import Invalid, NotFound
from core.models import writes_id

_WITH_IDS = frozenset({"template", "definition", "user"})
_WRITTEN = {"version": "the ids of a definition and a version, with a colon between them"}


class BadReport(Invalid):
    code = "bad_report"
    message = "{reason}"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """`wanted` has no group of its own; `by` may be empty, `group` is one of `by` to look at."""

    reader: User
    span: Span
    wanted: Wanted
    by: str
    group: str
    compared: bool

    @property
    def whole(self) -> Wanted:
        """All of it, or the one group that is looked at."""
        if not self.group:
            return self.wanted
        return replace(self.wanted, by=self.by, key=self.group)

    @property
    def rated(self) -> bool:
        """Whether replies that are rated are counted by these groups, too."""
        return self.wanted.subject.key == "executions" and self.by in RATED_BY

    def seen_at(self, at: datetime) -> "ReportRequest":
        """The same of what there is at this instant."""
        return replace(self, span=self.span.seen_at(at))


def read_report_request(subject: Subject, query: Mapping[str, str], reader: User) -> ReportRequest:
    """Read `of` (me, all, or a user's id), `by`, `key`, `compare` and the span.

    Raises BadReport, BadSpan, and NotFound for rows that are not the reader's to see.
    """
    by = query.get("by", "")
    if by and by not in subject.by:
        raise BadReport(reason=f"'by' is one of {', '.join(subject.by)}.")
    return ReportRequest(
        reader=reader,
        span=Span.of(query),
        wanted=Wanted(subject, whose=whose_of(query.get("of", "me"), reader)),
        by=by,
        group=_group(subject, by, query.get("key", "")),
        compared=comparison_wanted(query),
    )


def _group(subject: Subject, by: str, key: str) -> str:
    """One group, as its buckets name it: by an id, as that is written, where it has one; a version
    by that of its definition, too. Raises BadReport.
    """
    if key and not by:
        raise BadReport(reason="'key' is a group of 'by'.")
    if "\0" in key:  # PostgreSQL has no such texts
        raise BadReport(reason="'key' is the key of a group.")
    if key and by == "status" and key not in (statuses := subject.kind.statuses):
        raise BadReport(reason=f"'key' is one of {', '.join(statuses)}.")
    try:
        if key and by == "version":
            definition, _, version = key.partition(":")
            return f"{UUID(definition)}:{UUID(version)}"
        return str(UUID(key)) if key and by in _WITH_IDS else key
    except ValueError as error:
        raise BadReport(reason=f"'key' is {_WRITTEN.get(by, f'the id of a {by}')}.") from error


def comparison_wanted(query: Mapping[str, str]) -> bool:
    """Whether the period before is asked for, too. Raises BadReport."""
    compare = query.get("compare", "")
    if compare not in ("", "true", "false"):
        raise BadReport(reason="'compare' is true or false.")
    return compare == "true"


def whose_of(of: str, reader: User) -> str:
    """The id of a user, or nothing for everyone. Raises NotFound for what is not theirs to see."""
    if of == "me" or writes_id(of, reader.pk):
        return str(reader.pk)
    if not reader.is_staff:
        raise NotFound
    if of == "all":
        return ""
    try:
        found = User.objects.filter(pk=UUID(of)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound
    return str(found.pk)
