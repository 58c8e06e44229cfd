"""A day's list that is behind: what the house has taken is not denied because its list does not show it yet."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from broker.adapters.daylist import DayList, No, Row
from broker.adapters.kis.capabilities import PAPER
from broker.adapters.port import Unreachable
from broker.domain.capabilities import Capabilities
from broker.domain.order import Accepted, CancelRefused

from services.broker.tests.builders import an_order

AT = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
OPEN = Row(
    number="12",
    original="",
    office="",
    symbol="005930",
    side="buy",
    kind="00",
    quantity=Decimal(10),
    price=Decimal(56_000),
    at=AT,
    filled=Decimal(0),
    amount=Decimal(0),
    canceled=Decimal(0),
    rejected=Decimal(0),
    remaining=Decimal(10),
    is_cancel=False,
)
CANCELED = replace(OPEN, canceled=Decimal(10), remaining=Decimal(0))
FILLED = replace(OPEN, filled=Decimal(10), amount=Decimal(560_000), remaining=Decimal(0))


@dataclass
class House:
    """A house that shows one list after the other, and takes every cancel or refuses it."""

    lists: list[Row]
    answer: No | None = None
    able: Capabilities = PAPER
    asked: list[str] = field(default_factory=list)

    async def rows(self, *_: Any) -> list[Row]:
        return [self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]]

    async def take_back(self, row: Row, _: Decimal | None) -> No | None:
        self.asked.append(row.number)
        return self.answer


async def canceled_at(house: House) -> Accepted | CancelRefused:
    order = an_order("005930")
    return await DayList(house, lambda _: None).cancel(order, order.key, OPEN.id)  # type: ignore[arg-type]


async def test_a_cancel_that_is_taken_and_not_shown_yet_is_in_doubt_and_never_called_too_late() -> None:
    house = House([OPEN, OPEN, CANCELED])
    with pytest.raises(Unreachable, match="does not show it yet"):
        await canceled_at(house)
    answer = await canceled_at(house)
    assert isinstance(answer, Accepted)
    assert answer.ended is not None
    assert answer.ended.quantity == 10
    assert house.asked == ["12"], "what the list shows as canceled is not asked for again"


async def test_a_cancel_the_house_knows_nothing_of_any_more_waits_for_the_list_as_well() -> None:
    with pytest.raises(Unreachable, match="does not show it yet"):
        await canceled_at(House([OPEN], No("order_not_found", "no such order")))


async def test_a_cancel_after_the_last_share_was_too_late() -> None:
    assert await canceled_at(House([OPEN, FILLED])) == CancelRefused(
        "already_filled", "The order was filled before the cancel arrived."
    )


async def test_a_cancel_the_house_refuses_is_refused_in_its_own_words() -> None:
    refused = await canceled_at(House([OPEN], No("market_closed", "장종료")))
    assert refused == CancelRefused("market_closed", "장종료")
