"""One line of the table: a figure of Chatter's beside its partner's, and the goal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`result` is compared with `goal`; a row without a goal is there for orientation."""

    what: str
    database: str
    chatter: str
    partner: str
    result: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.result >= self.goal if self.at_least else self.result <= self.goal

    def cells(self) -> list[str]:
        sign = "≥" if self.at_least else "≤"
        goal = "" if self.goal is None else f"{sign} {self.goal:g}{self.unit}"
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        result = f"{self.result:.{1 if abs(self.result) >= 20 else 2}f}{self.unit}"
        return [self.what, self.database, self.chatter, self.partner, result, goal, verdict]


HEAD = ["what", "database", "Chatter", "partner", "result", "goal", ""]


def text_table(rows: list[Row]) -> str:
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(HEAD))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        for line in cells
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown_table(rows: list[Row]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
