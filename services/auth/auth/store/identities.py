"""Identities at other providers, and log-ins there that are under way."""

from datetime import datetime
from typing import NamedTuple

from kit.db import Session as Transaction
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from auth.domain.identity import FLOW_TTL, IDENTITIES_MAX, TICKET_TTL, Claimed, IdentityId, IdentityShown
from auth.domain.user import UserId
from auth.store.tables import identities, oauth_flows, oauth_tickets

SHARED = "a log-in under way belongs to a browser, and an identity says whose it is"


class Flow(NamedTuple):
    """A log-in under way: what it is bound to, and who wants to link it, if anybody does."""

    digest: bytes
    browser: bytes
    provider: str
    nonce: str
    sealed: bytes
    owner: UserId | None


async def save_flow(session: Transaction, flow: Flow, now: datetime) -> None:
    """Save a log-in that begins."""
    values = flow._asdict()
    values["user_id"] = values.pop("owner")
    await session.execute(insert(oauth_flows).values(**values, expires_at=now + FLOW_TTL))


async def delete_flow(session: Transaction, digest: bytes, browser: bytes, provider: str, now: datetime) -> Flow | None:
    """Use a log-in up; None when this browser has begun none with this provider a moment ago."""
    statement = delete(oauth_flows).where(
        oauth_flows.c.digest == digest,
        oauth_flows.c.browser == browser,
        oauth_flows.c.provider == provider,
        oauth_flows.c.expires_at > now,
    )
    row = (await session.execute(statement.returning(oauth_flows))).one_or_none()
    if row is None:
        return None
    owner = None if row.user_id is None else UserId(row.user_id)
    return Flow(row.digest, row.browser, row.provider, row.nonce, row.sealed, owner)


async def save_ticket(session: Transaction, owner: UserId, digest: bytes, browser: bytes, now: datetime) -> None:
    """Save a ticket by which this browser finishes the log-in."""
    values = {"digest": digest, "browser": browser, "user_id": owner, "expires_at": now + TICKET_TTL}
    await session.execute(insert(oauth_tickets).values(values))


async def lock_ticket(session: Transaction, digest: bytes, browser: bytes, now: datetime) -> UserId | None:
    """Lock a ticket; None when this browser has none like it."""
    statement = select(oauth_tickets.c.user_id).where(
        oauth_tickets.c.digest == digest, oauth_tickets.c.browser == browser, oauth_tickets.c.expires_at > now
    )
    owner = await session.scalar(statement.with_for_update())
    return None if owner is None else UserId(owner)


async def delete_ticket(session: Transaction, digest: bytes) -> None:
    """Use a ticket up."""
    await session.execute(delete(oauth_tickets).where(oauth_tickets.c.digest == digest))


async def find_owner(session: Transaction, claimed: Claimed) -> UserId | None:
    """Find whose an identity is."""
    mine = identities.c.issuer == claimed.issuer, identities.c.subject == claimed.subject
    owner = await session.scalar(select(identities.c.owner_id).where(*mine))
    return None if owner is None else UserId(owner)


async def save(session: Transaction, owner: UserId, identity_id: IdentityId, claimed: Claimed, now: datetime) -> bool:
    """Link an identity; False when it is linked already, or the owner has another one there."""
    statement = insert(identities).values(
        id=identity_id,
        owner_id=owner,
        provider=claimed.provider,
        issuer=claimed.issuer,
        subject=claimed.subject,
        email=claimed.email,
        linked_at=now,
    )
    return (await session.execute(statement.on_conflict_do_nothing())).rowcount == 1


async def list_shown(session: Transaction, owner: UserId) -> list[IdentityShown]:
    """List the owner's identities, the newest first."""
    shown = select(identities.c.id, identities.c.provider, identities.c.email, identities.c.linked_at)
    mine = shown.where(identities.c.owner_id == owner).order_by(identities.c.linked_at.desc()).limit(IDENTITIES_MAX)
    rows = await session.execute(mine)
    return [IdentityShown(IdentityId(row.id), row.provider, row.email, row.linked_at) for row in rows]


async def delete_one(session: Transaction, owner: UserId, wanted: IdentityId) -> bool:
    """Unlink one of the owner's identities; False when there is none of this id."""
    statement = delete(identities).where(identities.c.owner_id == owner, identities.c.id == wanted)
    return (await session.execute(statement)).rowcount == 1


async def delete_all(session: Transaction, owner: UserId) -> int:
    """Unlink all of the owner's identities; return how many there were."""
    return (await session.execute(delete(identities).where(identities.c.owner_id == owner))).rowcount
