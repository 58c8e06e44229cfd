"""What trades behind the regular session: limits alone, apart from the orders of the session, and over with it."""

from decimal import Decimal

import pytest
from quant.matching import Outcome, Outside, Refusal

from libs.quant.tests.test_matching import SHOWN, an_exchange, an_order, entered, traded


def test_it_takes_limits_and_trades_them_at_once() -> None:
    exchange = an_exchange(phase="after")
    exchange.quote(SHOWN)
    assert traded(entered(exchange, "a", price=70_100)) == [("a", 70_100, 10)]
    refused = exchange.enter(an_order("b"))
    assert isinstance(refused, Refusal)
    assert refused.code == "order_type_not_allowed"
    assert entered(exchange, "c", price=70_000, time_in_force="fok", quantity=900).ended[0].key == "c"


@pytest.mark.parametrize("earlier", ["continuous", "closing", "closed"])
def test_orders_of_the_regular_session_have_no_part_in_it(earlier: str) -> None:
    exchange = an_exchange()
    entered(exchange, "day", price=69_000)
    entered(exchange, "lasting", price=69_000, time_in_force="gtc")
    ended = [*exchange.begin(earlier).ended] if earlier != "continuous" else []
    ended += exchange.begin("after").ended
    assert [(each.key, each.reason) for each in ended] == [("day", "expired")]
    low = Outside(Decimal(68_000), Decimal(50), Decimal(68_100), Decimal(50))
    assert exchange.quote(low).fills == ()
    assert exchange.cancel("lasting") == 10


def test_what_is_left_of_its_own_orders_ends_with_it_and_lasting_ones_come_back() -> None:
    exchange = an_exchange(phase="after")
    exchange.restore([an_order("lasting", price=69_000, time_in_force="gtc")])
    entered(exchange, "own", price=69_500)
    assert [each.key for each in exchange.begin("closed").ended] == ["own"]
    exchange.begin("continuous")
    low = Outside(Decimal(68_000), Decimal(50), Decimal(68_100), Decimal(50))
    assert traded(exchange.quote(low)) == [("lasting", 69_000, 10)]


def test_a_change_of_a_lasting_order_leaves_it_aside() -> None:
    exchange = an_exchange(phase="after")
    exchange.restore([an_order("lasting", price=69_000, time_in_force="gtc")])
    exchange.quote(SHOWN)
    assert exchange.replace("lasting", Decimal(5), Decimal(70_100)) == Outcome()
    assert exchange.waiting["lasting"].price == 70_100
