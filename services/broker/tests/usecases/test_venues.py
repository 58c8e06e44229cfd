"""Venues of the simulator: each has a book and hours of its own, and what is shown outside is there once for both."""

from typing import Any

import pytest

from services.broker.tests.builders import an_order
from services.broker.tests.floor import Floor

ON = {"trading_date": "2026-11-20"}


@pytest.fixture
async def market(floor: Floor) -> Floor:
    """A floor on a day on which KRX, its after-market and NXT trade."""
    await floor.tick(**ON)
    return floor


async def outcome(floor: Floor, **terms: Any) -> tuple[str, str | None]:
    order = an_order(floor.tape.symbol, **terms)
    await floor.submit(order)
    name, fact = (await floor.facts(order))[-1]
    return name, fact.get("code")


async def test_nxt_trades_before_krx_opens_and_not_while_krx_closes(market: Floor) -> None:
    await market.tick(**ON, session="pre_market")
    assert (await outcome(market, limit_price="70100", venue="NXT"))[0] == "executed"
    assert await outcome(market, limit_price="70100", venue="KRX") == ("rejected", "market_closed")
    await market.tick(**ON, session="closing_auction")
    assert await outcome(market, limit_price="70100", venue="NXT") == ("rejected", "trading_halted")


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"limit_price": "70100", "time_in_force": "gtc"},
        {"limit_price": "70100", "kind": "etf"},
    ],
)
async def test_nxt_has_no_market_orders_none_beyond_the_day_and_no_funds(market: Floor, terms: dict[str, Any]) -> None:
    assert await outcome(market, venue="NXT", **terms) == ("rejected", "order_type_not_allowed")


async def test_the_after_market_of_krx_takes_limits_that_end_with_it(market: Floor) -> None:
    resting = an_order(market.tape.symbol, limit_price="69000")
    await market.submit(resting)
    await market.tick(**ON, session="close_price")
    await market.hear()
    assert await market.said(resting) == ["accepted", "expired"]
    assert await outcome(market, limit_price="70100") == ("rejected", "market_closed")
    await market.tick(**ON, session="after_market")
    assert await outcome(market) == ("rejected", "order_type_not_allowed")
    assert (await outcome(market, limit_price="70100"))[0] == "executed"
    late = an_order(market.tape.symbol, limit_price="69000")
    await market.submit(late)
    await market.tick(**ON, session="closed")
    await market.hear()
    assert await market.said(late) == ["accepted", "expired"]


async def test_a_day_order_of_nxt_outlives_the_close_of_krx(market: Floor) -> None:
    order = an_order(market.tape.symbol, limit_price="69000", venue="NXT")
    await market.submit(order)
    for session in ("closing_auction", "after_auction", "close_price"):
        await market.tick(**ON, session=session)
    await market.hear()
    assert await market.said(order) == ["accepted"]
    await market.tick(**ON, session="after_market", bid="68900", ask="69000")
    await market.hear()
    assert await market.said(order) == ["accepted", "executed"]


async def test_what_is_shown_outside_is_there_once_for_both_venues(market: Floor) -> None:
    await market.tick(**ON, ask_size="15")
    both = [an_order(market.tape.symbol, limit_price="70100", venue=venue) for venue in ("NXT", "KRX")]
    for order in both:
        await market.submit(order)
    bought = [[fact["quantity"] for name, fact in await market.facts(order) if name == "executed"] for order in both]
    assert bought == [["10"], ["5"]]


async def test_orders_of_two_venues_do_not_meet(market: Floor) -> None:
    await market.tick(**ON, ask_size="0", bid_size="0")
    sale = an_order(market.tape.symbol, side="sell", limit_price="70000", venue="NXT")
    await market.submit(sale)
    assert (await outcome(market, limit_price="70100", venue="KRX"))[0] == "accepted"
    assert await market.said(sale) == ["accepted"]


async def test_sor_takes_the_better_price_and_at_a_tie_that_of_krx(market: Floor) -> None:
    await market.tick(**ON, ask_size="0", bid_size="0", ask="70300", bid="69900")
    for venue, price in (("NXT", "70100"), ("KRX", "70200")):
        await market.submit(an_order(market.tape.symbol, side="sell", limit_price=price, venue=venue))
    bought = an_order(market.tape.symbol, limit_price="70200", venue="SOR")
    await market.submit(bought)
    [price] = [fact["price"] for name, fact in await market.facts(bought) if name == "executed"]
    assert price == "70100"
    await market.tick(**ON, session="pre_market", ask="70100")
    assert (await outcome(market, limit_price="70100", venue="SOR"))[0] == "executed"


async def test_what_sor_chooses_does_not_hang_on_limits_that_its_order_cannot_reach(market: Floor) -> None:
    """They are read or not, as others come with it: here by a new phase, which touches everybody."""
    nothing = {"ask": None, "ask_size": "0", "bid_size": "0"}
    await market.tick(**ON, **nothing, session="halted")
    await market.tick(**ON, **nothing)
    await market.submit(an_order(market.tape.symbol, side="sell", limit_price="70200", venue="NXT"))
    await market.tick(**ON, **nothing, session="pre_market")
    await market.tape.quotes(**ON, **nothing)
    await market.submit(an_order(market.tape.symbol, limit_price="70100", venue="SOR"))
    async with market.database.system() as session:
        venues = (await session.exec_driver_sql("SELECT venue FROM sim_orders ORDER BY sequence")).scalars().all()
    assert venues == ["NXT", "KRX"], "at a tie that of KRX"


async def test_sor_sends_a_market_order_to_krx_because_nxt_has_none(market: Floor) -> None:
    assert (await outcome(market, venue="SOR"))[0] == "executed"
    assert await outcome(market, venue="NXT") == ("rejected", "order_type_not_allowed")
