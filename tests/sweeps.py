"""How much of a long sweep is tried, drawn by MUARA_SEED, or all of it; and its results."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

IS_WHOLE = os.environ.get("MUARA_SWEEP") == "whole"
SEED = int(os.environ.get("MUARA_SEED") or random.randrange(10**6))
# What the sweeps of this run say at its end.
RESULTS: list[str] = []


def sample(points: Sequence[int], count: int, whole: int | None = None) -> list[int]:
    """Draw one point from each of ``count`` equal stretches; in whole sweeps ``whole``, or all."""
    count = min((whole or len(points)) if IS_WHOLE else count, len(points))
    draw = random.Random(SEED)
    borders = [len(points) * stretch // count for stretch in range(count + 1)]
    return [points[draw.randrange(*ends)] for ends in pairwise(borders)]


def seconds(sampled: int, whole: int) -> int:
    """Choose how long a test may take."""
    return whole if IS_WHOLE else sampled


def result(what: str, tried: int, points: int, wrong: Counter[str]) -> str:
    """Note for the end of the run what a sweep found, and return it."""
    found = ", ".join(f"{count} {name}" for name, count in wrong.items()) or "nothing wrong"
    RESULTS.append(f"{what}, {tried} of {points} points: {found}")
    return f"{RESULTS[-1]} (MUARA_SEED={SEED})"
