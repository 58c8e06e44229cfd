"""The part of the story that happens while its person sleeps: a published strategy trades a replayed day by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tools.demo_channels import Channels, notices_of
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
    channels: Channels | None = None
    """Where word of it arrives; None where no channel is connected."""
    meanwhile: Callable[[], Awaitable[None]] = _nothing
    """What happens while the day of a signal is replayed: a test kills somebody."""
    patience: float = PATIENCE_SECONDS


async def automates(night: Night) -> None:
    """Automate a published strategy, live through the days of a trade of its backtest, and compare."""
    entered, left = await _days_of_a_trade(night)
    automation = await _set_up(night)
    alert = await _asks_to_be_told(night, entered[0])
    bought = await _lives_through(night, automation, entered, "buy")
    night.tells(
        f"while its owner slept, “{automation['name']}” saw the entry of the backtest at the close of {entered[0]} "
        f"({_numbers(bought)}) and bought {bought['order']['filled_quantity']} {night.symbol} at "
        f"{bought['order']['average_price']} on {entered[1]}",
        "services/trading/trading/automator.py",
        "services/trading/trading/usecases/evaluate_bars.py",
        "services/trading/trading/usecases/act_on_locked.py",
    )
    sold = await _lives_through(night, automation, left, "sell")
    path = f"/trading/automations/{automation['id']}"
    shown = await night.trader.until(path, lambda found: found["closed_trips"] == 1)
    night.tells(
        f"and sold them at {sold['order']['average_price']} on {left[1]}, as the backtest did; "
        f"{shown['closed_trips']} round trip, profit {shown['profit']} {shown['currency']} after costs",
        "services/trading/trading/domain/trip.py",
    )
    await _compares(night, automation, entered, left)
    await _was_told(night, alert)


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
        "POST", "/trading/accounts", name="By itself", kind="paper", currency=night.currency, initial_cash=cash
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
    next_day = await night.admin.replays([night.symbol], days[1], DAY_SECONDS, hold_open=False)
    path = f"/trading/signals/{raised['data']['signal_id']}"
    signal = await night.trader.until(path, lambda shown: shown["status"] != "waiting", night.patience)
    holds(signal["status"] == "ordered", f"the signal became an order: {signal['status']}, {signal['detail']}")
    order = await night.trader.until_order(signal["order_id"])
    holds(order["status"] == "filled", f"its order was filled: {order['status']}, {order['reason']}")
    closed = f"/market/replays/{next_day['id']}"
    await night.admin.until(closed, lambda replay: replay["status"] == "finished", night.patience)
    return signal | {"order": order}


def _numbers(signal: Json) -> str:
    return ", ".join(f"{reason['text']} = {Decimal(reason['value']):.2f}" for reason in signal["reasons"])


async def _compares(night: Night, automation: Json, entered: tuple[str, str], left: tuple[str, str]) -> None:
    """Of every day it lived through, what it saw is what the backtest has; and so are its signals."""
    gaps = []
    for day in dict.fromkeys((*entered, *left)):
        report = await night.trader.until(
            f"/trading/automations/{automation['id']}/drift?day={day}",
            lambda shown: all(row["entry"] is not None for row in shown["rows"]),  # the last bar closed just now
            night.patience,
        )
        holds(report["rows"], f"the drift report has the bar of {day}")
        holds(report["differences"] == [], f"the automation did what the backtest did: {report['differences']}")
        gaps += [row["fill"] for row in report["rows"] if row["fill"]]
    holds(len(gaps) == 2, "both fills stand beside those of the backtest")
    raised = await night.trader.call("GET", f"/trading/signals?automation_id={automation['id']}")
    acted = [(signal["kind"], signal["bar"][:10]) for signal in reversed(raised["items"]) if signal["order_id"]]
    holds(acted == [("entry", entered[0]), ("exit", left[0])], f"its signals are those of the backtest: {acted}")
    said = ", ".join(f"{gap['price']} for {gap['backtest_price']}" for gap in gaps)
    price_gap, fee_gap = (sum(Decimal(gap[name]) for gap in gaps) for name in ("price_gap", "fee_gap"))
    night.tells(
        f"the drift report has no difference; its fills: {said} (price gap {price_gap} a share, fee gap {fee_gap})",
        "services/trading/trading/domain/drift.py",
    )


async def _asks_to_be_told(night: Night, day: str) -> Json:
    """Set an alert on a price that the day reaches and that is not reached now."""
    chart = await night.trader.call(
        "GET", f"/market/charts/{night.symbol}?interval=1d&from={day}&to={day}&adjusted=false"
    )
    high, low = (Decimal(chart["items"][0][name]) for name in ("high", "low"))
    now = Decimal((await night.trader.call("GET", f"/market/quotes/{night.symbol}"))["price"])
    reached, condition = (high, "price_above") if high > now else (low, "price_below")
    holds(reached != now, f"{day} has a price that is not the present one")
    value = str(((reached + now) / 2).normalize())
    return await night.trader.call("POST", "/alerts", symbol=night.symbol, condition=condition, value=value)


async def _was_told(night: Night, alert: Json) -> None:
    """The alert fired once, and every signal, fill and alert is in the inbox and on every channel."""
    shown = await night.trader.until(f"/alerts/{alert['id']}", lambda found: found["status"] != "active")
    holds(shown["status"] == "triggered", f"the alert fired: {shown['status']}")
    notices = await notices_of(night.trader, {"signal_raised", "alert_triggered"})
    about = [notice for notice in notices if alert["id"] in str(notice["data"])]
    holds(len(about) == 1, f"the alert was told of once: {[notice['title'] for notice in about]}")
    signals = [notice for notice in notices if notice["kind"] == "signal_raised"]
    holds(len(signals) >= 2, "a notice tells of each signal")
    if night.channels is None:
        return
    await night.channels.expects([*about, *signals])
    kinds = ", ".join(place.kind for place in night.channels.places)
    night.tells(
        f"meanwhile an alert fired at {shown['triggered_price']}; "
        f"word of it and of {len(signals)} signals came by {kinds}",
        "services/notification/notification/watcher.py",
        "services/notification/notification/sender.py",
    )
