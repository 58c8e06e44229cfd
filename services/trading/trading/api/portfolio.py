"""Positions, and the portfolio they make with the cash."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Self
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.errors import AUTHENTICATED, responses
from kit.money import Money
from kit.pagination import Page, PageRequest, encode_cursor
from pydantic import BaseModel
from quant.markets.listing import Currency, Market

from trading.api.cursors import id_and_text_of
from trading.api.types import OpenResources, Sum
from trading.domain.account import Balance
from trading.domain.portfolio import Valued
from trading.domain.position import Position
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.resources import Resources
from trading.store import accounts, positions

POSITIONS_MAX = 5_000
"""How many positions a summary adds up: more than there are instruments to trade."""

router = APIRouter(prefix="/api/v1", tags=["trading"], responses=AUTHENTICATED)


class PositionShown(BaseModel):
    """Shares of one instrument. Without a last price, `valued_at` is `average_price`: the value is then the cost."""

    account_id: UUID
    symbol: str
    market: Market
    currency: Currency
    quantity: Money
    held: Money
    sellable: Money
    average_price: Money
    cost: Sum
    last_price: Money | None
    valued_at: Literal["last_price", "average_price"]
    market_value: Sum
    unrealized_profit: Sum
    unrealized_percent: Sum | None
    realized_profit: Money

    @classmethod
    def of(cls, valued: Valued) -> Self:
        """Show a valued position."""
        position = valued.position
        return cls(
            account_id=position.account_id,
            symbol=position.symbol,
            market=position.market,
            currency=position.currency,
            quantity=position.quantity,
            held=position.held,
            sellable=position.quantity - position.held,
            average_price=position.average_price,
            cost=position.cost,
            last_price=valued.last_price,
            valued_at=valued.valued_at,
            market_value=valued.market_value,
            unrealized_profit=valued.unrealized_profit,
            unrealized_percent=valued.unrealized_percent,
            realized_profit=position.realized_profit,
        )


class CurrencyShown(BaseModel):
    """All money of one currency; `total` is cash and market value."""

    currency: Currency
    cash: Sum
    held: Sum
    available: Sum
    market_value: Sum
    unrealized_profit: Sum
    realized_profit: Sum
    total: Sum


class SummaryShown(BaseModel):
    """The portfolio now."""

    currencies: list[CurrencyShown]
    positions: list[PositionShown]


@router.get("/trading/positions")
async def get_positions(
    user: CurrentUser, resources: OpenResources, page: PageRequest, account_id: UUID | None = None
) -> Page[PositionShown]:
    """List what is in hand, by account and symbol, with the last price where one is known."""
    async with resources.database.owned(user.user_id) as session:
        found = await positions.list_page(
            session,
            user.user_id,
            after=id_and_text_of(page.cursor),
            limit=page.limit + 1,
            account_id=AccountId(account_id) if account_id else None,
        )
    last = found[page.limit - 1] if len(found) > page.limit else None
    more = encode_cursor(str(last.account_id), last.symbol) if last else None
    valued = await _valued(resources, found[: page.limit])
    return Page(items=[PositionShown.of(item) for item in valued], next_cursor=more)


@router.get("/portfolio/summary", responses=responses(AccountNotFound))
async def get_portfolio_summary(
    user: CurrentUser, resources: OpenResources, account_id: UUID | None = None
) -> SummaryShown:
    """Sum up one account, or all: cash, value and profit by currency, and every position in hand."""
    balances, valued = await holdings_of(resources, user.user_id, account_id)
    in_use = sorted({*(item.currency for item in balances), *(item.position.currency for item in valued)})
    return SummaryShown(
        currencies=[_currency(currency, balances, valued) for currency in in_use],
        positions=[PositionShown.of(item) for item in valued if item.position.quantity],
    )


async def holdings_of(resources: Resources, owner: UUID, account_id: UUID | None) -> tuple[list[Balance], list[Valued]]:
    """Read the cash and the valued positions of one account, or of all."""
    account = AccountId(account_id) if account_id else None
    async with resources.database.owned(owner) as session:
        if account and await accounts.find(session, owner, account) is None:
            raise AccountNotFound("You have no account of this id.")
        balances = await accounts.list_balances(session, owner, account)
        found = await positions.list_all(session, owner, positions_max=POSITIONS_MAX, account_id=account)
    return balances, await _valued(resources, found)


async def _valued(resources: Resources, found: Sequence[Position]) -> list[Valued]:
    quotes = await resources.quotes.find_many(sorted({item.symbol for item in found if item.quantity}))
    prices = {symbol: quote.price for symbol, quote in quotes.items()}
    return [Valued(position=item, last_price=prices.get(item.symbol)) for item in found]


def _currency(currency: Currency, balances: Sequence[Balance], valued: Sequence[Valued]) -> CurrencyShown:
    cash = [item for item in balances if item.currency == currency]
    worth = [item for item in valued if item.position.currency == currency]
    market_value = sum((item.market_value for item in worth), Decimal(0))
    all_cash = sum((item.cash for item in cash), Decimal(0))
    return CurrencyShown(
        currency=currency,
        cash=all_cash,
        held=sum((item.held for item in cash), Decimal(0)),
        available=sum((item.available for item in cash), Decimal(0)),
        market_value=market_value,
        unrealized_profit=sum((item.unrealized_profit for item in worth), Decimal(0)),
        realized_profit=sum((item.position.realized_profit for item in worth), Decimal(0)),
        total=all_cash + market_value,
    )
