"""The tables of analytics."""

from analytics.models.ratings import Rating, ReplyRating
from analytics.models.rollups import (
    ExecutionRollup,
    Grain,
    ModelRollup,
    Rollup,
    RollupPart,
    ToolRollup,
)
from analytics.models.templates import TemplateAnalytics

__all__ = [
    "ExecutionRollup",
    "Grain",
    "ModelRollup",
    "Rating",
    "ReplyRating",
    "Rollup",
    "RollupPart",
    "TemplateAnalytics",
    "ToolRollup",
]
