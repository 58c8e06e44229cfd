"""Prove an account: rebuild what it has from its first entry, and compare it with what is stored."""

from uuid import UUID

from kit.db import Session

from trading.domain.history import positions_of
from trading.domain.proof import Proof, differences, hash_of, rebuilt, stored
from trading.domain.request import AccountId
from trading.store import accounts, history, ledger, positions, proofs, unsettled

POSITIONS_MAX = 10_000
"""Positions of one account, those sold out included: more than there are instruments to trade."""


async def prove_account(session: Session, owner: UUID, account_id: AccountId) -> Proof:
    """Compare both sides as of one moment, without stopping anybody. The first thing in its transaction."""
    await proofs.find_moment(session, owner)
    wanted = history.Wanted(account_id=account_id)
    folded = positions_of(account_id, await history.list_bookings(session, owner, wanted))
    held = await proofs.list_held(session, owner, account_id)
    should = rebuilt(await ledger.list_books(session, owner, account_id), folded.values(), held)
    found = await positions.list_all(session, owner, positions_max=POSITIONS_MAX, account_id=account_id)
    has = stored(
        await accounts.list_balances(session, owner, account_id),
        found,
        await unsettled.list_pending(session, owner, account_id),
        held,
    )
    return Proof(
        owner=owner,
        account_id=account_id,
        entries=await proofs.find_entries(session, owner, account_id),
        rebuilt_hash=hash_of(should),
        stored_hash=hash_of(has),
        differences=differences(should, has),
        faults=await proofs.list_faults(session, owner, account_id),
    )
