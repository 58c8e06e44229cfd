"""The part of the story about money: what has settled, what the year's statement says, and the proof of the ledger."""

import asyncio
from decimal import Decimal

from tools import service_commands
from tools.native.layout import Layout
from tools.people import Json, Trader
from tools.story import Tells, holds


async def settlement(trader: Trader, currency: str, tells: Tells) -> None:
    """Show cash of today and of the days to come, and that what is not there yet cannot be withdrawn."""
    shown = await trader.call("GET", f"/trading/accounts/{trader.account_id}/balance")
    cash: Json = next(item for item in shown["items"] if item["currency"] == currency)
    holds(cash["pending"], "the day's trades wait for their settlement")
    holds(Decimal(cash["withdrawable"]) <= Decimal(cash["available"]), "no more can be withdrawn than is free")
    days = ", ".join(f"{item['settles_on']}: {item['incoming']} in, {item['outgoing']} out" for item in cash["pending"])
    tells(
        f"{cash['settled']} {currency} are settled today, {cash['settled_in_the_end']} when all is ({days}); "
        f"{cash['available']} buy at once, {cash['withdrawable']} may leave",
        "services/trading/trading/domain/settlement.py",
    )


async def statement(trader: Trader, currency: str, tells: Tells) -> None:
    """Show the realised gains of the year in which the sales settle."""
    history = await trader.call("GET", "/portfolio/closed-trades")
    sale = next(item for item in history["items"] if item["currency"] == currency)
    year = sale["settlement_date"][:4]
    stated = await trader.call("GET", f"/portfolio/tax?year={year}")
    total = next(item for item in stated["totals"] if item["currency"] == currency)
    holds(Decimal(total["profit"]) == Decimal(sale["realized_profit"]), "the statement is what the sale realised")
    grown = await trader.call("GET", "/portfolio/performance")
    course = next(item for item in grown["items"] if item["currency"] == currency)
    tells(
        f"the statement of {year}: sold {total['sold']} {currency}, cost {total['cost']}, fee {total['fee']}, "
        f"tax {total['tax']}, profit {total['profit']}; the account returned {course['time_weighted_return']:.2%}",
        "services/trading/trading/domain/statement.py",
        "libs/quant/quant/performance.py",
    )


async def proof(layout: Layout, tells: Tells) -> None:
    """Have every account rebuilt from its first entry."""
    status, said = await asyncio.to_thread(service_commands.prove_ledger, layout)
    holds(status == 0, f"every account is what its entries add up to:\n{said}")
    accounts = len(said.splitlines())
    tells(
        f"./exodus ledger prove: {accounts} account(s) rebuilt from the first entry, each equal to what is stored",
        "services/trading/trading/usecases/prove_account.py",
    )
