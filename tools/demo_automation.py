"""The part of the story that happens while its person sleeps: a published strategy trades a replayed day by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tools.people import Admin, Json, Listener, Trader
from tools.story import StoryBroke, Tells, holds

DAY_SECONDS = 6
PATIENCE_SECONDS = 40
CASH = {"KRW": ("10000000", "5000000"), "USD": ("10000", "5000")}
"""What its account has, and how much of it the automation may use."""


async def _nothing() -> None:
    """Let the night be quiet."""


@dataclass(frozen=True)
class Night:
    """Who sleeps, who replays days meanwhile, what is traded, and what the backtest came to."""

    trader: Trader
    admin: Admin
    account: Listener
    symbol: str
    currency: str
    strategy_id: str
    running_replay: str | None
    trades: list[Json]
    tells: Tells
    meanwhile: Callable[[], Awaitable[None]] = _nothing
    """What happens while the day of a signal is replayed: a test kills somebody."""
    patience: float = PATIENCE_SECONDS


async def automates(night: Night) -> None:
    """Automate a published strategy, live through the days of a trade of its backtest, and compare."""
    entered, left = await _days_of_a_trade(night)
    automation = await _set_up(night)
    bought = await _lives_through(night, automation, entered, "buy")
    night.tells(
        f"while its owner slept, “{automation['name']}” saw the entry of the backtest at the close of {entered[0]} "
        f"({_numbers(bought)}) and bought {bought['order']['filled_quantity']} {night.symbol} at "
        f"{bought['order']['average_price']} on {entered[1]}",
        "services/trading/trading/automator.py",
        "services/trading/trading/usecases/evaluate_bar.py",
        "services/trading/trading/usecases/act_on_signal.py",
    )
    sold = await _lives_through(night, automation, left, "sell")
    path = f"/trading/automations/{automation['id']}"
    shown = await night.trader.until(path, lambda found: found["closed_trips"] == 1)
    night.tells(
        f"and sold them at {sold['order']['average_price']} on {left[1]}, as the backtest did; "
        f"{shown['closed_trips']} round trip, profit {shown['profit']} {shown['currency']} after costs",
        "services/trading/trading/domain/trip.py",
    )
    await _compares(night, automation, (entered[0], left[0]))


async def _days_of_a_trade(night: Night) -> tuple[tuple[str, str], tuple[str, str]]:
    """The newest trade that its exit rule ended: days of signal and of trade, for buying and for selling."""
    trade = next((trade for trade in reversed(night.trades) if trade["reason"] == "signal"), None)
    if trade is None:
        raise StoryBroke("the backtest has no trade that its exit rule ended: choose another rule or other prices")
    chart = await night.trader.call(
        "GET", f"/market/charts/{night.symbol}?interval=1d&from={_year_before(trade['entry_date'])}"
    )
    days = [bar["time"][:10] for bar in chart["items"] if not bar["halted"]]
    pairs = [(days[days.index(trade[name]) - 1], trade[name]) for name in ("entry_date", "exit_date")]
    return pairs[0], pairs[1]


def _year_before(day: str) -> str:
    found = date.fromisoformat(day)
    return found.replace(year=found.year - 1, day=1).isoformat()


async def _set_up(night: Night) -> Json:
    cash, capital = CASH[night.currency]
    account = await night.trader.call(
        "POST", "/trading/accounts", name="Asleep", kind="paper", currency=night.currency, initial_cash=cash
    )
    if night.running_replay is not None:
        replay = f"/market/replays/{night.running_replay}"
        await night.admin.call("DELETE", replay)
        await night.admin.until(replay, lambda shown: shown["status"] in {"stopped", "finished"})
    wish = {
        "name": "RSI with the trend",
        "account_id": account["id"],
        "strategy_id": night.strategy_id,
        "version": 1,
        "symbols": [night.symbol],
        "mode": "automatic",
        "capital": capital,
    }
    automation = await night.trader.call("POST", "/trading/automations", **wish)
    started = await night.trader.call("POST", f"/trading/automations/{automation['id']}/start")
    holds(started["status"] == "running", "the automation runs")
    night.tells(
        f"automated version 1 on a paper account of its own, with {capital} {night.currency} at most",
        "services/trading/trading/domain/automation.py",
    )
    return automation


async def _lives_through(night: Night, automation: Json, days: tuple[str, str], side: str) -> Json:
    """Replay the day of a signal to its close, then the day after it, and return the signal with its order."""
    await night.admin.replays([night.symbol], days[0], DAY_SECONDS, hold_open=False)
    await night.meanwhile()
    raised = await night.account.until(
        lambda message: (
            message["type"] == "signal"
            and message["data"]["automation_id"] == automation["id"]
            and message["data"]["side"] == side
        ),
        patience=night.patience,
    )
    holds(raised["data"]["bar"][:10] == days[0], f"the signal is about {days[0]}, as in the backtest")
    await night.admin.replays([night.symbol], days[1], DAY_SECONDS, hold_open=False)
    path = f"/trading/signals/{raised['data']['signal_id']}"
    signal = await night.trader.until(path, lambda shown: shown["status"] != "waiting", night.patience)
    holds(signal["status"] == "ordered", f"the signal became an order: {signal['status']}, {signal['detail']}")
    order = await night.trader.until_order(signal["order_id"])
    holds(order["status"] == "filled", f"its order was filled: {order['status']}, {order['reason']}")
    return signal | {"order": order}


def _numbers(signal: Json) -> str:
    return ", ".join(f"{reason['text']} = {Decimal(reason['value']):.2f}" for reason in signal["reasons"])


async def _compares(night: Night, automation: Json, days: tuple[str, str]) -> None:
    gaps = []
    for day in days:
        report = await night.trader.call("GET", f"/trading/automations/{automation['id']}/drift?day={day}")
        holds(report["differences"] == [], f"the automation did what the backtest did: {report['differences']}")
        gaps += [row["fill"] for row in report["rows"] if row["fill"]]
    holds(len(gaps) == len(days), "both fills stand beside those of the backtest")
    said = ", ".join(f"{gap['price']} for {gap['backtest_price']}" for gap in gaps)
    price_gap, fee_gap = (sum(Decimal(gap[name]) for gap in gaps) for name in ("price_gap", "fee_gap"))
    night.tells(
        f"the drift report has no difference; its fills: {said} (price gap {price_gap} a share, fee gap {fee_gap})",
        "services/trading/trading/domain/drift.py",
    )
    notices = await night.trader.call("GET", "/notifications")
    holds(any(item["kind"] == "signal_raised" for item in notices["items"]), "a notice tells of the signals")
