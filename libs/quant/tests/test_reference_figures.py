"""Figures against every number that empyrical's own tests name for the definitions we share with it.

Its test files lie beside the reference data and are read, never run: series and expected numbers are literals in them.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from quant import performance as figures

Numbers = np.ndarray
Reference = tuple[dict[str, Numbers], ast.Module]
PERIODS = {"DAILY": 252, "WEEKLY": 52, "MONTHLY": 12}
NO_RATE = {"'0.0'", "0.0", "0"}
PLAIN: dict[str, Callable[[Numbers, float], float]] = {
    "test_max_drawdown": lambda returns, _: figures.max_drawdown(returns),
    "test_annual_ret": figures.cagr_by_sessions,
    "test_annual_volatility": figures.volatility,
    "test_calmar": figures.calmar,
    "test_sharpe_ratio": lambda returns, year: figures.sharpe(returns, 0.0, year),
    "test_sortino": lambda returns, year: figures.sortino(returns, 0.0, year),
}
NO_CHANGE_COUNTS = {"test_annual_ret", "test_calmar"}
"""Where a value that is missing counts as a session without change; elsewhere it is left out."""


@pytest.fixture(scope="module")
def empyrical(reference_data: Path) -> Reference:
    """Its series by name, and its tests."""
    folder = reference_data / "perf_ref" / "empyrical"
    if not folder.is_dir():
        pytest.skip(f"no reference figures at {folder}")
    series = dict(_series(ast.parse((folder / "conftest.py").read_text(encoding="utf-8"))))
    return series, ast.parse((folder / "test_stats.py").read_text(encoding="utf-8"))


def _series(conftest: ast.Module) -> Iterator[tuple[str, Numbers]]:
    for node in ast.walk(conftest):
        named: list[tuple[str, ast.expr]] = []
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named = [(node.targets[0].id, node.value)]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            named = [(key.value, value) for key, value in pairs if isinstance(key, ast.Constant)]
        for name, value in named:
            if (numbers := _percentages(value)) is not None:
                yield name, numbers


def _percentages(value: ast.expr) -> Numbers | None:
    """What `pd.Series(np.array([...]) / 100, ...)` holds."""
    found = ast.unparse(value)
    if not found.startswith("pd.Series(np.array(["):
        return None
    return np.array([_number(text) for text in found.partition("[")[2].partition("]")[0].split(",") if text]) / 100


def _number(text: str) -> float:
    return float("nan") if text.strip() == "np.nan" else float(text)


def _cases(tests: ast.Module, name: str) -> Iterator[tuple[str, ...]]:
    """The rows of a test's parameters, each value as it is written."""
    [test] = [each for each in ast.walk(tests) if isinstance(each, ast.FunctionDef) and each.name == name]
    for decorator in test.decorator_list:
        assert isinstance(decorator, ast.Call)
        rows = decorator.args[1]
        assert isinstance(rows, ast.List)
        yield from (tuple(ast.unparse(value) for value in row.elts) for row in rows.elts if isinstance(row, ast.Tuple))


def _named(series: dict[str, Numbers], text: str) -> Numbers | None:
    """A series by the text that names it, with its sign turned where that says so."""
    name = text.strip("'\"")
    found = series.get(name.removeprefix("-"))
    return None if found is None else (-found if name.startswith("-") else found)


def _period(others: list[str]) -> int | None:
    """Sessions in a year, as a row says beside its series; None for a row with a rate of its own."""
    period = PERIODS["DAILY"]
    for text in others:
        if text.rpartition(".")[2] in PERIODS:
            period = PERIODS[text.rpartition(".")[2]]
        elif text not in NO_RATE:
            return None
    return period


@pytest.mark.parametrize("name", PLAIN)
def test_a_figure_agrees(empyrical: Reference, name: str) -> None:
    series, tests = empyrical
    checked = 0
    for first, *others, expected in _cases(tests, name):
        returns, period = _named(series, first), _period(others)
        if returns is None or period is None or expected in {"np.inf", "-np.inf"}:
            continue  # empyrical divides by nothing there; ours is not defined then
        counted = np.nan_to_num(returns) if name in NO_CHANGE_COUNTS else returns[~np.isnan(returns)]
        assert PLAIN[name](counted, period) == pytest.approx(_number(expected), abs=1e-8, nan_ok=True), first
        checked += 1
    assert checked >= 2, "the reference has changed its form: read it anew"


def test_alpha_and_beta_agree(empyrical: Reference) -> None:
    series, tests = empyrical
    checked = 0
    for first, second, expected in _cases(tests, "test_alpha_beta"):
        returns, benchmark = _named(series, first), _named(series, second.replace("[1:]", ""))
        if returns is None or benchmark is None or "nan" in expected:
            continue
        both = ~np.isnan(returns) & ~np.isnan(benchmark)
        found = (figures.alpha(returns[both], benchmark[both]), figures.beta(returns[both], benchmark[both]))
        assert found == pytest.approx(ast.literal_eval(expected), abs=1e-8), (first, second)
        checked += 1
    assert checked >= 3, "the reference has changed its form: read it anew"


QUANTSTATS = {
    "total_return": (figures.total_return, 0.1013402651496047),
    "cagr": (figures.cagr_by_sessions, 0.0498528819670081),
    "volatility": (figures.volatility, 0.13805105966421566),
    "sharpe": (figures.sharpe, 0.4212919231068876),
    "sortino": (figures.sortino, 0.618823313228339),
    "max_drawdown": (figures.max_drawdown, -0.2168150321311978),
    "calmar": (figures.calmar, 0.22993277484949212),
    "payoff": (figures.payoff, 1.0951207248882053),
    "profit_factor": (figures.profit_factor, 1.0606287335531437),
    "win_rate": (figures.win_rate, 0.492),
}
"""What quantstats 0.0.86 makes of `WAVE`, each name by its own function of `quantstats.stats`.

It is no dependency: it brings a client of a quote service and two ways of drawing along.
"""
PLACES = np.arange(1, 501)
WAVE = 0.0005 + 0.012 * np.sin(0.37 * PLACES * PLACES)


@pytest.mark.requirement("product 4: metrics by the names and definitions of quantstats")
def test_figures_are_those_of_quantstats() -> None:
    found = {name: reckon(WAVE) for name, (reckon, _) in QUANTSTATS.items()}
    assert found == {name: pytest.approx(expected, rel=1e-12) for name, (_, expected) in QUANTSTATS.items()}
