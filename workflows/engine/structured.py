"""Answers that are JSON by a schema: instructions to the model, and reading its text (pure)."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from core import json_schema, json_values

_TOLD = "Answer with JSON only, without any other text. It has to fit this JSON schema:\n{schema}"
_MEND = "That does not fit: {problem} Answer again, with the mended JSON only."
_FENCE = "```"
_REFERENCE = re.compile(r'"\$(ref|dynamicRef|recursiveRef)"')
_SHOWN = 300
_MOST_FLAWS = 100
_MOST_PARTS = 1_000


class Unfit(ValueError):
    """An answer that is no JSON, or not what the schema asks for; the text says where."""


def instructions(schema: Mapping[str, Any]) -> str:
    """What the system prompt says about the answer."""
    return _TOLD.format(schema=json.dumps(schema, ensure_ascii=False))


def correction(problem: Unfit) -> str:
    """What the model is told when its answer did not fit."""
    return _MEND.format(problem=problem)


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON of an answer, fenced or not, as it can be kept. Raises Unfit."""
    try:
        data = json_values.read(_unfenced(text))
    except ValueError as error:
        raise Unfit(f"it is not JSON ({error}).") from error
    try:
        flaw = next(json_schema.flaws(data, schema), None)
    except json_schema.NotFollowed as error:
        raise Unfit(str(error)) from error
    if flaw is not None:
        place = flaw.json_path.removeprefix("$.") if flaw.path else "the whole"
        raise Unfit(f"{place}: {flaw.message[:_SHOWN]}.")
    return data


def fits(text: str, schema: Mapping[str, Any]) -> bool:
    try:
        read(text, schema)
    except Unfit:
        return False
    return True


def _unfenced(text: str) -> str:
    """What stands between fences, if they are all around it; a model may fill pages with lines."""
    inside = text.strip()
    if not inside.startswith(_FENCE) or not inside.endswith(_FENCE):
        return text
    first, _, rest = inside.removeprefix(_FENCE).removesuffix(_FENCE).partition("\n")
    return rest if first.strip() in ("", "json") else text


def flaws(data: Any, schema: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """All that does not fit: where (dotted), which word of the schema, and what is wrong."""
    try:
        return [
            (".".join(map(str, flaw.absolute_path)), str(flaw.validator), flaw.message[:_SHOWN])
            for flaw in islice(json_schema.flaws(data, schema), _MOST_FLAWS)
        ]
    except json_schema.NotFollowed as error:
        return [("", "schema", str(error))]


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises ValueError for what is no JSON schema, or refers to somewhere else."""
    if problem := _problem_of(json.dumps(schema)):
        raise ValueError(problem)


@lru_cache(maxsize=128)  # a graph is read when it is saved, when it starts, and when it runs
def _problem_of(schema: str) -> str:
    """Why this text is no schema to be followed; empty for one that is."""
    if _REFERENCE.search(schema):
        return "References are not followed; write the schema out."
    try:
        json_schema.check_schema(json.loads(schema), _MOST_PARTS)
    except json_schema.NoSchema as error:
        return f"This is no JSON schema: {error}"
    return ""
