"""A change ends in replaced or replace_rejected, once, whatever it races with."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from broker.adapters.port import Unreachable
from kit.consumer import Later

from services.broker.tests.builders import an_order, replace_requested
from services.broker.tests.floor import Broken, Floor, Line, dying


async def test_a_change_is_announced_with_its_id_and_what_the_order_is_now(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    message = replace_requested(order, "12", "69800")
    await floor.deliver(message)
    name, data = (await floor.facts())[-1]
    assert (name, data["replace_id"]) == ("replaced", message.data["replace_id"])
    assert (data["quantity"], data["limit_price"]) == ("12", "69800")
    await floor.tick(bid="69700", ask="69800")
    await floor.hear()
    assert [data["quantity"] for name, data in await floor.facts() if name == "executed"] == ["12"]


@pytest.mark.requirement("R-59")
async def test_a_change_from_before_a_restore_is_refused_and_never_asked_for_again(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    message = replace_requested(order, "12", "69800")
    restored = floor.desk.settings.model_copy(update={"restored_at": message.time + timedelta(seconds=1)})
    floor.desk = replace(floor.desk, settings=restored)
    await floor.deliver(message)
    name, data = (await floor.facts())[-1]
    assert (name, data["code"]) == ("replace_rejected", "not_placed")
    await floor.tick(bid="69700", ask="69900")
    await floor.hear()
    assert [data["quantity"] for name, data in await floor.facts() if name == "executed"] == ["10"], (
        "it stayed as it was"
    )


async def test_what_traded_before_the_change_is_announced_before_it_and_what_it_trades_after_it(floor: Floor) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await floor.tick(bid="69800", ask="69900", ask_size="3")
    await floor.tape.quotes()
    await floor.replace(order, "9", "70100")
    await floor.hear()
    assert await floor.said() == ["accepted", "executed", "replaced", "executed"]
    assert [data["quantity"] for name, data in await floor.facts() if name == "executed"] == ["3", "6"]


@pytest.mark.parametrize(
    ("quantity", "limit", "code"),
    [
        ("10", "69950", "price_off_tick"),
        ("10", "91100", "price_outside_band"),
        ("10.5", "69900", "quantity_off_lot"),
        ("10", None, "order_type_not_allowed"),
        ("3", "69900", "quantity_already_filled"),
    ],
)
async def test_an_impossible_change_is_refused_and_the_order_stays_as_it_was(
    floor: Floor, quantity: str, limit: str | None, code: str
) -> None:
    await floor.tape.quotes(ask="69900", bid="69800", ask_size="3")
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await floor.replace(order, quantity, limit)
    name, data = (await floor.facts())[-1]
    assert (name, data["code"]) == ("replace_rejected", code)
    await floor.tick(ask="69900", bid="69800")
    await floor.hear()
    assert [data["quantity"] for name, data in await floor.facts() if name == "executed"] == ["3", "7"]


@pytest.mark.parametrize(("ending", "code"), [("fill", "already_filled"), ("cancel", "already_canceled")])
async def test_what_is_over_cannot_be_changed(floor: Floor, ending: str, code: str) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900" if ending == "cancel" else "70100")
    await floor.submit(order)
    if ending == "cancel":
        await floor.cancel(order)
    await floor.replace(order, "12", "69900")
    name, data = (await floor.facts())[-1]
    assert (name, data["code"]) == ("replace_rejected", code)


async def test_a_broker_that_cannot_change_orders_says_what_to_do(floor: Floor) -> None:
    line = Line(floor.simulator)
    line.capabilities = replace(line.capabilities, replaces="cancel_and_new")
    floor.desk.connectors["simulator"] = line  # type: ignore[index]
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await floor.replace(order, "12", "69800")
    name, data = (await floor.facts())[-1]
    assert (name, data["code"]) == ("replace_rejected", "replace_not_supported")
    assert "place a new one" in data["text"]


@pytest.mark.requirement("R-3")
async def test_a_change_of_an_order_in_doubt_waits_for_evidence(floor: Floor) -> None:
    line = Line(floor.simulator)
    floor.desk.connectors["simulator"] = line  # type: ignore[index]
    line.breaks_after = [Unreachable("reset")]
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    with pytest.raises(Later):
        await floor.replace(order, "12", "69800")


@pytest.mark.requirement("R-2", "R-15")
async def test_after_a_death_between_change_and_answer_it_is_announced_once_even_if_the_order_filled_meanwhile(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    message, change = replace_requested(order, "12", "69800"), floor.simulator.replace

    async def dies(*arguments: object) -> None:
        await change(*arguments)  # type: ignore[arg-type]
        raise Broken

    monkeypatch.setattr(floor.simulator, "replace", dies)
    with dying():
        await floor.deliver(message)
    monkeypatch.undo()
    await floor.tick(bid="69700", ask="69800")
    for _ in range(2):
        await floor.deliver(message)
    await floor.hear()
    assert await floor.said() == ["accepted", "replaced", "executed"]


@pytest.mark.requirement("R-7")
@pytest.mark.parametrize("_round", range(4))
async def test_a_change_racing_a_quote_loses_no_share(floor: Floor, _round: int) -> None:
    await floor.tape.quotes()
    order = an_order(floor.tape.symbol, limit_price="69900")
    await floor.submit(order)
    await asyncio.gather(floor.replace(order, "12", "69900"), floor.tick(bid="69800", ask="69900", ask_size="10"))
    await floor.hear()
    facts = await floor.facts()
    executed = sum(int(data["quantity"]) for name, data in facts if name == "executed")
    assert executed == 10
    assert [name for name, _ in facts if name.startswith("replace")] in (["replaced"], ["replace_rejected"])


async def test_two_of_us_meet_between_the_markets_prices(floor: Floor) -> None:
    await floor.tape.quotes(bid="70000", ask="70300")
    buy = an_order(floor.tape.symbol, limit_price="70100")
    sale = an_order(floor.tape.symbol, side="sell", limit_price="70100", quantity="4")
    await floor.submit(buy)
    await floor.submit(sale)
    await floor.hear()
    prices = [
        (data["side"], data["price"], data["quantity"]) for name, data in await floor.facts() if name == "executed"
    ]
    assert sorted(prices) == [("buy", "70100", "4"), ("sell", "70100", "4")]


async def test_at_close_trades_at_the_days_last_price_and_gtc_lives_on(floor: Floor) -> None:
    await floor.tape.quotes()
    close = an_order(floor.tape.symbol, time_in_force="at_close")
    patient = an_order(floor.tape.symbol, limit_price="69000", time_in_force="gtc")
    opening = an_order(floor.tape.symbol, time_in_force="at_open")
    for order in (close, patient, opening):
        await floor.submit(order)
    await floor.tick(session="closed", price="70200")
    await floor.tick(trading_date="2024-12-17", price="68900", bid="68800", ask="68900")
    await floor.hear()
    traded = {
        name: [data["price"] for said, data in await floor.facts(order) if said == "executed"]
        for name, order in (("close", close), ("patient", patient), ("opening", opening))
    }
    assert traded == {"close": ["70200"], "patient": ["68900"], "opening": ["68900"]}


async def test_whoever_meets_an_order_of_an_earlier_day_does_not_begin_the_day_again(floor: Floor) -> None:
    """The last price was within its limit, but nobody bid it: it waits, as it did before somebody else came."""
    await floor.tape.quotes()
    patient = an_order(floor.tape.symbol, side="sell", limit_price="70200", time_in_force="gtc")
    await floor.submit(patient)
    await floor.tick(trading_date="2024-12-17")
    await floor.tick(trading_date="2024-12-17", price="70300")
    await floor.submit(an_order(floor.tape.symbol, limit_price="70200"))
    await floor.hear()
    assert await floor.said(patient) == ["accepted"]


async def test_a_halt_takes_no_orders_and_ends_none(floor: Floor) -> None:
    await floor.tape.quotes()
    waiting, late = an_order(floor.tape.symbol, limit_price="69900"), an_order(floor.tape.symbol)
    await floor.submit(waiting)
    await floor.tick(session="halted", ask="69900", bid="69800")
    await floor.submit(late)
    assert [data["code"] for name, data in await floor.facts(late)] == ["trading_halted"]
    await floor.cancel(waiting)
    assert await floor.said(waiting) == ["accepted", "canceled"]
