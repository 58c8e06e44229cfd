"""An account of another installation comes whole, once, and its books prove themselves."""

from decimal import Decimal
from uuid import UUID

import pytest
from kit.db import Database
from kit.ids import new_id
from pydantic import ValidationError
from trading.domain.request import AccountId
from trading.errors import AccountLimit
from trading.move_in import MovingIn, move_in
from trading.resources import Resources
from trading.store import accounts, positions
from trading.usecases.open_account import ACCOUNTS_MAX
from trading.usecases.prove_account import prove_account


def moving(owner: UUID, *account_ids: UUID, **changes: object) -> MovingIn:
    account = {
        "name": "모의투자",
        "currency": "KRW",
        "cash": "10000000",
        "holdings": [
            {"symbol": "005930", "quantity": "10", "average_price": "56100.55"},
            {"symbol": "000660", "quantity": "3", "average_price": "180000"},
        ],
    } | changes
    return MovingIn.model_validate({"owner": owner, "accounts": [{"id": each, **account} for each in account_ids]})


class _Only:
    """Resources of which only the database is used."""

    def __init__(self, database: Database) -> None:
        self.database = database


async def moves(database: Database, what: MovingIn, *, rehearse: bool = False) -> int:
    resources: Resources = _Only(database)  # type: ignore[assignment]
    return await move_in(resources, what, rehearse=rehearse)


async def test_an_account_comes_with_cash_and_holdings_once_and_proves_itself(database: Database) -> None:
    owner, account_id = new_id(), AccountId(new_id())
    assert await moves(database, moving(owner, account_id)) == 1
    assert await moves(database, moving(owner, account_id)) == 0, "moved again, it is the same"
    async with database.owned(owner) as session:
        balance = await accounts.find_balance(session, owner, account_id, "KRW")
        samsung = await positions.find(session, owner, account_id, "005930")
    async with database.system() as session:
        proof = await prove_account(session, owner, account_id)
    assert balance.cash == Decimal(10_000_000)
    assert samsung is not None
    assert (samsung.quantity, samsung.cost) == (Decimal(10), Decimal(561006)), "cost in whole won"
    assert proof.holds


async def test_nothing_stays_of_a_rehearsal_nor_of_a_person_of_whom_one_account_does_not_fit(
    database: Database,
) -> None:
    owner = new_id()
    assert await moves(database, moving(owner, new_id()), rehearse=True) == 1
    assert await moves(database, moving(owner, *(new_id() for _ in range(ACCOUNTS_MAX - 1)))) == ACCOUNTS_MAX - 1
    with pytest.raises(AccountLimit):
        await moves(database, moving(owner, new_id(), new_id()))
    async with database.owned(owner) as session:
        assert len(await accounts.list_ids(session, owner)) == ACCOUNTS_MAX - 1


@pytest.mark.parametrize("change", [{"cash": "-1"}, {"cash": "0.5"}, {"currency": "EUR"}, {"name": ""}])
def test_an_account_that_the_api_would_refuse_is_refused_here(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        moving(new_id(), new_id(), **change)
