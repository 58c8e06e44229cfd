"""The dead man's switch and the switches of many, as they are asked for."""

import pytest
from kit.ids import new_id
from kit.testing.tokens import Tokens

from services.trading.tests.api.conftest import Trader
from services.trading.tests.conftest import People


@pytest.mark.requirement("R-10")
async def test_a_heartbeat_is_due_again_in_as_many_seconds(trader: Trader) -> None:
    account = str(await trader.opens())
    armed = (await trader.caller.put("/trading/dead-man", {"account_id": account, "seconds": 20})).json()
    again = (await trader.caller.put("/trading/dead-man", {"account_id": account})).json()
    assert (armed["seconds"], again["seconds"]) == (20, 60)
    assert again["due_at"] > armed["due_at"]
    assert (await trader.caller.get("/trading/dead-man", account_id=account)).json() == again
    assert (await trader.caller.delete(f"/trading/dead-man?account_id={account}")).status_code == 204
    for answer in (
        await trader.caller.get("/trading/dead-man", account_id=account),
        await trader.caller.delete(f"/trading/dead-man?account_id={account}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "dead_man_not_armed")


@pytest.mark.requirement("R-10")
@pytest.mark.parametrize("seconds", [4, 61, -1, "soon", None])
async def test_a_heartbeat_comes_within_five_to_sixty_seconds(trader: Trader, seconds: object) -> None:
    body = {"account_id": str(await trader.opens()), "seconds": seconds}
    answer = await trader.caller.put("/trading/dead-man", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "seconds")


@pytest.mark.requirement("R-38")
async def test_a_strangers_account_has_no_switch_to_arm_or_see(trader: Trader, people: People) -> None:
    account, stranger = str(await trader.opens()), people.new()
    await trader.caller.put("/trading/dead-man", {"account_id": account})
    answers = [
        await stranger.put("/trading/dead-man", {"account_id": account}),
        await stranger.get("/trading/dead-man", account_id=account),
        await stranger.delete(f"/trading/dead-man?account_id={account}"),
        await stranger.get("/trading/dead-man", account_id=str(new_id())),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


@pytest.mark.requirement("R-10", "R-48")
async def test_a_brokers_switch_is_an_administrators_and_cools_off(
    trader: Trader, symbol: str, people: People, tokens: Tokens
) -> None:
    account, admin = await trader.opens(), people.new().as_admin(tokens)
    body = {"level": "broker", "broker": "simulator", "reason": "looks odd"}
    assert (await trader.caller.post("/trading/halt", body)).status_code == 403
    assert (await admin.post("/trading/halt", body)).status_code == 200
    (shown,) = (await trader.caller.get("/trading/halts")).json()["items"]
    assert (shown["level"], shown["broker"], shown["scope_id"]) == ("broker", "simulator", None)
    denied = await trader.caller.post("/trading/orders", trader.order(account, symbol))
    assert denied.json()["code"] == "trading_halted"
    released = {"level": "broker", "broker": "simulator"}
    assert (await trader.caller.post("/trading/resume", released)).status_code == 403
    assert (await admin.of_an_hour_ago(tokens).post("/trading/resume", released)).json()["code"] == "step_up_required"
    early = await admin.post("/trading/resume", released)
    assert (early.status_code, early.json()["code"]) == (409, "cooling_off")


@pytest.mark.requirement("R-8", "R-10")
@pytest.mark.parametrize(
    "body",
    [
        {"level": "broker"},
        {"level": "broker", "broker": "NO SUCH"},
        {"level": "user", "broker": "simulator"},
        {"level": "strategy"},
        {"level": "global", "strategy_id": str(new_id())},
    ],
)
async def test_a_switch_is_named_by_what_its_level_needs(trader: Trader, body: dict[str, str]) -> None:
    answer = await trader.caller.post("/trading/halt", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.requirement("R-10")
async def test_a_strategy_has_limits_and_a_switch_of_its_own(trader: Trader, symbol: str) -> None:
    account, strategy = await trader.opens(), str(new_id())
    limits = {"strategy_id": strategy, "order_quantity_max": "5"}
    assert (await trader.caller.put("/trading/risk-limits", limits)).json()["strategy_id"] == strategy
    shown = (await trader.caller.get("/trading/risk-limits", strategy_id=strategy)).json()
    assert shown["limits"]["order_quantity_max"] == "5"
    order = trader.order(account, symbol, strategy_id=strategy, quantity="6")
    assert (await trader.caller.post("/trading/orders", order)).json()["code"] == "fat_finger_quantity"
    order = trader.order(account, symbol, strategy_id=strategy, quantity="5")
    assert (await trader.caller.post("/trading/orders", order)).json()["status"] == "submitted"
    halted = await trader.caller.post("/trading/halt", {"level": "strategy", "strategy_id": strategy})
    assert halted.json() == {"withdrawn": "1"}
    both = {"account_id": str(account), "strategy_id": strategy}
    assert (await trader.caller.put("/trading/risk-limits", both)).status_code == 422
