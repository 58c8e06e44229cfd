"""Everything that is one's own, to take along; and leaving for good."""

import asyncio
import io
import zipfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import Admin, CurrentUser, RecentUser
from kit.clock import now
from kit.db import OwnedSession, SystemSession
from kit.errors import AUTHENTICATED, NotFound, responses
from kit.ids import new_id
from pydantic import BaseModel

from auth.domain.audit import AuditEntry
from auth.domain.export import ErasureId, Export, ExportId, PartStatus
from auth.domain.user import UserId
from auth.errors import ExportNotReady, LastAdmin
from auth.store import audit, exports, leaving
from auth.usecases.ask_export import ask_export
from auth.usecases.erase_user import erase_user

NOTHING_ASKED = "You have asked for no export, or it has expired: POST /api/v1/users/export begins one."
KEPT = """What stays after an account is erased: orders, executions and ledger of trading, without
your name and texts, for five years; the audit log, for two years."""

router = APIRouter(prefix="/api/v1", tags=["users"])


class PartShown(BaseModel):
    """How far one service is; `failure` says why it has given nothing yet, though it was asked."""

    service: str
    status: PartStatus
    failure: str | None


class ExportShown(BaseModel):
    """An export and its progress: `done` of `total` services have answered. The archive is there when `ready`."""

    id: UUID
    ready: bool
    done: int
    total: int
    services: list[PartShown]
    asked_at: datetime
    expires_at: datetime


class ErasureShown(BaseModel):
    """Somebody who left, by a bare id, and when each service forgot them; null where it has yet to say so."""

    id: UUID
    user_id: UUID
    asked_at: datetime
    services: dict[str, datetime | None]


class ErasuresShown(BaseModel):
    """The newest erasures."""

    items: list[ErasureShown]


@router.post("/users/export", status_code=202, responses=AUTHENTICATED)
async def begin_export(user: RecentUser, session: OwnedSession) -> ExportShown:
    """Ask every service for everything that is yours. Needs fresh authentication: it is all there is about you.

    While one is under way, or for an hour after, asking again means the same one.
    """
    return _shown(await ask_export(session, UserId(user.user_id), ExportId(new_id()), now()))


@router.get("/users/export", responses={**AUTHENTICATED, **responses(NotFound)})
async def get_export(user: CurrentUser, session: OwnedSession) -> ExportShown:
    """Show how far your last export is, and which services have yet to answer."""
    return _shown(await _living(session, user.user_id))


@router.get(
    "/users/export/archive",
    response_class=Response,
    responses={
        **AUTHENTICATED,
        **responses(NotFound, ExportNotReady),
        200: {"content": {"application/zip": {}}, "description": "A ZIP with one JSON file for each service."},
    },
)
async def download_export(user: RecentUser, session: OwnedSession) -> Response:
    """Fetch the archive: only you can, with fresh authentication, and for two days."""
    export = await _living(session, user.user_id)
    if not export.is_ready:
        missing = ", ".join(part.service for part in export.parts if part.done_at is None)
        raise ExportNotReady(f"Still missing: {missing}. GET /api/v1/users/export shows the progress.")
    bodies = await exports.find_bodies(session, UserId(user.user_id), export.id)
    entry = AuditEntry(str(user.user_id), "export_fetched", str(export.id))
    await audit.record(session, now(), entry)
    archive = await asyncio.to_thread(_archive_of, bodies)
    named = {"Content-Disposition": f'attachment; filename="exodus-{export.asked_at:%Y-%m-%d}.zip"'}
    return Response(archive, media_type="application/zip", headers=named)


@router.delete("/users/me", status_code=202, responses={**AUTHENTICATED, **responses(NotFound, LastAdmin)})
async def delete_me(user: RecentUser, session: SystemSession) -> ErasureShown:
    """Leave for good: your account is gone with this answer, and every service forgets you as soon as it hears of it.

    Needs fresh authentication, and cannot be undone. What the law wants kept stays without your name.
    """
    erasure = await erase_user(session, UserId(user.user_id), ErasureId(new_id()), now())
    if erasure is None:
        raise NotFound("This account does not exist any more.")
    return ErasureShown(id=erasure.id, user_id=erasure.user_id, asked_at=erasure.asked_at, services=dict(erasure.done))


@router.get("/admin/erasures", tags=["admin"], responses=AUTHENTICATED)
async def list_erasures(_admin: Admin, session: SystemSession) -> ErasuresShown:
    """List who left, and which services have yet to say that they forgot them."""
    found = await leaving.list_erasures(session)
    return ErasuresShown(
        items=[
            ErasureShown(id=each.id, user_id=each.user_id, asked_at=each.asked_at, services=dict(each.done))
            for each in found
        ]
    )


async def _living(session: OwnedSession, user_id: UUID) -> Export:
    export = await exports.find_last(session, UserId(user_id))
    if export is None or export.expires_at <= now():
        raise NotFound(NOTHING_ASKED)
    return export


def _shown(export: Export) -> ExportShown:
    done = sum(part.done_at is not None for part in export.parts)
    return ExportShown(
        id=export.id,
        ready=export.is_ready,
        done=done,
        total=len(export.parts),
        services=[
            PartShown(service=part.service, status="done" if part.done_at else "waiting", failure=part.failure)
            for part in export.parts
        ],
        asked_at=export.asked_at,
        expires_at=export.expires_at,
    )


def _archive_of(bodies: Mapping[str, bytes]) -> bytes:
    """Put each service's document into a ZIP, with a word about what it is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("README.txt", f"Everything Exodus holds of you: one file for each service.\n\n{KEPT}\n")
        for service, body in sorted(bodies.items()):
            archive.writestr(f"{service}.json", zlib.decompress(body))
    return packed.getvalue()
