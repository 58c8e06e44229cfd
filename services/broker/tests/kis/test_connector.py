"""KIS's connector against its emulator: orders, changes, cancels, paging, and each way in which the line can fail."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
from broker.adapters.balance import Holding
from broker.adapters.kis.connector import Kis
from broker.adapters.port import NotSent, RateLimited, Unreachable
from broker.domain.order import (
    Absent,
    Accepted,
    Ambiguous,
    CancelRefused,
    Ended,
    OrderIntent,
    Refused,
    Replaced,
    Replacement,
    ReplaceRefused,
)
from emulators.kis.server import UNHEARD_OF
from kit.ids import new_id

from services.broker.tests.builders import an_order
from services.broker.tests.kis.emulator import ACCOUNT, SYMBOL, Emulator, emulator


@pytest_asyncio.fixture
async def kis() -> AsyncIterator[Emulator]:
    async with emulator() as running:
        yield running


async def sent(kis: Emulator, **changes: Any) -> tuple[OrderIntent, Accepted]:
    order = an_order(SYMBOL, **changes)
    answer = await kis.connector().submit(order, order.key)
    assert isinstance(answer, Accepted), answer
    kis.known[answer.broker_order_id] = order.key
    return order, answer


async def found(kis: Emulator, order: OrderIntent) -> Accepted:
    answer = await kis.connector().find(order, order.key, kis.clock())
    assert isinstance(answer, Accepted), answer
    return answer


async def test_an_order_is_taken_and_what_it_traded_is_in_the_days_list(kis: Emulator) -> None:
    order, answer = await sent(kis)
    assert answer.broker_order_id == "20261102-00950-0000000001"
    progress = (await found(kis, order)).progress
    assert progress is not None
    assert (progress.quantity, progress.amount) == (10, 701_000)


@pytest.mark.parametrize(
    ("changes", "code", "theirs"),
    [
        ({"quantity": "100000000"}, "insufficient_cash", "APBK0952"),
        ({"side": "sell"}, "insufficient_shares", "APBK0400"),
        ({"symbol": "000000"}, "unknown_symbol", "APBK0656"),
    ],
)
async def test_a_refusal_keeps_the_houses_own_code(
    kis: Emulator, changes: dict[str, Any], code: str, theirs: str
) -> None:
    order = an_order(changes.pop("symbol", SYMBOL), **changes)
    refusal = await kis.connector().submit(order, order.key)
    assert isinstance(refusal, Refused)
    assert refusal.code == code
    assert theirs in refusal.text


@pytest.mark.requirement("R-3")
@pytest.mark.parametrize("limit", ["70050", "91100"])
async def test_a_refusal_by_a_code_we_have_never_seen_leaves_a_doubt(kis: Emulator, limit: str) -> None:
    order = an_order(SYMBOL, limit_price=limit)
    with pytest.raises(Unreachable, match=UNHEARD_OF):
        await kis.connector().submit(order, order.key)
    assert isinstance(await kis.connector().find(order, order.key, kis.clock()), Absent)


async def test_a_closed_market_is_a_refusal(kis: Emulator) -> None:
    kis.house.close(SYMBOL)
    order = an_order(SYMBOL)
    assert getattr(await kis.connector().submit(order, order.key), "code", None) == "market_closed"


@pytest.mark.requirement("R-3", "R-27")
@pytest.mark.parametrize(
    ("fault", "failure", "is_placed"),
    [
        ("reset_before", Unreachable, False),
        ("reset_after", Unreachable, True),
        ("hang_before", Unreachable, False),
        ("hang_after", Unreachable, True),
        ("server_error", Unreachable, False),
        ("ledger_timeout", Unreachable, True),
        ("html", Unreachable, False),
        ("empty", Unreachable, False),
        ("rate_limit", RateLimited, False),
        ("token_expired", NotSent, False),
    ],
)
async def test_every_way_of_failing_says_what_is_certain(
    kis: Emulator, fault: str, failure: type[Exception], is_placed: bool
) -> None:
    kis.breaks("order-cash", fault)
    order = an_order(SYMBOL, limit_price="69900")
    with pytest.raises(failure):
        await kis.connector().submit(order, order.key)
    evidence = (
        await _look_with_a_new_token(kis, order)
        if fault == "token_expired"
        else await kis.connector().find(order, order.key, kis.clock())
    )
    assert isinstance(evidence, Accepted if is_placed else Absent)


async def _look_with_a_new_token(kis: Emulator, order: OrderIntent) -> object:
    with pytest.raises(NotSent, match="one token a minute"):
        await kis.connector().find(order, order.key, kis.clock())
    began = kis.clock()
    kis.clock.passes(61)
    return await kis.connector().find(order, order.key, began)


async def test_ten_connectors_of_one_key_ask_for_one_token(kis: Emulator) -> None:
    for _ in range(10):
        await kis.connector().balance()
    assert kis.gate.tokens_issued == 1


@pytest.mark.requirement("R-27")
async def test_calls_of_one_key_take_turns_so_that_none_is_turned_away(kis: Emulator) -> None:
    kis.token.calls_per_second, kis.gate.calls_per_second = 20, 1
    advance = kis.clock.passes
    began = time.monotonic()
    for _ in range(4):
        await kis.connector().balance()
        advance(1)
    assert time.monotonic() - began >= 3 / 20
    kis.token.next_turn = time.monotonic() + 60
    order = an_order(SYMBOL)
    with pytest.raises(RateLimited, match="wait for KIS"):
        await kis.connector().submit(order, order.key)
    assert kis.sent() == 0


async def test_without_a_connection_nothing_was_sent(kis: Emulator) -> None:
    await kis.connector().balance()
    order = an_order(SYMBOL)
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False) as nowhere:
        kis.http = nowhere
        with pytest.raises(NotSent):
            await kis.connector().submit(order, order.key)


@pytest.mark.requirement("R-4")
async def test_an_order_is_looked_for_on_every_page(kis: Emulator) -> None:
    for number in range(31):
        await sent(kis, limit_price="69900", quantity=str(number + 1))
    order = an_order(SYMBOL, limit_price="69900", quantity="31")
    kis.known.popitem()
    before = kis.sent("inquire-daily-ccld")
    assert isinstance(await kis.connector().find(order, order.key, kis.clock()), Accepted)
    assert kis.sent("inquire-daily-ccld") - before == 3


@pytest.mark.requirement("R-4")
@pytest.mark.parametrize(
    ("seconds", "kind"), [(-3, Absent), (-2, Accepted), (0, Accepted), (60, Accepted), (61, Absent)]
)
async def test_only_an_order_of_that_minute_is_adopted(kis: Emulator, seconds: int, kind: type) -> None:
    order, began = an_order(SYMBOL, limit_price="69900"), kis.clock()
    kis.clock.passes(seconds)
    await kis.connector().submit(order, order.key)
    assert isinstance(await kis.connector().find(order, order.key, began), kind)


@pytest.mark.requirement("R-4")
async def test_what_differs_or_is_somebody_elses_is_never_adopted(kis: Emulator) -> None:
    await sent(kis, limit_price="69900")
    lost = an_order(SYMBOL, limit_price="69900")
    assert await kis.connector().find(lost, lost.key, kis.clock()) == Absent()
    kis.known.clear()
    for other in ({"quantity": "11"}, {"limit_price": "69800"}, {"time_in_force": "ioc"}):
        different = an_order(SYMBOL, **{"limit_price": "69900", **other})
        assert await kis.connector().find(different, different.key, kis.clock()) == Absent()


@pytest.mark.requirement("R-4")
async def test_two_that_could_be_it_are_for_a_human(kis: Emulator) -> None:
    order = an_order(SYMBOL, limit_price="69900")
    for _ in range(2):
        await kis.connector().submit(order, order.key)
    evidence = await kis.connector().find(order, order.key, kis.clock())
    assert isinstance(evidence, Ambiguous)
    assert len(evidence.candidates) == 2


async def test_a_cancel_ends_the_order_and_asking_twice_gives_the_same_answer(kis: Emulator) -> None:
    kis.quotes(ask_size=4)
    order, answer = await sent(kis, limit_price="70100")
    first = await kis.connector().cancel(order, order.key, answer.broker_order_id)
    assert isinstance(first, Accepted)
    assert first.ended == Ended("canceled", Decimal(6))
    assert await kis.connector().cancel(order, order.key, answer.broker_order_id) == first


async def test_what_is_filled_or_unknown_cannot_be_canceled(kis: Emulator) -> None:
    order, answer = await sent(kis)
    for number, code in ((answer.broker_order_id, "already_filled"), ("20261102-00950-0000000099", "order_not_found")):
        refusal = await kis.connector().cancel(order, order.key, number)
        assert isinstance(refusal, CancelRefused)
        assert refusal.code == code


@pytest.mark.requirement("R-7")
async def test_a_change_keeps_the_orders_name_through_the_numbers_kis_gives(kis: Emulator) -> None:
    order, answer = await sent(kis, limit_price="69900")
    for limit in ("69800", "69700"):
        changed = await kis.connector().replace(
            order, order.key, answer.broker_order_id, Replacement(new_id(), Decimal(10), Decimal(limit))
        )
        assert isinstance(changed, Replaced)
        assert changed.after.broker_order_id == answer.broker_order_id
    kis.quotes(bid=69_600, ask=69_700, ask_size=3)
    progress = (await found(kis, order)).progress
    assert progress is not None
    assert (progress.quantity, progress.amount) == (3, 3 * 69_700)
    ended = await kis.connector().cancel(order, order.key, answer.broker_order_id)
    assert isinstance(ended, Accepted)
    assert ended.ended == Ended("canceled", Decimal(7))


async def test_a_change_to_fewer_shares_gives_the_rest_up(kis: Emulator) -> None:
    order, answer = await sent(kis, limit_price="69900")
    change = Replacement(new_id(), Decimal(4), Decimal(69_800))
    for _ in range(2):
        assert isinstance(await kis.connector().replace(order, order.key, answer.broker_order_id, change), Replaced)
    assert sum(slip.open for slip in kis.house.slips.values()) == 4
    assert kis.sent("order-rvsecncl") == 2, "asking again changed nothing"


async def test_a_change_to_more_shares_is_refused(kis: Emulator) -> None:
    order, answer = await sent(kis, limit_price="69900")
    change = Replacement(new_id(), Decimal(11), Decimal(69_800))
    refusal = await kis.connector().replace(order, order.key, answer.broker_order_id, change)
    assert isinstance(refusal, ReplaceRefused)
    assert refusal.code == "quantity_grows"


@pytest.mark.requirement("R-6")
async def test_news_is_told_until_it_is_taken(kis: Emulator) -> None:
    order, answer = await sent(kis, limit_price="69900")
    stream = kis.connector().reports()
    [taken] = await anext(stream)
    assert (taken.key, taken.news) == (order.key, answer)
    asking = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.2)
    assert not asking.done()
    kis.quotes(bid=69_800, ask=69_900, ask_size=3)
    [report] = await asking
    assert report.news.progress is not None
    assert report.news.progress.quantity == 3
    await stream.aclose()


@pytest.mark.requirement("R-27")
async def test_half_a_balance_is_no_balance_and_a_whole_one_has_cash_and_shares(kis: Emulator) -> None:
    await sent(kis)
    balance = await kis.connector().balance()
    assert balance.holdings == (Holding(SYMBOL, Decimal(10), Decimal("70100.0000")),)
    assert balance.cash == Decimal(1_000_000_000) - 701_000 - 105
    kis.breaks("inquire-balance", "html")
    with pytest.raises(Unreachable):
        await kis.connector().balance()


async def test_a_paper_key_finds_no_live_transactions(kis: Emulator) -> None:
    client = kis.client()
    client.environment = "real"
    with pytest.raises(Unreachable, match="OPSQ2002"):
        await client.pages("inquire-balance", "TTTC8434R", {})


@pytest.mark.requirement("R-54")
async def test_no_secret_is_in_what_is_printed_or_raised(kis: Emulator) -> None:
    kis.breaks("order-cash", "reset_before")
    order = an_order(SYMBOL)
    connector: Kis = kis.connector()
    with pytest.raises(Unreachable) as failed:
        await connector.submit(order, order.key)
    told = f"{failed.value!r} {failed.value.__cause__!r} {kis.token!r} {replace(order)!r}"
    for secret in ("S" * 180, "K" * 36, ACCOUNT[:8], kis.token.text):
        assert secret not in told
