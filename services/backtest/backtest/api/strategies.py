"""/api/v1/backtest/strategies: keep, revise and publish."""

from dataclasses import replace
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import ConfigDict, model_validator

from backtest.api.pages import id_in
from backtest.api.plan import PortfolioIn, RulesIn, RulesOut, VolumeShare
from backtest.api.types import Description, Name
from backtest.domain.document import format_of
from backtest.domain.strategy import Content, Strategy, StrategyId, Version
from backtest.domain.templates import TEMPLATES, Template
from backtest.errors import InvalidRule, StrategyNotFound
from backtest.store import strategies
from backtest.usecases.create_strategy import create_strategy
from backtest.usecases.publish_strategy import publish_strategy
from backtest.usecases.revise_strategy import revise_strategy

router = APIRouter(prefix="/api/v1/backtest/strategies", tags=["strategies"])

Format = Literal[1, 2]


class StrategyIn(RulesIn):
    """A strategy as its author writes it; `format` says in which form: 1 for one symbol, 2 with a portfolio.

    It may be left out.
    """

    model_config = ConfigDict(extra="forbid")

    format: Format | None = None
    name: Name
    volume_share: VolumeShare | None = None
    portfolio: PortfolioIn | None = None
    description: Description = ""

    @property
    def content(self) -> Content:
        portfolio = None if self.portfolio is None else self.portfolio.portfolio
        rules = replace(self.rules, volume_share=self.volume_share, portfolio=portfolio)
        return Content(self.name, self.description, rules)

    @model_validator(mode="after")
    def _format_fits(self) -> Self:
        if self.format not in {None, format_of(self.content.rules)}:
            raise ValueError("`format` is 2 for a strategy with a portfolio and 1 without; or leave it out")
        return self


class StrategyOut(RulesOut):
    """A strategy; `version` is the latest published one, null before the first."""

    format: Format
    id: UUID
    name: str
    description: str
    version: int | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, strategy: Strategy) -> Self:
        content = strategy.content
        return cls.showing(
            content.rules,
            format=format_of(content.rules),
            id=strategy.id,
            name=content.name,
            description=content.description,
            version=strategy.version,
            created_at=strategy.created_at,
            changed_at=strategy.changed_at,
        )


class VersionOut(RulesOut):
    """A published version: it never changes."""

    format: Format
    strategy_id: UUID
    version: int
    name: str
    description: str
    published_at: datetime

    @classmethod
    def of(cls, version: Version) -> Self:
        content = version.content
        return cls.showing(
            content.rules,
            format=format_of(content.rules),
            strategy_id=version.strategy_id,
            version=version.number,
            name=content.name,
            description=content.description,
            published_at=version.published_at,
        )


class TemplateOut(RulesOut):
    """A strategy to begin with."""

    format: Format
    key: str
    name: str
    name_ko: str
    description: str

    @classmethod
    def of(cls, template: Template) -> Self:
        content = template.content
        return cls.showing(
            content.rules,
            format=format_of(content.rules),
            key=template.key,
            name=content.name,
            name_ko=template.name_ko,
            description=content.description,
        )


@router.post("", status_code=201, responses={**AUTHENTICATED, **responses(InvalidRule)})
async def create(body: StrategyIn, session: OwnedSession, user: CurrentUser) -> StrategyOut:
    """Keep a strategy. Its rules must compile; `errors[]` names the rule and the column otherwise."""
    return StrategyOut.of(await create_strategy(session, user.user_id, body.content, now()))


@router.get("", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_strategies(page: PageRequest, session: OwnedSession, user: CurrentUser) -> Page[StrategyOut]:
    """List your strategies, newest first."""
    before = id_in(page)
    found = await strategies.list_page(
        session, user.user_id, None if before is None else StrategyId(before), page.limit + 1
    )
    shown = found[: page.limit]
    following = encode_cursor(str(shown[-1].id)) if len(found) > page.limit else None
    return Page(items=[StrategyOut.of(strategy) for strategy in shown], next_cursor=following)


@router.get("/templates", responses=AUTHENTICATED)
async def list_templates(_user: CurrentUser) -> list[TemplateOut]:
    """List strategies to begin with; send one, changed or not, to POST /backtest/strategies without its key."""
    return [TemplateOut.of(template) for template in TEMPLATES]


@router.get("/{strategy_id}", responses={**AUTHENTICATED, **responses(StrategyNotFound)})
async def get_strategy(strategy_id: UUID, session: OwnedSession, user: CurrentUser) -> StrategyOut:
    """Show a strategy."""
    strategy = await strategies.find(session, user.user_id, StrategyId(strategy_id))
    if strategy is None:
        raise StrategyNotFound("You have no strategy with this id.")
    return StrategyOut.of(strategy)


@router.put("/{strategy_id}", responses={**AUTHENTICATED, **responses(StrategyNotFound, InvalidRule)})
async def revise(strategy_id: UUID, body: StrategyIn, session: OwnedSession, user: CurrentUser) -> StrategyOut:
    """Replace what a strategy says. Published versions and runs already asked for stay as they are."""
    return StrategyOut.of(await revise_strategy(session, user.user_id, StrategyId(strategy_id), body.content, now()))


@router.post(
    "/{strategy_id}/publish",
    status_code=201,
    responses={
        200: {"model": VersionOut, "description": "Nothing has changed since the latest version: here it is again"},
        **AUTHENTICATED,
        **responses(StrategyNotFound),
    },
)
async def publish(strategy_id: UUID, response: Response, session: OwnedSession, user: CurrentUser) -> VersionOut:
    """Make the strategy's present content a version that never changes.

    201 with a new version. When nothing has changed since the latest one: 200 with that version.
    """
    version, is_new = await publish_strategy(session, user.user_id, StrategyId(strategy_id), now())
    if not is_new:
        response.status_code = 200
    return VersionOut.of(version)
