"""What administrators see and change: accounts, what they may do, and the audit log."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from kit.auth import Admin, RecentUser
from kit.clock import now
from kit.db import SystemSession
from kit.errors import AUTHENTICATED, NotFound, responses
from kit.pagination import BadCursor, Page, PageRequest, decode_cursor, encode_cursor
from pydantic import BaseModel, ConfigDict

from auth.api.permissions import PermissionsShown
from auth.domain.audit import AuditEntry, Sealed
from auth.domain.rights import Permissions
from auth.domain.user import Role, User, UserId
from auth.errors import LastAdmin
from auth.store import audit, system
from auth.store.audit import Wanted
from auth.usecases.change_rights import Change, change_rights
from auth.usecases.propose_rights import propose_rights

SEARCH_LENGTH_MAX = 100
WORD_LENGTH_MAX = 64
PRINTABLE = r"^[^\x00-\x1f]*$"

router = APIRouter(prefix="/api/v1/admin", tags=["admin"])


class RoleChange(BaseModel):
    """Another role."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class AccountShown(BaseModel):
    """An account, as administrators see it."""

    id: UUID
    email: str
    name: str
    role: Role
    permissions: PermissionsShown
    locked: bool
    created_at: datetime


class UsageShown(BaseModel):
    """What somebody has open, and how often the audit log names them."""

    sessions: int
    api_keys: int
    audit_entries: int


class AuditShown(BaseModel):
    """One entry of the audit log."""

    position: int
    occurred_at: datetime
    actor: str
    action: str
    subject: str
    old: dict[str, Any]
    new: dict[str, Any]
    address: str
    request_id: str
    hash: str


@router.get("/users", responses=AUTHENTICATED)
async def list_users(
    admin: Admin,
    session: SystemSession,
    page: PageRequest,
    query: Annotated[str | None, Query(max_length=SEARCH_LENGTH_MAX, pattern=PRINTABLE)] = None,
) -> Page[AccountShown]:
    """List accounts, all or those whose address or name holds a text; that somebody looked is kept."""
    after = None if page.cursor is None else _user_id(page.cursor)
    found = await system.list_users(session, after, page.limit + 1, query)
    await audit.record(session, now(), AuditEntry(str(admin.user_id), "users_listed", query or "all"))
    more = encode_cursor(str(found[page.limit - 1].id)) if len(found) > page.limit else None
    return Page(items=[shown(user) for user in found[: page.limit]], next_cursor=more)


@router.get("/users/{user_id}", responses={**AUTHENTICATED, **responses(NotFound)})
async def get_user(user_id: UUID, admin: Admin, session: SystemSession) -> AccountShown:
    """Show an account; that somebody looked is kept."""
    user = await system.find_user_by_id(session, UserId(user_id))
    await audit.record(session, now(), AuditEntry(str(admin.user_id), "user_read", str(user_id)))
    return shown(user)


@router.get("/users/{user_id}/usage", responses={**AUTHENTICATED, **responses(NotFound)})
async def get_usage(user_id: UUID, admin: Admin, session: SystemSession) -> UsageShown:
    """Show what an account has open; that somebody looked is kept."""
    shown(await system.find_user_by_id(session, UserId(user_id)))
    await audit.record(session, now(), AuditEntry(str(admin.user_id), "usage_read", str(user_id)))
    return UsageShown.model_validate(await system.find_usage(session, UserId(user_id), now()))


CHANGES: dict[int | str, dict[str, Any]] = {**AUTHENTICATED, **responses(NotFound, LastAdmin)}


@router.put("/users/{user_id}/role", responses=CHANGES)
async def put_role(
    user_id: UUID, body: RoleChange, admin: Admin, _recent: RecentUser, session: SystemSession
) -> AccountShown:
    """Give an account another role; its older tokens are worthless within seconds. `admin` is proposed only."""
    return await _propose(session, admin.user_id, user_id, lambda user: replace(user, role=body.role))


@router.put("/users/{user_id}/permissions", responses=CHANGES)
async def put_permissions(
    user_id: UUID, body: PermissionsShown, admin: Admin, _recent: RecentUser, session: SystemSession
) -> AccountShown:
    """Set everything an account may do besides its role; its older tokens are worthless within seconds.

    More real money and more orders a day are proposed only, and the answer shows what holds until somebody agrees.
    """
    permissions = Permissions(**body.model_dump())
    return await _propose(session, admin.user_id, user_id, lambda user: replace(user, permissions=permissions))


@router.post("/users/{user_id}/lock", responses=CHANGES)
async def lock(user_id: UUID, admin: Admin, _recent: RecentUser, session: SystemSession) -> AccountShown:
    """Close an account: its sessions end, and nobody logs in."""
    moment = now()
    return await _change(
        session, admin.user_id, user_id, lambda user: replace(user, locked_at=user.locked_at or moment)
    )


@router.post("/users/{user_id}/unlock", responses=CHANGES)
async def unlock(user_id: UUID, admin: Admin, _recent: RecentUser, session: SystemSession) -> AccountShown:
    """Open an account again."""
    return await _change(session, admin.user_id, user_id, lambda user: replace(user, locked_at=None))


@router.get("/audit", responses=AUTHENTICATED)
async def list_audit(
    admin: Admin,
    session: SystemSession,
    page: PageRequest,
    action: Annotated[str | None, Query(max_length=WORD_LENGTH_MAX, pattern=PRINTABLE)] = None,
    user_id: UUID | None = None,
) -> Page[AuditShown]:
    """List what happened, newest first, all or by one actor; that somebody looked is kept."""
    before = None if page.cursor is None else int(decode_cursor(page.cursor, (int,))[0])
    actor = None if user_id is None else str(user_id)
    found = await audit.list_entries(session, Wanted(before, page.limit + 1, actor, action))
    await audit.record(session, now(), AuditEntry(str(admin.user_id), "audit_read", actor or "all"))
    more = encode_cursor(found[page.limit - 1].position) if len(found) > page.limit else None
    return Page(items=[_entry(each) for each in found[: page.limit]], next_cursor=more)


async def _change(session: SystemSession, admin_id: UUID, user_id: UUID, change: Change) -> AccountShown:
    return shown(await change_rights(session, str(admin_id), UserId(user_id), change, now()))


async def _propose(session: SystemSession, admin_id: UUID, user_id: UUID, change: Change) -> AccountShown:
    return shown(await propose_rights(session, UserId(admin_id), UserId(user_id), change, now()))


def _user_id(cursor: str) -> UserId:
    try:
        return UserId(UUID(str(decode_cursor(cursor, (str,))[0])))
    except ValueError:
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.") from None


def shown(user: User | None) -> AccountShown:
    """Return an account as it is answered; NotFound when there is none."""
    if user is None:
        raise NotFound("There is no such account.")
    return AccountShown(
        id=user.id,
        email=user.email,
        name=user.profile.name,
        role=user.role,
        permissions=PermissionsShown(**asdict(user.permissions)),
        locked=user.locked_at is not None,
        created_at=user.created_at,
    )


def _entry(sealed: Sealed) -> AuditShown:
    return AuditShown(
        position=sealed.position,
        occurred_at=sealed.occurred_at,
        **asdict(sealed.entry),
        address=sealed.address,
        request_id=sealed.request_id,
        hash=sealed.hash.hex(),
    )
