"""Automations: set up, start, pause, stop, and look at what they did."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, StepUpRequired, Unavailable, responses
from kit.ids import new_id
from kit.pagination import BadCursor, Page, PageRequest, decode_cursor, encode_cursor

from trading.api.automation_shapes import AutomationFigures, AutomationShown, CreateAutomation, RunShown
from trading.api.cursors import id_of
from trading.api.idempotency import IdempotentRoute
from trading.api.live import require_live
from trading.api.types import OpenResources
from trading.clients.market import History
from trading.clients.panels import TooManyBars, universe_of
from trading.domain.automation import Automation, AutomationId
from trading.domain.basket import Basket
from trading.domain.day import day_began
from trading.domain.plan import read_plan
from trading.errors import (
    AccountNotFound,
    AutomationAtWork,
    AutomationCoolingOff,
    AutomationLimit,
    AutomationNotFound,
    KeyReused,
    KeyUnusable,
    LiveNotPermitted,
    Overloaded,
    ScheduleNeverFires,
    StillRunning,
    StrategyUnusable,
    UniverseEmpty,
    VersionNotFound,
)
from trading.resources import Resources
from trading.store import accounts, automations, runs, signals
from trading.usecases.create_automation import create_automation
from trading.usecases.delete_automation import delete_automation
from trading.usecases.steer_automation import steer_automation

router = APIRouter(
    prefix="/api/v1/trading/automations",
    tags=["automations"],
    responses=AUTHENTICATED | responses(KeyUnusable, KeyReused, StillRunning),
    route_class=IdempotentRoute,
)


@router.post(
    "",
    status_code=201,
    responses=responses(AccountNotFound, VersionNotFound, StrategyUnusable, ScheduleNeverFires, AutomationLimit),
)
async def post_automation(body: CreateAutomation, session: OwnedSession, user: CurrentUser) -> AutomationShown:
    """Set up an automation; it does nothing before it is started."""
    if (why := body.why_never()) is not None:
        raise ScheduleNeverFires(f"It would never look at anything: {why}.")
    kept = await create_automation(session, user.user_id, body.automation(new_id(), now()))
    return AutomationShown.model_validate(kept)


@router.get("")
async def get_automations(session: OwnedSession, user: CurrentUser, page: PageRequest) -> Page[AutomationShown]:
    """List your automations, newest first."""
    found = await automations.list_page(session, user.user_id, before=id_of(page.cursor), limit=page.limit + 1)
    more = encode_cursor(str(found[page.limit - 1].id)) if len(found) > page.limit else None
    return Page(items=[AutomationShown.model_validate(each) for each in found[: page.limit]], next_cursor=more)


@router.get("/{automation_id}", responses=responses(AutomationNotFound))
async def get_automation(automation_id: UUID, session: OwnedSession, user: CurrentUser) -> AutomationFigures:
    """Show an automation, its capital and its profit."""
    return await _figures(session, user.user_id, AutomationId(automation_id))


@router.delete("/{automation_id}", status_code=204, responses=responses(AutomationNotFound, AutomationAtWork))
async def remove_automation(automation_id: UUID, session: OwnedSession, user: CurrentUser) -> Response:
    """Delete an automation that is stopped and has nothing; its signals and orders stay."""
    await delete_automation(session, user.user_id, AutomationId(automation_id))
    return Response(status_code=204)


async def _can_speak(automation_id: UUID, user: CurrentUser, resources: OpenResources) -> Automation:
    """Look at the bars of its symbols before anything is started: a universe of nothing is told, not kept quiet."""
    async with resources.database.owned(user.user_id) as session:
        automation = await automations.find(session, user.user_id, AutomationId(automation_id))
        if automation is None:
            raise AutomationNotFound("You have no automation of this id.")
        document = None
        if automation.strategy_id is not None and automation.version is not None:
            document = await automations.find_document(
                session, user.user_id, automation.strategy_id, automation.version
            )
    if document is None:
        return automation
    plan = read_plan(document)
    if plan.basket is not None:
        await _has_days(resources, automation, plan.basket, plan.bars_needed)
    else:
        needed = plan.bars_needed
        histories = await _histories(resources, automation, now())
        counts = {symbol: len(histories[symbol]) if symbol in histories else 0 for symbol in automation.symbols}
        if automation.interval == "1d" and max(counts.values()) < needed:
            said = ", ".join(f"{symbol} has {count}" for symbol, count in list(counts.items())[:5])
            raise UniverseEmpty(f"The rules need {needed} bars, and {said}: import more, or choose other symbols.")
    return automation


async def _has_days(resources: Resources, automation: Automation, basket: Basket, needed: int) -> None:
    assert automation.history_from is not None, "a portfolio's history begins on a day"
    try:
        universe = await universe_of(resources.market, basket, automation.history_from, now().date())
    except TooManyBars as many:
        raise UniverseEmpty(f"It cannot be judged: {many}.") from many
    days = 0 if universe is None else len(universe.days)
    if days < needed:
        said = f"its universe has {days} since {automation.history_from}"
        raise UniverseEmpty(f"The rules need {needed} days with bars, and {said}: import more, or begin earlier.")


async def _histories(resources: Resources, automation: Automation, until: datetime) -> dict[str, History]:
    found = await resources.market.histories(automation.symbols, automation.interval, until)
    return {symbol: history.between(automation.history_from, until) for symbol, history in found.items()}


@router.post(
    "/{automation_id}/start",
    responses=responses(AutomationNotFound, AutomationCoolingOff, UniverseEmpty, Unavailable, Overloaded)
    | responses(LiveNotPermitted, StepUpRequired),
)
async def post_start(
    automation: Annotated[Automation, Depends(_can_speak)],
    session: OwnedSession,
    user: CurrentUser,
    resources: OpenResources,
) -> AutomationFigures:
    """Let an automation act from the next closed bar on. With real money it wants what opening a live account wants."""
    account = await accounts.find(session, user.user_id, automation.account_id)
    if account is not None and account.kind == "live":
        require_live(user, resources)
    await steer_automation(session, user.user_id, automation.id, "start", now())
    return await _figures(session, user.user_id, automation.id)


@router.post("/{automation_id}/pause", responses=responses(AutomationNotFound))
async def post_pause(automation_id: UUID, session: OwnedSession, user: CurrentUser) -> AutomationFigures:
    """Let it buy nothing more; what it has is still sold by its rules and stops."""
    await steer_automation(session, user.user_id, AutomationId(automation_id), "pause", now())
    return await _figures(session, user.user_id, AutomationId(automation_id))


@router.post("/{automation_id}/stop", responses=responses(AutomationNotFound))
async def post_stop(automation_id: UUID, session: OwnedSession, user: CurrentUser) -> AutomationFigures:
    """Let it do nothing at all: what it has is yours to look after, its stops are no longer watched."""
    await steer_automation(session, user.user_id, AutomationId(automation_id), "stop", now())
    return await _figures(session, user.user_id, AutomationId(automation_id))


@router.get("/{automation_id}/runs", responses=responses(AutomationNotFound, BadCursor))
async def get_runs(automation_id: UUID, session: OwnedSession, user: CurrentUser, page: PageRequest) -> Page[RunShown]:
    """List what was due, the latest first: done once each, or skipped with the reason."""
    if await automations.find(session, user.user_id, AutomationId(automation_id)) is None:
        raise AutomationNotFound("You have no automation of this id.")
    place = _place_of(page.cursor)
    found = await runs.list_page(session, user.user_id, AutomationId(automation_id), after=place, limit=page.limit + 1)
    shown = found[: page.limit]
    more = None
    if len(found) > page.limit:
        more = encode_cursor(shown[-1].due_at.isoformat(), shown[-1].phase, shown[-1].symbol)
    return Page(items=[RunShown.model_validate(run) for run in shown], next_cursor=more)


def _place_of(cursor: str | None) -> tuple[datetime, str, str] | None:
    if cursor is None:
        return None
    due_at, phase, symbol = decode_cursor(cursor, (str, str, str))
    try:
        return datetime.fromisoformat(str(due_at)), str(phase), str(symbol)
    except ValueError:
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.") from None


async def _figures(session: OwnedSession, owner: UUID, automation_id: AutomationId) -> AutomationFigures:
    automation = await automations.find(session, owner, automation_id)
    if automation is None:
        raise AutomationNotFound("You have no automation of this id.")
    money = await signals.find_money(session, owner, automation.id, day_began(automation.market, now()))
    return AutomationFigures.of(automation, money)
