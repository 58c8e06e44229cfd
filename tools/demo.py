"""`make demo`: one person's story, from sign-up to profit, through the gateway and on real prices.

Each step prints what happened and names the file that did it. The first step that does not hold ends the story with
exit status 1; the platform stays up either way.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from quant.markets.ticks import ceil_to_tick
from rich.console import Console

from tools import cli, demo_automation, demo_channels, demo_money
from tools.demo_prices import Prices, prices_from
from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout
from tools.people import Admin, Gateway, Json, Listener, Refused, Trader
from tools.story import StoryBroke, holds

REPLAY_SECONDS = 20
OPEN_SECONDS = 3_600
OPEN_SYMBOLS_MAX = 20
LOOK_BACK = timedelta(days=365)
GOOD_DAY = Decimal("1.025")
WORTH_SELLING = Decimal("1.01")
BACKTEST_SECONDS_MAX = 60
STARTING_CASH = Decimal(10_000_000)
US_CASH = Decimal(10_000)

console = Console(highlight=False, soft_wrap=True)


@dataclass
class Story:
    """Everything the steps learn on the way."""

    gateway: Gateway
    layout: Layout
    prices: Prices
    began: float = field(default_factory=time.monotonic)
    trader: Trader = field(init=False)
    admin: Admin = field(init=False)
    account: Listener = field(init=False)
    quotes: Listener = field(init=False)
    strategy_id: str = ""
    backtest_id: str = ""
    replay_id: str = ""

    def tells(self, what: str, *files: str) -> None:
        """Print a step that held, and the files that did it."""
        console.print(f"[green]✓[/] [dim]{time.monotonic() - self.began:5.1f} s[/]  {what}")
        for file in files:
            console.print(f"             [dim]{file}[/]")


async def signs_up(story: Story) -> None:
    story.trader = await Trader.sign_up(story.gateway)
    profile = await story.trader.call("GET", "/users/profile")
    holds(profile["email"] == story.trader.email, "the profile shows the address signed up with")
    told = await story.trader.call("GET", "/notifications/preferences")
    await story.trader.call("PUT", "/notifications/preferences", **told | {"language": profile["language"]})
    story.tells(
        f"{story.trader.name} signed up as {story.trader.email} and logged in",
        "services/auth/auth/usecases/register_user.py",
        "gateway/njs/ (ES256 at the edge)",
    )


async def operator_imports(story: Story) -> None:
    story.admin = await cli.admin_for_demo(story.gateway, story.layout)
    prices = story.prices
    form = {"market": prices.market, "board": prices.board, "source": "demo"}
    if prices.names:
        form["names"] = cli.dumps(prices.names)
    report = await story.admin.imports(prices.folder, form)
    holds(report["rows"] > 0, "the import reports rows")
    story.tells(
        f"the operator imported {report['rows']:,} daily bars of {report['symbols']} symbols from {prices.folder}",
        "services/market/market/usecases/import_bars.py",
    )


async def opens_an_account(story: Story) -> None:
    await story.trader.opens_account("KRW", STARTING_CASH)
    if story.prices.currency == "USD":
        await story.trader.deposits("USD", US_CASH)
    balance = await story.trader.call("GET", f"/trading/accounts/{story.trader.account_id}/balance")
    cash = {item["currency"]: Decimal(item["available"]) for item in balance["items"]}
    holds(cash["KRW"] == STARTING_CASH, "10,000,000 KRW are available")
    shown = ", ".join(f"{amount:,} {currency}" for currency, amount in sorted(cash.items()))
    story.tells(f"opened a paper account with {shown}", "services/trading/trading/usecases/open_account.py")


async def a_day_that_rose(story: Story) -> Json:
    """Choose the newest stored day that closed well above its open: a story should end with a profit."""
    symbol = story.prices.symbol
    stock = await story.trader.call("GET", f"/market/stocks/{symbol}")
    since = date.fromisoformat(stock["last_day"]) - LOOK_BACK
    chart = await story.trader.call("GET", f"/market/charts/{symbol}?interval=1d&from={since}")
    rising = [
        bar for bar in chart["items"] if not bar["halted"] and Decimal(bar["close"]) >= Decimal(bar["open"]) * GOOD_DAY
    ]
    holds(rising, f"one of the last {LOOK_BACK.days} days of {symbol} rose well above its open")
    found: Json = rising[-1]
    return found


async def replay_begins(story: Story) -> None:
    symbol = story.prices.symbol
    day = str((await a_day_that_rose(story))["time"])[:10]
    story.replay_id = (await story.admin.replays([symbol], day, REPLAY_SECONDS))["id"]
    await story.quotes.says(action="subscribe", symbols=[symbol], channels=["quote"])
    quote = await story.quotes.until(
        lambda message: (
            message["type"] == "quote"
            and message["symbol"] == symbol
            and message["session"] == "regular"
            and message["trading_date"] == day
        )
    )
    story.tells(
        f"{day} is replayed as a live session; a quote arrived: {symbol} {quote['price']} "
        f"(bid {quote['bid']}, ask {quote['ask']})",
        "services/market/market/domain/replay.py",
        "services/market/market/api/stream.py",
    )


async def latest_quote(story: Story) -> Json:
    await story.quotes.catches_up()
    return next(m for m in reversed(story.quotes.heard) if m["type"] == "quote" and m["symbol"] == story.prices.symbol)


async def is_denied(story: Story) -> None:
    ask = (await latest_quote(story))["ask"]
    try:
        await story.trader.buys(story.prices.symbol, story.prices.too_many, limit_price=ask)
    except Refused as refused:
        holds(refused.status == 422 and refused.code == "insufficient_cash", f"denied for want of cash, not {refused}")
        order = await story.trader.call("GET", f"/trading/orders/{refused.problem['order_id']}")
        holds(order["status"] == "denied", "the denied order is kept")
        story.tells(
            f"an order for {story.prices.too_many} shares was denied: {refused.problem['detail']}",
            "services/trading/trading/domain/risk.py",
        )
        return
    raise StoryBroke("an order beyond the cash must be denied")


async def filled(story: Story, order: Json) -> Json:
    await story.account.until(
        lambda message: (
            message["type"] == "order"
            and message["data"]["id"] == order["id"]
            and message["data"]["status"] == "filled"
        )
    )
    done = await story.trader.until_order(order["id"])
    holds(Decimal(done["filled_quantity"]) == Decimal(order["quantity"]), "filled in full")
    return done


async def buys_at_market(story: Story) -> None:
    order = await story.trader.buys(story.prices.symbol, story.prices.quantity)
    done = await filled(story, order)
    story.tells(
        f"bought {done['filled_quantity']} at market for {done['average_price']} each, fee {done['fee']}; "
        "word came over /ws/account",
        "services/trading/trading/usecases/place_order.py",
        "services/broker/broker/usecases/submit_order.py",
        "services/trading/trading/usecases/record_execution.py",
        "services/notification/notification/api/account_stream.py",
    )


async def buys_at_a_limit(story: Story) -> None:
    quote = await latest_quote(story)
    day = date.fromisoformat(quote["trading_date"])
    limit = ceil_to_tick(Decimal(quote["ask"]) * Decimal("1.02"), quote["board"], quote["kind"], day)
    order = await story.trader.buys(story.prices.symbol, story.prices.quantity, limit_price=str(limit))
    done = await filled(story, order)
    holds(Decimal(done["average_price"]) <= limit, "never worse than the limit")
    story.tells(
        f"bought {done['filled_quantity']} with a limit of {limit}, at {done['average_price']}",
        "libs/quant/quant/matching/exchange.py",
    )


async def position_of(story: Story) -> Json:
    positions = await story.trader.call("GET", f"/trading/positions?account_id={story.trader.account_id}")
    found: Json = next(item for item in positions["items"] if item["symbol"] == story.prices.symbol)
    return found


async def looks_at_the_books(story: Story) -> None:
    position = await position_of(story)
    holds(Decimal(position["quantity"]) == 2 * story.prices.quantity, "the position holds both buys")
    ledger = await story.trader.call("GET", f"/trading/accounts/{story.trader.account_id}/ledger?limit=200")
    holds(ledger["items"], "the ledger has entries")
    notices = await story.trader.until("/notifications", lambda shown: len(shown["items"]) >= 3)
    story.tells(
        f"position {position['quantity']} at {position['average_price']} on average; {len(ledger['items'])} ledger "
        f"transactions; {len(notices['items'])} notices",
        "services/trading/trading/domain/position.py",
        "services/trading/trading/domain/ledger.py",
        "services/notification/notification/subscriptions.py",
    )


async def sells_half(story: Story) -> None:
    before = await position_of(story)
    await story.quotes.catches_up()
    hoped_for = Decimal(before["average_price"]) * WORTH_SELLING
    await story.quotes.until(
        lambda message: message["type"] == "quote" and Decimal(message["bid"] or 0) >= hoped_for,
        since=len(story.quotes.heard),
        patience=REPLAY_SECONDS,
    )
    done = await filled(story, await story.trader.sells(story.prices.symbol, story.prices.quantity))
    after = await position_of(story)
    cost = Decimal(before["average_price"]) * story.prices.quantity
    proceeds = Decimal(done["average_price"]) * story.prices.quantity
    profit = Decimal(after["realized_profit"])
    expected = proceeds - cost - Decimal(done["fee"]) - Decimal(done["tax"])
    holds(Decimal(after["quantity"]) == story.prices.quantity, "half is left")
    holds(profit > 0, "selling higher than buying leaves a profit after fee and tax")
    holds(abs(profit - expected) <= 1, f"the profit {profit} is proceeds less cost, fee and tax: {expected}")
    summary = await story.trader.call("GET", "/portfolio/summary")
    holds(summary, "the portfolio adds up")
    story.tells(
        f"sold half at {done['average_price']}: fee {done['fee']}, tax {done['tax']}, realised profit {profit} "
        f"{story.prices.currency}",
        "libs/quant/quant/fees.py",
        "services/trading/trading/domain/portfolio.py",
    )


async def shows_the_money(story: Story) -> None:
    for part in (demo_money.settlement, demo_money.statement):
        await part(story.trader, story.prices.currency, story.tells)
    await demo_money.proof(story.layout, story.tells)


async def gets_an_alert(story: Story) -> None:
    symbol = story.prices.symbol
    price = Decimal((await latest_quote(story))["price"])
    alert = await story.trader.call(
        "POST", "/alerts", symbol=symbol, condition="price_above", value=str(price * Decimal("0.9"))
    )
    notice = await story.account.until(
        lambda message: message["type"] == "notice" and alert["id"] in str(message["data"])
    )
    story.tells(
        f"a price alert came: {notice['data'].get('title') or notice['data']}",
        "services/notification/notification/usecases/settle_alerts.py",
    )


async def backtests(story: Story) -> None:
    trader, symbol = story.trader, story.prices.symbol
    strategy = await trader.call(
        "POST",
        "/backtest/strategies",
        name="RSI with the trend",
        entry="rsi(14) < 45 and sma(20) > sma(50)",
        exit="rsi(14) > 70",
        stop_loss="0.05",
    )
    story.strategy_id = strategy["id"]
    run = await trader.call("POST", "/backtest/run", strategy_id=strategy["id"], symbol=symbol)
    result = await finished(story, run)
    story.backtest_id = run["id"]
    story.tells(
        f"backtest of “{strategy['entry']}” on {symbol}: {said(result['metrics'])}",
        "services/backtest/backtest/usecases/execute_run.py",
        "libs/quant/quant/rules/",
    )
    sweep = await trader.call(
        "POST",
        "/backtest/optimize",
        symbol=symbol,
        entry="crosses_above(sma({fast}), sma({slow}))",
        exit="crosses_below(sma({fast}), sma({slow}))",
        parameters={"fast": [5, 10, 15, 20, 25, 30], "slow": [40, 50, 60, 80, 100, 120]},
    )
    best = await finished(story, sweep)
    story.tells(
        f"a sweep of {best['trials']} moving-average pairs; the best was {best['best']['parameters']}: "
        f"{said(best['best']['metrics'])}",
        "libs/quant/quant/backtest/",
    )


async def finished(story: Story, job: Json) -> Json:
    shown = await story.trader.until(
        f"/backtest/jobs/{job['id']}", lambda job: job["status"] in {"done", "failed"}, BACKTEST_SECONDS_MAX
    )
    holds(shown["status"] == "done", f"the job ended well: {shown}")
    return await story.trader.call("GET", f"/backtest/results/{job['id']}")


def said(metrics: dict[str, Any]) -> str:
    percent = {
        key: f"{float(metrics[key]):.1%}" for key in ("total_return", "max_drawdown") if metrics.get(key) is not None
    }
    return f"{metrics['trades']} trades, return {percent['total_return']}, drawdown {percent['max_drawdown']}"


async def publishes(story: Story) -> None:
    version = await story.trader.call("POST", f"/backtest/strategies/{story.strategy_id}/publish")
    holds(version["version"] == 1, "the first published version is 1")
    story.tells("published the strategy as version 1", "services/backtest/backtest/usecases/publish_strategy.py")


async def sleeps(story: Story) -> None:
    trades = await story.trader.call("GET", f"/backtest/results/{story.backtest_id}/trades?limit=500")
    channels = await demo_channels.connects(story.trader, story.layout, story.tells)
    night = demo_automation.Night(
        trader=story.trader,
        admin=story.admin,
        account=story.account,
        symbol=story.prices.symbol,
        currency=story.prices.currency,
        strategy_id=story.strategy_id,
        running_replay=story.replay_id,
        trades=trades["items"],
        tells=story.tells,
        channels=channels,
    )
    await demo_automation.automates(night)


async def leaves_the_market_open(story: Story) -> None:
    """Whoever comes to the page next can trade: the newest session moves for an hour and stays open for a day."""
    newest = (await story.trader.call("GET", f"/market/stocks/{story.prices.symbol}"))["last_day"]
    listed = await story.trader.call("GET", f"/market/stocks?market={story.prices.market}&limit={OPEN_SYMBOLS_MAX}")
    traded = {stock["symbol"] for stock in listed["items"] if stock["last_day"] == newest} | {story.prices.symbol}
    await story.admin.replays(sorted(traded), newest, OPEN_SECONDS)
    await story.trader.until(f"/market/quotes/{story.prices.symbol}", lambda quote: quote["trading_date"] == newest)
    story.tells(f"{newest} is replayed for you: prices move, and orders are taken")


BEFORE_THE_STREAMS: tuple[Callable[[Story], Awaitable[None]], ...] = (signs_up, operator_imports, opens_an_account)
WITH_THE_STREAMS: tuple[Callable[[Story], Awaitable[None]], ...] = (
    replay_begins,
    is_denied,
    buys_at_market,
    buys_at_a_limit,
    looks_at_the_books,
    sells_half,
    shows_the_money,
    gets_an_alert,
    backtests,
    publishes,
    sleeps,
    leaves_the_market_open,
)


async def tell(story: Story) -> None:
    """Run every step in order."""
    for step in BEFORE_THE_STREAMS:
        await step(story)
    async with story.trader.listens("/ws/account") as account, story.trader.listens("/ws/market") as quotes:
        story.account, story.quotes = account, quotes
        for step in WITH_THE_STREAMS:
            await step(story)
    await story.trader.leave()
    await story.admin.leave()


def main() -> int:
    """Tell the story on the running stack."""
    try:
        layout = Layout.from_environment(os.environ)
        prices = prices_from(os.environ.get("DATA"), layout.directory / "demo")
        story = Story(cli.gateway_of(layout), layout, prices)
        asyncio.run(tell(story))
    except (StoryBroke, Refused, StackError, TimeoutError, OSError) as broke:
        console.print(f"[red]✗ the story broke:[/] {type(broke).__name__}: {broke}")
        console.print("[dim]look at: make status, make logs[/]")
        return 1
    console.print(
        f"\nThe story held, from sign-up to a strategy that trades by itself. The platform runs on: {story.gateway.url}"
    )
    console.print(f"Open it in a browser, and log in as {story.trader.email} with the password {story.trader.password}")
    console.print("[dim]The certificate is this machine's own: the browser asks once. Stop it with: make down[/]")
    console.print(f"[dim]Follow one order through the code: {ROOT / 'docs' / 'tour.md'}[/]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
