"""The portfolio over HTTP: its course and figures, its yearly statement, its closed trades and lots, and its files."""

import csv
import io
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import pytest_asyncio
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from redis.asyncio import Redis
from sqlalchemy import text
from trading.config import Settings
from trading.domain.request import AccountId
from trading.jobs import take_snapshots
from trading.resources import open_resources
from trading.usecases.pay_dividend import Dividend, pay_dividend

from services.trading.tests.api.conftest import Trader, publish
from services.trading.tests.desk import Desk

THIS_YEAR = now().year


@pytest_asyncio.fixture
async def desk(trader: Trader, database: Database) -> Desk:
    """An account of ten million won whose owner can ask over HTTP."""
    account = await trader.opens()
    return Desk(database, trader.caller.id, AccountId(account))


async def earns(desk: Desk, symbol: str = "005930", **when: Any) -> None:
    """Buy 10 at 50,000 and 10 at 60,000, sell 15 at 58,000."""
    for price in (50_000, 60_000):
        await desk.fills(await desk.places(symbol=symbol, limit_price=Decimal(price)), **when)
    sale = await desk.places(symbol=symbol, side="sell", quantity=Decimal(15), limit_price=Decimal(58_000))
    await desk.fills(sale, tax=Decimal(1_740), **when)


def has_no_nan(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(has_no_nan, value.values()))
    if isinstance(value, list):
        return all(map(has_no_nan, value))
    return not isinstance(value, float) or math.isfinite(value)


class TestPerformance:
    async def test_an_empty_portfolio_has_no_figures_and_no_nan(self, trader: Trader) -> None:
        assert (await trader.caller.get("/portfolio/performance")).json() == {"items": []}
        await trader.opens(cash="0")
        for path in ("performance", "analytics", "allocation"):
            answer = await trader.caller.get(f"/portfolio/{path}")
            assert answer.status_code == 200, answer.text
            assert has_no_nan(answer.json())
        (shown,) = (await trader.caller.get("/portfolio/analytics")).json()["items"]
        assert [shown[name] for name in ("sharpe", "win_rate", "turnover", "payoff")] == [None] * 4

    async def test_a_profit_shows_on_the_first_day_and_deposits_are_none(
        self, trader: Trader, desk: Desk, redis: "Redis", symbol: str
    ) -> None:
        await desk.fills(await desk.places(symbol=symbol, quantity=Decimal(100), limit_price=Decimal(50_000)))
        await publish(redis, symbol, price="60000")
        (shown,) = (await trader.caller.get("/portfolio/performance")).json()["items"]
        assert (shown["currency"], shown["profit"]) == ("KRW", "999250")
        assert shown["time_weighted_return"] == pytest.approx(0.099925)
        await trader.caller.post(f"/trading/accounts/{desk.account_id}/deposits", {"amount": "10000000"})
        (again,) = (await trader.caller.get("/portfolio/performance")).json()["items"]
        assert again["profit"] == "999250"
        (point,) = again["points"]
        assert (point["equity"], point["deposits"], point["drawdown"]) == ("20999250", "20000000", 0)

    async def test_the_course_goes_through_the_daily_snapshots(
        self, trader: Trader, desk: Desk, settings: Settings, redis: "Redis", symbol: str
    ) -> None:
        await desk.fills(await desk.places(symbol=symbol, quantity=Decimal(100), limit_price=Decimal(50_000)))
        async with desk.database.owned(desk.owner) as session:
            await session.execute(
                text("UPDATE accounts SET created_at = :at"), {"at": datetime(2024, 1, 1, tzinfo=UTC)}
            )
        # three sessions of Seoul: one value each, the second one lower
        days = [datetime(2026, 11, day, 7, tzinfo=UTC) for day in (18, 20, 23)]
        async with open_resources(settings) as resources:
            for moment, price in zip(days, ("50000", "40000", "60000"), strict=True):
                await publish(redis, symbol, price=price)
                assert await take_snapshots(resources, moment) == "1 taken"
                assert await take_snapshots(resources, moment) == "0 taken"
        page = (await trader.caller.get("/portfolio/snapshots", limit=2)).json()
        assert [item["session_date"] for item in page["items"]] == ["2026-11-23", "2026-11-20"]
        rest = (await trader.caller.get("/portfolio/snapshots", limit=2, cursor=page["next_cursor"])).json()
        assert [(item["session_date"], item["deposits"]) for item in rest["items"]] == [("2026-11-18", "10000000")]
        (shown,) = (await trader.caller.get("/portfolio/performance", account_id=desk.account_id)).json()["items"]
        equities = [Decimal(point["equity"]) for point in shown["points"]]
        assert equities[:3] == [9_999_250, 8_999_250, 10_999_250]
        assert shown["time_weighted_return"] == pytest.approx(0.099925)
        (risk,) = (await trader.caller.get("/portfolio/analytics", risk_free="0.03")).json()["items"]
        assert risk["max_drawdown"] == pytest.approx(8_999_250 / 10_000_000 - 1)
        assert risk["drawdown_days"] >= 5
        assert risk["volatility"] > 0
        assert has_no_nan(risk)

    async def test_an_account_that_began_anew_has_a_course_of_its_own(
        self, trader: Trader, desk: Desk, settings: Settings
    ) -> None:
        await earns(desk)
        moment = datetime(2026, 11, 18, 7, tzinfo=UTC)
        async with desk.database.owned(desk.owner) as session:
            await session.execute(
                text("UPDATE accounts SET created_at = :at"), {"at": datetime(2024, 1, 1, tzinfo=UTC)}
            )
        async with open_resources(settings) as resources:
            await take_snapshots(resources, moment)
        answer = await trader.caller.post(f"/trading/accounts/{desk.account_id}/reset", {"initial_cash": "500"})
        assert answer.status_code == 200
        (shown,) = (await trader.caller.get("/portfolio/performance")).json()["items"]
        assert (shown["profit"], shown["time_weighted_return"]) == ("0", 0)
        assert [point["equity"] for point in shown["points"]] == ["500"]
        (risk,) = (await trader.caller.get("/portfolio/analytics")).json()["items"]
        assert (risk["trades"], risk["win_rate"]) == (0, None)

    async def test_weights_add_up_to_everything(self, trader: Trader, desk: Desk, redis: "Redis", symbol: str) -> None:
        await desk.fills(await desk.places(symbol=symbol, limit_price=Decimal(56_000)))
        (shown,) = (await trader.caller.get("/portfolio/allocation")).json()["items"]
        assert [part["symbol"] for part in shown["parts"]] == [None, symbol]
        assert sum(part["weight"] for part in shown["parts"]) == pytest.approx(1)
        assert sum(Decimal(part["value"]) for part in shown["parts"]) == Decimal(shown["total"]) == 9_999_916


class TestStatements:
    async def test_a_year_states_gains_after_fee_and_tax_by_both_methods(self, trader: Trader, desk: Desk) -> None:
        await earns(desk, trade_date=date(2024, 12, 30), settlement_date=date(2025, 1, 3))
        year = (await trader.caller.get("/portfolio/tax", year=2025)).json()
        (total,) = year["totals"]
        assert (total["sold"], total["fee"], total["tax"], total["profit"]) == ("870000", "130", "1740", "43006.25")
        assert (total["sales"], total["loss"], total["dividends"]) == (1, "0", "0")
        fifo = (await trader.caller.get("/portfolio/tax", year=2025, method="fifo")).json()
        assert fifo["totals"][0]["profit"] == "68010"
        assert fifo["sales"][0]["held_since"] == "2024-12-30"
        # traded in 2024, settled in 2025: the year is that of the settlement
        assert (await trader.caller.get("/portfolio/tax", year=2024)).json()["totals"] == []
        assert (await trader.caller.get("/portfolio/tax")).json()["year"] == THIS_YEAR

    async def test_dividends_stand_beside_it_with_what_was_withheld(self, trader: Trader, desk: Desk) -> None:
        await desk.owns(100)
        dividend = Dividend(id="q4", symbol="005930", per_share=Decimal(361), paid_on=date(2025, 4, 18))
        async with desk.database.owned(desk.owner) as session:
            await pay_dividend(session, desk.owner, desk.account_id, dividend, datetime(2025, 4, 18, 1, tzinfo=UTC))
        (total,) = (await trader.caller.get("/portfolio/tax", year=2025)).json()["totals"]
        assert (total["dividends"], total["withheld"], total["profit"]) == ("36100", "5559", "0")

    async def test_closed_trades_and_lots(self, trader: Trader, desk: Desk) -> None:
        await earns(desk)
        (trade,) = (await trader.caller.get("/portfolio/closed-trades", account_id=desk.account_id)).json()["items"]
        assert (trade["proceeds"], trade["cost"], trade["realized_profit"]) == ("868130", "825123.75", "43006.25")
        lots = (await trader.caller.get("/trading/positions/005930/lots", account_id=desk.account_id)).json()["items"]
        assert lots == [{"quantity": "5", "cost": "300045", "bought_on": "2024-12-16"}]
        (position,) = (await trader.caller.get("/trading/positions")).json()["items"]
        assert (position["cost"], position["sellable"], position["unrealized_percent"]) == ("275041.25", "5", "0")


class TestExports:
    async def test_csv_and_parquet_hold_the_same_exact_money(self, trader: Trader, desk: Desk) -> None:
        await earns(desk)
        for table, rows in (("executions", 3), ("history", 1), ("ledger", 2 + 3 * 2 + 2 * 4 - 2 + 5)):
            path = f"/portfolio/export/{table}"
            text_file = await trader.caller.get(path)
            assert text_file.headers["content-type"].startswith("text/csv")
            assert text_file.headers["content-disposition"] == f'attachment; filename="{table}.csv"'
            lines = list(csv.DictReader(io.StringIO(text_file.text)))
            frame = pl.read_parquet(io.BytesIO((await trader.caller.get(path, format="parquet")).content))
            assert (len(lines), frame.height) == (rows, rows), table
            money = "amount" if table == "ledger" else "realized_profit"
            assert [Decimal(line[money]) for line in lines] == frame[money].to_list()

    async def test_days_narrow_it_and_an_empty_file_has_its_columns(self, trader: Trader, desk: Desk) -> None:
        await earns(desk)
        later = (now() + timedelta(days=2)).date().isoformat()
        empty = await trader.caller.get("/portfolio/export/executions", **{"from": later})
        assert empty.text.startswith("execution_id,order_id,account_id,symbol")
        assert len(empty.text.splitlines()) == 1

    async def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(self, trader: Trader, desk: Desk) -> None:
        order = await desk.places()
        await desk.fills(order, execution_id='=HYPERLINK("http://example.com")')
        lines = list(csv.DictReader(io.StringIO((await trader.caller.get("/portfolio/export/executions")).text)))
        assert lines[0]["execution_id"].startswith("'=")

    @pytest.mark.parametrize("query", [{"format": "xls"}, {"from": "yesterday"}, {"to": "9999-12-31"}])
    async def test_nonsense_is_refused(self, trader: Trader, query: dict[str, str]) -> None:
        answer = await trader.caller.get("/portfolio/export/ledger", **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.requirement("R-38")
async def test_a_strangers_portfolio_does_not_exist(trader: Trader, people: Any, desk: Desk) -> None:
    await earns(desk)
    stranger = people.new()
    for path in ("performance", "analytics", "allocation", "tax", "export/ledger"):
        answer = await stranger.get(f"/portfolio/{path}", account_id=desk.account_id)
        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found"), path
    assert (await stranger.get("/trading/positions/005930/lots", account_id=new_id())).status_code == 404
    assert (await stranger.get("/trading/positions/005930/lots", account_id=desk.account_id)).status_code == 404
    for path in ("/portfolio/snapshots", "/portfolio/closed-trades"):
        assert (await stranger.get(path, account_id=desk.account_id)).json()["items"] == []
