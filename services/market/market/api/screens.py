"""Screens: a rule asked of a whole market, ready-made ones, and those a user keeps."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import Database, OwnedSession, Session
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from kit.money import Money
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, Field
from quant.markets.listing import Board, Kind, Market
from quant.rules import TEXT_MAX, Rule, RuleError, compile_rule

from market.api.indicators import bad_rule
from market.api.types import Symbol, after_id
from market.domain.screen import RATIOS, SCREENS_PER_USER_MAX, TEMPLATES, OwnerId, Screen, ScreenId, Universe
from market.domain.sessions import local_day
from market.errors import BadRule, NoBars, ScreenNotFound, TooMany
from market.panels import Panels
from market.store import bars, instruments, screens

MATCHES_SHOWN_MAX = 500
SYMBOLS_MAX = 5_000
LISTS_MAX = 8
NAME_LENGTH_MAX = 100

router = APIRouter(prefix="/api/v1/market", tags=["market"])

RuleText = Annotated[str, Field(min_length=1, max_length=TEXT_MAX, examples=["rsi(14) < 30 and close > sma(200)"])]
ScreenName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]


class UniverseIn(BaseModel):
    """Which instruments to look at; a list that is left out means all."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    market: Market = "KRX"
    boards: Annotated[list[Board], Field(max_length=LISTS_MAX)] = []
    kinds: Annotated[list[Kind], Field(max_length=LISTS_MAX)] = []
    symbols: Annotated[list[Symbol], Field(max_length=SYMBOLS_MAX)] = []

    def universe(self) -> Universe:
        """As the domain knows it."""
        return Universe(self.market, tuple(self.boards), tuple(self.kinds), tuple(dict.fromkeys(self.symbols)))


class UniverseView(BaseModel):
    """The instruments a screen looks at; an empty list means all."""

    model_config = ConfigDict(from_attributes=True)

    market: Market
    boards: list[Board]
    kinds: list[Kind]
    symbols: list[str]


class ScreenQuestion(BaseModel):
    """A rule, and of which instruments and which day to ask it."""

    model_config = ConfigDict(extra="forbid")

    rule: RuleText
    universe: UniverseIn = UniverseIn()
    as_of: Annotated[date | None, Field(description="The newest day with bars up to this one; today")] = None


class Match(BaseModel):
    """An instrument the rule holds for, and its day."""

    symbol: str
    name: str
    board: Board
    close: Money
    change_percent: Money | None
    volume: int


class ScreenAnswer(BaseModel):
    """The matches by symbol, the first 500 of `matched`; `evaluated` instruments traded on the day."""

    rule: str
    as_of: date
    evaluated: int
    matched: int
    look_back: int
    items: list[Match]


class NewScreen(BaseModel):
    """A screen to keep. With an `id` of your own, sending it again changes that screen."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    name: ScreenName
    rule: RuleText
    universe: UniverseIn = UniverseIn()
    scheduled: Annotated[bool, Field(description="Run after each trading day; new matches are announced to you")] = (
        False
    )


class ScreenView(BaseModel):
    """A kept screen."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    rule: str
    universe: UniverseView
    scheduled: bool
    created_at: datetime


class TemplateView(BaseModel):
    """A screen we offer; its rule may be used as it is, or as a beginning."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    name_en: str
    name_ko: str
    description_en: str
    description_ko: str
    rule: str


@router.post("/screen", responses={**AUTHENTICATED, **responses(BadRule, NoBars)})
async def ask_market(_user: CurrentUser, request: Request, body: ScreenQuestion) -> ScreenAnswer:
    """Ask a rule of every instrument on one day.

    Beside the fields of a bar a rule may read per, pbr, eps, bps, roe, roa, dividend_yield, debt_ratio and
    current_ratio, as known on each day. Halted instruments are not asked.
    """
    return await _ask(request, _compiled(body.rule), body.universe.universe(), body.as_of)


@router.get("/screens/templates", responses=AUTHENTICATED)
async def list_templates(_user: CurrentUser) -> list[TemplateView]:
    """List the ready-made screens."""
    return [TemplateView.model_validate(template) for template in TEMPLATES]


@router.post("/screens", status_code=201, responses={**AUTHENTICATED, **responses(BadRule, TooMany)})
async def save_screen(user: CurrentUser, session: OwnedSession, body: NewScreen) -> ScreenView:
    """Keep a screen."""
    _compiled(body.rule)
    owner, screen_id = OwnerId(user.user_id), ScreenId(body.id or new_id())
    if await screens.lock_count(session, owner, screen_id) >= SCREENS_PER_USER_MAX:
        raise TooMany(f"You keep {SCREENS_PER_USER_MAX} screens, as many as you may: delete one first.")
    screen = Screen(screen_id, body.name, body.rule, body.universe.universe(), now(), body.scheduled)
    await screens.save(session, owner, screen)
    return await _found(session, owner, screen_id)


@router.get("/screens", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_screens(user: CurrentUser, session: OwnedSession, page: PageRequest) -> Page[ScreenView]:
    """List your screens, the newest first."""
    found = await screens.list_newest(session, OwnerId(user.user_id), page.limit + 1, after_id(page))
    items = [ScreenView.model_validate(screen) for screen in found[: page.limit]]
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if len(found) > page.limit else None)


@router.get("/screens/{screen_id}", responses={**AUTHENTICATED, **responses(ScreenNotFound)})
async def read_screen(user: CurrentUser, session: OwnedSession, screen_id: UUID) -> ScreenView:
    """Show one of your screens."""
    return await _found(session, OwnerId(user.user_id), ScreenId(screen_id))


@router.post("/screens/{screen_id}/run", responses={**AUTHENTICATED, **responses(ScreenNotFound, BadRule, NoBars)})
async def run_screen(user: CurrentUser, request: Request, screen_id: UUID, as_of: date | None = None) -> ScreenAnswer:
    """Ask one of your screens of the newest day, or of another."""
    database: Database = request.app.state.resources.database
    async with database.owned(user.user_id) as session:
        screen = await _found(session, OwnerId(user.user_id), ScreenId(screen_id))
    universe = UniverseIn.model_validate(screen.universe).universe()
    return await _ask(request, _compiled(screen.rule), universe, as_of)


@router.delete("/screens/{screen_id}", status_code=204, responses={**AUTHENTICATED, **responses(ScreenNotFound)})
async def delete_screen(user: CurrentUser, session: OwnedSession, screen_id: UUID) -> Response:
    """Delete one of your screens."""
    if not await screens.delete_one(session, OwnerId(user.user_id), ScreenId(screen_id)):
        raise ScreenNotFound("You keep no screen with this id.")
    return Response(status_code=204)


def _compiled(rule: str) -> Rule:
    try:
        return compile_rule(rule, frozenset(RATIOS))
    except RuleError as error:
        raise bad_rule(error, "rule") from None


async def _found(session: Session, owner: OwnerId, screen_id: ScreenId) -> ScreenView:
    screen = await screens.find(session, owner, screen_id)
    if screen is None:
        raise ScreenNotFound("You keep no screen with this id.")
    return ScreenView.model_validate(screen)


async def _ask(request: Request, rule: Rule, universe: Universe, as_of: date | None) -> ScreenAnswer:
    """Compute between two short transactions, never inside one: who waits for a turn holds no connection."""
    panels: Panels = request.app.state.resources.panels
    database: Database = request.app.state.resources.database
    wanted = as_of or local_day(universe.market, now())
    kept = await panels.get(database, universe.market, wanted)
    if kept is None:
        raise NoBars(f"No bars of {universe.market} are stored for {wanted} and the month before it.")
    day, panel = kept
    evaluated, symbols = await panels.matches(panel, rule, day)
    async with database.public() as session:
        listed = await instruments.find_universe(session, universe, symbols)
        shown = sorted(listed)[:MATCHES_SHOWN_MAX]
        days = await bars.find_day(session, shown, day)
    return ScreenAnswer(
        rule=rule.text,
        as_of=day,
        evaluated=evaluated,
        matched=len(listed),
        look_back=rule.look_back,
        items=[
            Match(
                symbol=symbol,
                name=listed[symbol].name,
                board=listed[symbol].board,
                close=days[symbol][0].close,
                change_percent=_change_percent(days[symbol][0].close, days[symbol][1]),
                volume=days[symbol][0].volume,
            )
            for symbol in shown
        ],
    )


def _change_percent(close: Decimal, before: Decimal | None) -> Decimal | None:
    return ((close - before) * 100 / before).quantize(Decimal("0.01")) if before else None
