"""Takes over somebody's accounts from another installation: `python -m trading.move_in [--rehearse] < accounts.json`.

One document: `{"owner": id, "accounts": [{"id", "name", "currency", "cash", "holdings": [{"symbol", "quantity",
"average_price"}]}]}`. All of a person's accounts come in one transaction, each once, however often this is run; a
rehearsal does the same and takes it back.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Annotated, Self
from uuid import UUID

from kit.clock import now  # tidy: allow clock because a command line is an entry, like app.py and worker.py
from kit.errors import AppError
from kit.money import Money
from kit.settings import load
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from quant.markets.listing import Currency, minor_unit

from trading.api.types import Price, Quantity, SymbolCode
from trading.config import Settings
from trading.domain.request import AccountId
from trading.resources import Resources, open_resources
from trading.usecases.deposit import CASH_MAX
from trading.usecases.open_account import ACCOUNTS_MAX, Opening
from trading.usecases.take_over_account import Holding, take_over_account

HOLDINGS_MAX = 2_000
NAME_LENGTH_MAX = 60


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HoldingIn(_Strict):
    """Shares, and what one cost on average."""

    symbol: SymbolCode
    quantity: Quantity
    average_price: Price


class AccountIn(_Strict):
    """An account under the id that it will always be moved to."""

    id: UUID
    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
    currency: Currency
    cash: Annotated[Money, Field(ge=0, le=CASH_MAX)]
    holdings: Annotated[list[HoldingIn], Field(max_length=HOLDINGS_MAX)]

    @model_validator(mode="after")
    def _payable(self) -> Self:
        if self.cash % minor_unit(self.currency):
            raise ValueError(f"{self.currency} is paid in steps of {minor_unit(self.currency)}")
        return self


class MovingIn(_Strict):
    """Everything of one person."""

    owner: UUID
    accounts: Annotated[list[AccountIn], Field(max_length=ACCOUNTS_MAX)]


class _TakenBack(Exception):
    """Ends the transaction of a rehearsal."""


async def move_in(resources: Resources, moving: MovingIn, *, rehearse: bool) -> int:
    """Take the accounts over; return how many were new. Nothing stays of a rehearsal, nor of a failure."""
    new = 0
    with suppress(_TakenBack):
        async with resources.database.owned(moving.owner) as session:
            for account in moving.accounts:
                opening = Opening(
                    id=AccountId(account.id),
                    name=account.name,
                    kind="paper",
                    currency=account.currency,
                    initial_cash=account.cash,
                )
                holdings = [
                    Holding(symbol=each.symbol, quantity=each.quantity, average_price=each.average_price)
                    for each in account.holdings
                ]
                new += await take_over_account(session, moving.owner, opening, holdings, now())
            if rehearse:
                raise _TakenBack
    return new


async def _run(moving: MovingIn, *, rehearse: bool) -> int:
    async with open_resources(load(Settings)) as resources:
        return await move_in(resources, moving, rehearse=rehearse)


def main() -> int:
    """Read the document, do it, say how many accounts were new."""
    try:
        moving = MovingIn.model_validate_json(sys.stdin.read())
        new = asyncio.run(_run(moving, rehearse="--rehearse" in sys.argv[1:]))
    except ValidationError as wrong:
        lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors(include_input=False)]
        sys.stderr.write("\n".join(lines) + "\n")
        return 1
    except AppError as failed:
        sys.stderr.write(f"{failed.detail}\n")
        return 1
    sys.stdout.write(f"{new}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
