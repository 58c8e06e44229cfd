"""Lock an account for one more order, or say that there is none."""

from uuid import UUID

from kit.db import Session

from trading.domain.account import Account
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.store import accounts


async def lock_account(session: Session, owner: UUID, account_id: AccountId) -> Account:
    """Keep everybody else from ordering in an account until this transaction ends."""
    account = await accounts.lock_to_trade(session, owner, account_id)
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    return account
