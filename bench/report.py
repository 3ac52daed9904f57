"""The table at the end: what is asked of Muara, what was measured, and whether that is enough."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Goal:
    """One row of the table: what is measured, the least that will do, and what we are after.

    ``is_floor`` tells that more is better; else less is.
    """

    name: str
    what: str
    unit: str
    must: float
    aim: float
    is_floor: bool = False

    def verdict(self, measured: float | None) -> str:
        """Say how far it came."""
        if measured is None:
            return "missing"
        reached = [bar for bar in ("aim", "must") if self._reaches(measured, getattr(self, bar))]
        return reached[0] if reached else "MISSED"

    def _reaches(self, measured: float, bar: float) -> bool:
        return measured >= bar if self.is_floor else measured <= bar

    def bar(self, value: float) -> str:
        """Write a bar with its direction."""
        return f"{'≥' if self.is_floor else '≤'} {value:g} {self.unit}"


@dataclass(frozen=True)
class Result:
    """What was measured for a goal, or why nothing was; ``details`` tell how it came about."""

    goal: Goal
    measured: float | None = None
    details: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def row(self) -> list[str]:
        """Return the cells of the table."""
        goal = self.goal
        value = "–" if self.measured is None else f"{self.measured:.3g} {goal.unit}"
        bars = [goal.bar(goal.must), goal.bar(goal.aim)]
        return [goal.name, goal.what, *bars, value, goal.verdict(self.measured)]

    def as_json(self) -> dict[str, Any]:
        """Return everything that is known of it."""
        goal = self.goal
        return {
            "row": goal.name,
            "goal": goal.what,
            "unit": goal.unit,
            "must": goal.must,
            "aim": goal.aim,
            "measured": self.measured,
            "verdict": goal.verdict(self.measured),
            "details": self.details,
            "facts": dict(self.facts),
        }


Measure = Callable[..., list[Result]]


def show(results: Sequence[Result]) -> None:
    """Print the table, and below it how each figure came about."""
    table = Table("", "goal", "must", "aim", "measured", "verdict")
    for result in results:
        table.add_row(*result.row())
    console = Console()
    console.print(table)
    told = dict.fromkeys(f"{result.goal.name}: {result.details}" for result in results)
    for sentence in [*told, weather()]:
        console.print(sentence, markup=False, highlight=False)


def weather() -> str:
    """Say how busy this machine has been, with us and with whatever else it does."""
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"Load of the last 1, 5 and 15 minutes: {load} on {os.cpu_count()} processors."


def save(results: Sequence[Result], path: Path) -> None:
    """Write everything to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"weather": weather(), "rows": [result.as_json() for result in results]}
    path.write_text(json.dumps(told, indent=1) + "\n")
