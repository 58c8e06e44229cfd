"""Signals: what strategies, stops and hooks said, and the answers to those that ask first."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor

from trading.api.automation_shapes import SignalShown
from trading.api.cursors import id_of
from trading.api.idempotency import IdempotentRoute
from trading.api.types import SymbolCode
from trading.domain.signal import SignalId, SignalStatus
from trading.errors import KeyReused, KeyUnusable, SignalNotAsked, SignalNotFound, StillRunning
from trading.store import signals
from trading.store.automation import system
from trading.usecases.decide_signal import Decision, decide_signal

router = APIRouter(
    prefix="/api/v1/trading/signals",
    tags=["automations"],
    responses=AUTHENTICATED | responses(KeyUnusable, KeyReused, StillRunning),
    route_class=IdempotentRoute,
)
BY_APPLICATION = "application"


def _wanted(
    automation_id: UUID | None = None, status: SignalStatus | None = None, symbol: SymbolCode | None = None
) -> signals.Wanted:
    return signals.Wanted(automation_id=automation_id, status=status, symbol=symbol)


@router.get("", responses=responses(BadCursor))
async def get_signals(
    session: OwnedSession, user: CurrentUser, page: PageRequest, wanted: Annotated[signals.Wanted, Depends(_wanted)]
) -> Page[SignalShown]:
    """List signals, newest first, whether or not they became orders."""
    found = await signals.list_page(session, user.user_id, wanted, before=id_of(page.cursor), limit=page.limit + 1)
    more = encode_cursor(str(found[page.limit - 1].id)) if len(found) > page.limit else None
    return Page(items=[SignalShown.of(each) for each in found[: page.limit]], next_cursor=more)


@router.get("/{signal_id}", responses=responses(SignalNotFound))
async def get_signal(signal_id: UUID, session: OwnedSession, user: CurrentUser) -> SignalShown:
    """Show a signal."""
    found = await signals.find(session, user.user_id, SignalId(signal_id))
    if found is None:
        raise SignalNotFound("You have no signal of this id.")
    return SignalShown.of(found)


@router.post("/{signal_id}/approve", responses=responses(SignalNotFound, SignalNotAsked))
async def post_approve(signal_id: UUID, session: OwnedSession, user: CurrentUser) -> SignalShown:
    """Let a signal that asks become an order, within its deadline; the order follows in a moment."""
    return await _decide(session, user.user_id, SignalId(signal_id), "approve")


@router.post("/{signal_id}/decline", responses=responses(SignalNotFound, SignalNotAsked))
async def post_decline(signal_id: UUID, session: OwnedSession, user: CurrentUser) -> SignalShown:
    """Let a signal that asks come to nothing."""
    return await _decide(session, user.user_id, SignalId(signal_id), "decline")


async def _decide(session: OwnedSession, owner: UUID, signal_id: SignalId, decision: Decision) -> SignalShown:
    decided = await decide_signal(session, owner, signal_id, (decision, BY_APPLICATION), now())
    await system.wake(session)
    return SignalShown.of(decided)
