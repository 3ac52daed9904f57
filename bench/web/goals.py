"""The limits that pages and searches are measured against."""

from __future__ import annotations

from bench.report import Goal, Result


def _goal(name: str, what: str, unit: str, limit: float) -> Goal:
    return Goal(name, what, unit, limit, limit)


G1_50 = _goal("G1", "inbox of all accounts, server p50", "ms", 30)
G1_95 = _goal("G1", "inbox of all accounts, server p95", "ms", 60)
G2_50 = _goal("G2", "inbox, rows in the page, p50", "ms", 150)
G2_95 = _goal("G2", "inbox, rows in the page, p95", "ms", 250)
G3_50 = _goal("G3", "next and deepest page, rows, p50", "ms", 90)
G3_95 = _goal("G3", "next and deepest page, rows, p95", "ms", 170)
G4_50 = _goal("G4", "open a message, its text, p50", "ms", 120)
G4_95 = _goal("G4", "open a message, its text, p95", "ms", 220)
G5_50 = _goal("G5", "search a word, rows, p50", "ms", 130)
G5_95 = _goal("G5", "search a word, rows, p95", "ms", 250)
G5_FIRST = _goal("G5", "the first search ever, rows", "ms", 400)
G6_SIZE = _goal("G6", "inbox, nothing cached, compressed", "KB", 90)
G6_COUNT = _goal("G6", "inbox, nothing cached, requests", "", 12)
G7_SIZE = _goal("G7", "scripts of the inbox, compressed", "KB", 40)
G7_LENGTH = _goal("G7", "scripts of the inbox, decoded", "KB", 110)
G9_SIZE = _goal("G9", "open a message, loaded", "KB", 12)
G9_COUNT = _goal("G9", "open a message, requests", "", 2)
G10_LCP = _goal("G10", "largest paint, nothing cached", "ms", 300)
G10_BUSY = _goal("G10", "blocked by long tasks", "ms", 50)
G10_SHIFT = _goal("G10", "layout shift", "", 0.02)
G12 = _goal("G12", "G1 to G4 during three first fetches, worst ratio", "x", 1.5)
G13 = _goal("G13", "new mail to its row, p95", "s", 6)
S1_50 = Goal("S1", "100,000: slowest kind of search, p50", "ms", 30, 15)
S1_95 = Goal("S1", "100,000: slowest kind of search, p95", "ms", 100, 40)
S2_50 = Goal("S2", "1,000,000, PostgreSQL: slowest kind, p50", "ms", 100, 40)
S2_95 = Goal("S2", "1,000,000, PostgreSQL: slowest kind, p95", "ms", 300, 120)
S4_50 = Goal("S4", "word of half of all messages, p50", "ms", 30, 15)
S4_95 = Goal("S4", "word of half of all messages, p95", "ms", 100, 40)
S5 = Goal("S5", "index against the text indexed", "x", 1.0, 0.5)


def misses(result: Result) -> bool:
    """Tell whether a measured figure is beyond its limit."""
    return result.goal.verdict(result.measured) == "MISSED"
