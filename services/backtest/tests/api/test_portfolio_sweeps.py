"""Sweeps of portfolios through the API: asked for, computed in chunks, shown, and refused by field."""

from typing import Any

import pytest

from services.backtest.tests.api.test_portfolios import PERIOD, PORTFOLIO, STRATEGY, asks, jiwoo
from services.backtest.tests.api.test_routes import Person

__all__ = ["jiwoo"]

TEMPLATES = {
    "entry": "close > sma({slow})",
    "exit": "close <= 0",
    "portfolio": {**PORTFOLIO, "ranking": [{"factor": "roc({span})"}]},
    "parameters": {"span": [10, 20, 60], "slow": [20, 50]},
    **PERIOD,
}


@pytest.mark.requirement("product 4: optimisation of portfolios")
async def test_a_portfolio_is_swept_and_its_best_trial_is_what_it_earns_alone(jiwoo: Person) -> None:
    job = await jiwoo.call("POST", "/optimize", 202, json=TEMPLATES)
    assert (job["kind"], job["progress"]["total"]) == ("optimize", 6)
    result = await jiwoo.gets(job)
    assert (result["symbol"], result["bars"], result["trials"]) == ("*", 1_000, 6)
    assert result["assumptions"]["board"] is None
    assert result["portfolio"]["ranking"][0]["factor"] == "roc({span})"
    assert result["deflated_sharpe"] is not None
    best = result["best"]["parameters"]
    ranking = [{"factor": f"roc({best['span']})"}]
    alone = {**STRATEGY, "entry": f"close > sma({best['slow']})", "portfolio": {**PORTFOLIO, "ranking": ranking}}
    assert (await jiwoo.gets(await asks(jiwoo, alone)))["metrics"] == result["best"]["metrics"]
    shown = await jiwoo.gets(job, "/heatmap", x="span", y="slow", figure="total_return")
    returns = [cell for row in shown["cells"] for cell in row]
    assert max(returns) == result["best"]["metrics"]["total_return"]


async def test_a_search_learns_on_a_universe_as_well(jiwoo: Person) -> None:
    job = await jiwoo.call("POST", "/optimize", 202, json={**TEMPLATES, "method": "tpe", "trials": 4})
    assert (await jiwoo.gets(job))["trials"] == 4


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"symbol": "005930"}, "body"),
        ({"portfolio": None}, "body"),
        ({"from": None}, "body"),
        ({"from": "1990-01-01"}, "body"),
        ({"trailing_stop": "0.1"}, "trailing_stop"),
        ({"parameters": {"span": [10, 0], "slow": [20]}}, "portfolio.ranking.0.factor"),
        ({"portfolio": {**TEMPLATES["portfolio"], "boards": ["US"]}}, "portfolio.boards"),  # type: ignore[dict-item]
    ],
)
async def test_a_sweep_that_cannot_be_is_refused_by_field(jiwoo: Person, wrong: dict[str, Any], field: str) -> None:
    refused = await jiwoo.call("POST", "/optimize", 422, json={**TEMPLATES, **wrong})
    assert refused["errors"][0]["field"] == field


@pytest.mark.requirement("product 4: walk-forward and cross-validation of portfolios")
@pytest.mark.parametrize(
    ("path", "more", "parts", "days"),
    [
        ("/walk-forward", {"train_bars": 400, "test_bars": 200}, ("windows", 3), 600),
        ("/cross-validate", {"folds": 4, "purge_bars": 20}, ("folds", 4), 1_000),
    ],
)
async def test_a_choice_of_portfolios_is_tested_on_days_it_was_not_made_on(
    jiwoo: Person, path: str, more: dict[str, int], parts: tuple[str, int], days: int
) -> None:
    job = await jiwoo.call("POST", path, 202, json={**TEMPLATES, **more})
    result = await jiwoo.gets(job)
    assert (job["kind"], result["kind"]) == (path[1:].replace("-", "_"),) * 2
    assert (result["symbol"], result["bars"], result["objective"]) == ("*", days, "sharpe")
    assert result["portfolio"]["ranking"][0]["factor"] == "roc({span})"
    assert len(result[parts[0]]) == parts[1]
    assert all(set(part["parameters"]) == {"span", "slow"} for part in result[parts[0]])
    assert result[parts[0]][-1]["test"][1] == result["last_date"]
    equity = (await jiwoo.call("GET", f"/results/{job['id']}/equity", params={"limit": 1}))["items"]
    assert equity[0]["date"] == result["first_date"] == result[parts[0]][0]["test"][0]
    assert (await jiwoo.gets(await jiwoo.call("POST", path, 202, json={**TEMPLATES, **more})))["fingerprint"] == (
        result["fingerprint"]
    )


async def test_days_that_make_no_window_or_no_fold_are_refused_with_what_would_do(jiwoo: Person) -> None:
    wanting = {
        "/walk-forward": ({"train_bars": 990, "test_bars": 20}, "both together may have 1000"),
        "/cross-validate": ({"folds": 50, "purge_bars": 20}, "purge 8 or fewer"),
    }
    for path, (more, nearest) in wanting.items():
        job = await jiwoo.call("POST", path, 202, json={**TEMPLATES, **more})
        await jiwoo.computes(job)
        ended = await jiwoo.call("GET", f"/jobs/{job['id']}")
        assert ended["error"]["code"] == "does_not_fit"
        assert nearest in ended["error"]["detail"]
