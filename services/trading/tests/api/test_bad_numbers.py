"""No number of an order can be what no number may be: each field, each way, named in the answer and nothing stored."""

from itertools import product
from typing import Any

import pytest
from kit.db import Database
from sqlalchemy import text

from services.trading.tests.api.conftest import Trader

NUMBERS: dict[str, dict[str, Any]] = {
    "quantity": {},
    "limit_price": {},
    "stop_price": {"order_type": "stop_limit"},
    "trail_amount": {"order_type": "trailing_stop", "limit_price": None},
    "trail_percent": {"order_type": "trailing_stop", "limit_price": None},
    "take_profit_price": {},
    "stop_loss_price": {},
    "stop_loss_limit_price": {"stop_loss_price": "50000"},
}
BAD: tuple[object, ...] = (
    *("NaN", "sNaN", "inf", "-inf", "Infinity", "-1", "0", "-0", "1e400", "0.000000001", "", " ", "ten", "1,000"),
    *(str(2**63), "9" * 40, 2**63, -1, 0, 1.5e300, True, [], {}, "１０\x00"),
)


@pytest.mark.requirement("R-8")
async def test_a_number_that_is_none_is_named_and_changes_nothing(
    trader: Trader, symbol: str, database: Database
) -> None:
    account = await trader.opens()
    for (field, terms), bad in product(NUMBERS.items(), BAD):
        body = trader.order(account, symbol, **{**terms, field: bad})
        for path in ("/trading/orders", "/trading/orders/preview"):
            answer = await trader.caller.post(path, body)
            assert answer.status_code == 422, (field, bad, answer.text)
            problem = answer.json()
            assert problem["code"] == "invalid_request", (field, bad, problem)
            assert problem["errors"][0]["field"] == field, (field, bad, problem)
    async with database.system() as session:
        count = text("SELECT count(*) FROM orders WHERE owner_id = :owner")
        assert await session.scalar(count, {"owner": trader.caller.id}) == 0
