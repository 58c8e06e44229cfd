"""The back-fill command: what it asks for, and how a run is told in a line."""

import itertools
from datetime import date, timedelta

from tools.pipelines import RUNS_SHOWN_MAX, USUAL, WINDOW, line_of, windows


def test_a_span_is_asked_for_in_pieces_without_gaps_whose_runs_fit_into_one_answer() -> None:
    first, last = date(2023, 1, 2), date(2024, 12, 13)
    pieces = list(windows(first, last))
    assert (pieces[0][0], pieces[-1][1]) == (first, last)
    assert all(after[0] - before[1] == timedelta(days=1) for before, after in itertools.pairwise(pieces))
    assert WINDOW.days * 5 / 7 * len(USUAL) < RUNS_SHOWN_MAX
    assert list(windows(last, first)) == []
    assert list(windows(first, first)) == [(first, first)]


def test_a_run_is_told_with_its_figures_or_with_its_reason_and_its_next_attempt() -> None:
    run = {"day": "2024-12-13", "market": "KRX", "pipeline": "collect", "not_before": "2024-12-13T07:20:00Z"}
    done = run | {"status": "finished", "attempts": 1, "error": None, "report": {"rows": 2761, "sources": {"x": 1}}}
    assert line_of(done) == "2024-12-13  KRX collect  finished  rows 2761"
    waits = run | {"status": "waiting", "attempts": 1, "error": "nothing yet", "report": {}}
    assert line_of(waits) == "2024-12-13  KRX collect  waiting, again at 2024-12-13T07:20:00Z  nothing yet"
