"""Take an account over from another installation: open it with its cash, and put in what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from quant.markets.listing import currency_of, minor_unit
from quant.markets.symbols import normalise

from trading.store import accounts
from trading.usecases.correct_account import Correction, Shares, correct_account
from trading.usecases.open_account import Opening, open_account


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares as the other installation shows them, and what one of them cost on average."""

    symbol: str
    quantity: Decimal
    average_price: Decimal


async def take_over_account(
    session: Session, owner: UUID, opening: Opening, holdings: Sequence[Holding], now: datetime
) -> bool:
    """Open it, cash and holdings in one transaction; False when an account of this id was taken over before.

    What it holds are corrections of its books, as what a broker shows is: nobody can prove the trades behind them.
    """
    if await accounts.find(session, owner, opening.id) is not None:
        return False
    await open_account(session, owner, opening, now)
    for holding in holdings:
        currency = currency_of(normalise(holding.symbol).market)
        cost = (holding.quantity * holding.average_price).quantize(minor_unit(currency))
        correction = Correction(
            id=f"takeover:{holding.symbol}",
            account_id=opening.id,
            currency=currency,
            shares=Shares(symbol=holding.symbol, quantity=holding.quantity, cost=cost),
        )
        await correct_account(session, owner, correction, now)
    return True
