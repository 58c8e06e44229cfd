"""KIS's overseas ledger: whose day and clock its rows have, where a stock trades, and what is no evidence."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from broker.adapters.daylist import No
from broker.adapters.kis import client as kis
from broker.adapters.kis import overseas_parse as parse
from broker.adapters.line import Tokens
from broker.adapters.opening import Door
from broker.adapters.port import NotSent, Unreachable
from broker.brokers import Line
from broker.domain.connection import Secrets
from broker.domain.order import Accepted, OrderIntent, Refused
from emulators.kis.overseas import OverseasDesk, order_row
from quant.matching import Outside

from services.broker.tests.builders import an_order
from services.broker.tests.emulated import Emulated, in_memory

ROW = {
    "ord_dt": "20261102",
    "odno": "0000000012",
    "orgn_odno": "0",
    "sll_buy_dvsn_cd": "02",
    "rvse_cncl_dvsn": "00",
    "pdno": "AAPL",
    "ft_ord_qty": "10",
    "ft_ord_unpr3": "699.00000000",
    "ft_ccld_qty": "4",
    "ft_ccld_amt3": "2796.00000000",
    "nccs_qty": "6",
    "rjct_rson": "",
    "ovrs_excg_cd": "NASD",
    "thco_ord_tmd": "003000",
}


def listed(*changes: dict[str, str]) -> list[Any]:
    return parse.rows([{"output": [ROW | change for change in changes]}])


def a_buy(symbol: str = "AAPL", **changes: Any) -> OrderIntent:
    return an_order(symbol, **({"market": "US", "board": "US", "limit_price": "699"} | changes))


@pytest_asyncio.fixture
async def abroad() -> AsyncIterator[Emulated]:
    async with in_memory("kis_us") as running:
        yield running


@pytest.mark.parametrize(
    ("day", "seoul", "moment"),
    [
        ("20261102", "233000", datetime(2026, 11, 2, 14, 30, tzinfo=UTC)),
        ("20261102", "003000", datetime(2026, 11, 2, 15, 30, tzinfo=UTC)),
        ("20261102", "055959", datetime(2026, 11, 2, 20, 59, 59, tzinfo=UTC)),
        ("20260702", "223000", datetime(2026, 7, 2, 13, 30, tzinfo=UTC)),
    ],
)
def test_an_order_has_the_day_of_new_york_and_the_clock_of_seoul(day: str, seoul: str, moment: datetime) -> None:
    [row] = listed({"ord_dt": day, "thco_ord_tmd": seoul})
    assert row.at == moment
    assert row.id == f"{day}-0000000012"


def test_the_name_an_order_is_answered_with_is_the_one_it_is_listed_under() -> None:
    now = datetime(2026, 11, 2, 15, 30, 2, tzinfo=UTC)  # after midnight in Seoul
    for clock in ("003000", "103000"):  # of Seoul, or of New York: the documents do not say
        name, at = parse.taken({"output": {"ODNO": "12", "ORD_TMD": clock}}, now)
        assert (name, at) == (listed(ROW)[0].id, datetime(2026, 11, 2, 15, 30, tzinfo=UTC))


def test_a_row_that_is_repeated_is_one_order_and_the_newer_one_counts() -> None:
    [row] = listed({}, {}, {"ft_ccld_qty": "5", "nccs_qty": "5"})
    assert (row.filled, row.remaining) == (5, 5)


@pytest.mark.requirement("R-3", "R-4")
@pytest.mark.parametrize(
    "changes",
    [
        [{"rvse_cncl_dvsn": "07"}],
        [{"sll_buy_dvsn_cd": "03"}],
        [{"thco_ord_tmd": ""}],
        [{"ft_ord_qty": "many"}],
        [{}, {"pdno": "MSFT"}],
    ],
)
def test_a_list_with_anything_unheard_of_in_it_proves_nothing(changes: list[dict[str, str]]) -> None:
    with pytest.raises(Unreachable):
        listed(*changes)


def test_what_is_refused_canceled_and_moved_is_told_apart() -> None:
    refused, canceled, cancel = listed(
        {"odno": "1", "rjct_rson": "1234", "ft_ccld_qty": "0", "nccs_qty": "0"},
        {"odno": "2", "nccs_qty": "0"},
        {"odno": "3", "orgn_odno": "2", "rvse_cncl_dvsn": "02", "ft_ccld_qty": "0", "nccs_qty": "0"},
    )
    assert (refused.rejected, refused.canceled) == (10, 0)
    assert (canceled.rejected, canceled.canceled) == (0, 6)
    assert (cancel.is_cancel, cancel.original, cancel.remaining) == (True, "0000000002", 0)


async def test_a_stock_is_ordered_at_the_exchange_that_has_a_price_of_it_and_asked_for_once(abroad: Emulated) -> None:
    desk: OverseasDesk = abroad.app.state.desk.overseas
    desk.listed_at["IBM"] = "NYSE"
    abroad.house.list_symbol("IBM", Decimal(200))
    abroad.house.quote("IBM", Outside(bid=Decimal(199), bid_size=Decimal(9), ask=Decimal(200), ask_size=Decimal(9)))
    connector = abroad.connector()
    for _ in range(2):
        order = a_buy("IBM", limit_price="150")
        assert isinstance(await connector.submit(order, order.key), Accepted)
    asked = [fields["EXCD"] for call, fields in abroad.app.state.calls if call == "overseas/price"]
    assert asked == ["NAS", "NYS"]
    assert {slip.venue for slip in abroad.slips} == {"NYSE"}


@pytest.mark.requirement("R-3")
async def test_nothing_is_sent_when_nobody_says_where_a_stock_trades(abroad: Emulated) -> None:
    abroad.faults.add("overseas/price", "html")
    order = a_buy()
    with pytest.raises(NotSent):
        await abroad.connector().submit(order, order.key)
    stranger = a_buy("NONE")
    refusal = await abroad.connector().submit(stranger, stranger.key)
    assert isinstance(refusal, Refused)
    assert refusal.code == "unknown_symbol"
    assert abroad.slips == []


@pytest.mark.requirement("R-3")
async def test_a_question_that_kis_refuses_says_nothing_about_the_stock(
    abroad: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: object) -> No:
        return No("OPSQ2001", "the question is not understood")

    monkeypatch.setattr(kis.Client, "ask", refuses)
    order = a_buy()
    with pytest.raises(NotSent, match="not understood"):
        await abroad.connector().submit(order, order.key)
    assert abroad.slips == []


async def test_the_balance_is_in_dollars_as_if_everything_had_settled(abroad: Emulated) -> None:
    connector = abroad.connector()
    order = a_buy(limit_price="701")
    assert isinstance(await connector.submit(order, order.key), Accepted)
    balance = await connector.balance()  # type: ignore[attr-defined]  # a remote one
    cash = abroad.house.account("5012345601").cash
    assert (balance.currency, balance.cash, balance.cash_second_day) == ("USD", cash + 7010, cash)
    assert [(held.symbol, held.quantity, held.average_price) for held in balance.holdings] == [("AAPL", 10, 701)]


async def test_more_orders_than_fit_on_a_page_are_all_read(abroad: Emulated) -> None:
    connector = abroad.connector()
    for number in range(25):
        order = a_buy(quantity=str(number + 1), limit_price="100")
        assert isinstance(await connector.submit(order, order.key), Accepted)
    assert len(await connector.listed()) == 25  # type: ignore[attr-defined]  # a remote one
    assert len(order_row(abroad.slips[0])) == 32, "every field that the documents name"


def test_both_ledgers_of_a_key_share_its_token_and_its_turns() -> None:
    line = Line(rest="https://127.0.0.1:1", calls_per_second=1)
    secrets = Secrets({"app_key": "K", "app_secret": "S", "account": "5012345601"})
    prints = {
        Door(broker, "paper", line, Tokens(), lambda: datetime.now(UTC)).key_print(secrets)
        for broker in ("kis", "kis_us")
    }
    assert len(prints) == 1
