"""Risk: an owner's limits, and the kill switch."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from kit.auth import STEP_UP_SECONDS, CurrentUser, Identity, RecentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, Forbidden, StepUpRequired, responses
from kit.money import DECIMAL_PLACES_MAX, Money, decimal_from, decimal_text
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator
from quant.markets.listing import Currency

from trading.api.idempotency import IdempotentRoute
from trading.api.types import OpenResources, SymbolCode
from trading.domain.halt import MANY, Halt, HaltLevel, HaltMode
from trading.domain.limits import NO_LIMITS, LimitsInForce, RiskLimits, Scope
from trading.domain.request import AccountId
from trading.errors import AccountNotFound, CoolingOff, NotHalted
from trading.store import accounts, halts, limits, system
from trading.usecases.halt_platform import halt_platform
from trading.usecases.halt_trading import halt_trading
from trading.usecases.resume_platform import resume_platform
from trading.usecases.resume_trading import resume_trading
from trading.usecases.set_risk_limits import set_risk_limits

BOUND_MAX = 1_000_000_000_000
SECONDS_MAX = 3_600
SYMBOLS_MAX = 500
REASON_LENGTH_MAX = 200

router = APIRouter(prefix="/api/v1/trading", tags=["trading"], responses=AUTHENTICATED, route_class=IdempotentRoute)

Bound = Annotated[
    Decimal,
    BeforeValidator(decimal_from),
    Field(ge=0, le=BOUND_MAX, decimal_places=DECIMAL_PLACES_MAX),
    PlainSerializer(decimal_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,8})?$", "examples": ["1000000"]}),
]
Count = Annotated[int, Field(ge=0, le=1_000_000, examples=[100])]


class LimitsShown(BaseModel):
    """Bounds for orders in one currency; null is no bound of one's own. What the installation allows holds as well.

    `daily_loss_max` is realised loss since the market's midnight; at the limit only sales are taken.
    `duplicate_seconds` refuses a second order of the very same terms so soon, even under a client id of its own.
    Losses, trades, open orders and their value are added up over what the limits are for: one account, everything you
    have, or whatever a strategy ordered in any account; all else is measured in the account of the order.
    """

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    order_quantity_max: Bound | None = None
    order_value_max: Bound | None = None
    price_distance_max_percent: Bound | None = None
    position_value_max: Bound | None = None
    position_weight_max_percent: Bound | None = None
    leverage_max: Bound | None = None
    daily_loss_max: Bound | None = None
    daily_trades_max: Count | None = None
    open_orders_max: Count | None = None
    open_value_max: Bound | None = None
    orders_per_second_max: Count | None = None
    duplicate_seconds: Annotated[int, Field(ge=0, le=SECONDS_MAX)] | None = None
    restricted_symbols: Annotated[list[SymbolCode], Field(max_length=SYMBOLS_MAX)] = []

    def limits(self) -> RiskLimits:
        """The same in the domain's words."""
        named = [name for name in LimitsShown.model_fields if name != "restricted_symbols"]
        numbers = {name: Decimal(value) for name in named if (value := getattr(self, name)) is not None}
        return RiskLimits(**numbers, restricted_symbols=tuple(sorted(set(self.restricted_symbols))))


class SetLimits(LimitsShown):
    """The whole set of limits of one account, or of everything the owner has, in one currency."""

    account_id: UUID | None = None
    strategy_id: UUID | None = None
    currency: Currency = "KRW"

    @model_validator(mode="after")
    def _one_scope(self) -> "SetLimits":
        if self.account_id is not None and self.strategy_id is not None:
            raise ValueError("give account_id or strategy_id, not both: limits are of one of them, or of all you have")
        return self


class PendingShown(BaseModel):
    """Looser limits, and when they come into force."""

    effective_at: datetime
    limits: LimitsShown


class LimitsAnswer(BaseModel):
    """What holds now, and what will."""

    account_id: UUID | None
    strategy_id: UUID | None
    currency: Currency
    limits: LimitsShown
    pending: PendingShown | None


class HaltTrading(BaseModel):
    """Which switch to throw. `account`, `strategy`: with its id. `broker`, with its name, and `global`: for admins."""

    model_config = ConfigDict(extra="forbid")

    level: HaltLevel = "user"
    account_id: UUID | None = None
    strategy_id: UUID | None = None
    broker: Annotated[str, Field(pattern=r"^[a-z]{2,20}$", examples=["simulator"])] | None = None
    mode: HaltMode = HaltMode.HALTED
    reason: Annotated[str, Field(max_length=REASON_LENGTH_MAX, pattern=r"^[^\x00]*$")] | None = None

    @model_validator(mode="after")
    def _ids_fit_the_level(self) -> "HaltTrading":
        given = {name for name in ("account_id", "strategy_id", "broker") if getattr(self, name) is not None}
        wanted = {"account": {"account_id"}, "strategy": {"strategy_id"}, "broker": {"broker"}}.get(self.level, set())
        if given != wanted:
            raise ValueError(f"with level {self.level} give {' and '.join(wanted) or 'no id'}, and nothing else")
        return self

    def scope_id(self, user: Identity) -> UUID:
        """What the switch is for."""
        return self.account_id or self.strategy_id or user.user_id


class ResumeTrading(HaltTrading):
    """Which switch to release."""

    mode: Literal[HaltMode.HALTED] = HaltMode.HALTED
    reason: None = None


class HaltShown(BaseModel):
    """A switch that is thrown."""

    model_config = ConfigDict(from_attributes=True)

    level: HaltLevel
    scope_id: UUID | None
    broker: str | None
    mode: HaltMode
    reason: str | None
    halted_at: datetime


class HaltsShown(BaseModel):
    """Every switch that concerns you."""

    items: list[HaltShown]


class Halted(BaseModel):
    """How many open orders were withdrawn at once; those of the platform or of a broker follow within seconds."""

    withdrawn: Money


@router.get("/risk-limits", responses=responses(AccountNotFound))
async def get_risk_limits(
    session: OwnedSession,
    user: CurrentUser,
    account_id: UUID | None = None,
    strategy_id: UUID | None = None,
    currency: Currency = "KRW",
) -> LimitsAnswer:
    """Show the limits of one account, of one strategy, or of everything you have."""
    if account_id is not None and await accounts.find(session, user.user_id, AccountId(account_id)) is None:
        raise AccountNotFound("You have no account of this id.")
    asked = SetLimits.model_construct(account_id=account_id, strategy_id=strategy_id, currency=currency)
    scope, scope_id = _scope(asked, user)
    current, pending = await limits.find(session, user.user_id, scope, scope_id, currency, now())
    return _answer(asked, current.limits if current else NO_LIMITS, pending)


@router.put("/risk-limits", responses=responses(AccountNotFound))
async def put_risk_limits(body: SetLimits, session: OwnedSession, user: CurrentUser) -> LimitsAnswer:
    """Set limits. Tighter ones hold at once; looser ones wait 24 hours, unless you have just proved who you are."""
    moment = now()
    scope, scope_id = _scope(body, user)
    wanted = LimitsInForce(
        scope=scope,
        scope_id=scope_id,
        currency=body.currency,
        effective_at=moment,
        limits=body.limits(),
    )
    stepped_up = (moment - user.authenticated_at).total_seconds() <= STEP_UP_SECONDS
    done = await set_risk_limits(session, user.user_id, wanted, moment, stepped_up=stepped_up)
    return _answer(body, done.current.limits, done.pending)


@router.get("/halts")
async def get_halts(session: OwnedSession, user: CurrentUser) -> HaltsShown:
    """List the switches that are thrown: the platform's, those of brokers, and your own."""
    many, own = await system.list_halts(session), await halts.list_all(session, user.user_id)
    return HaltsShown(items=[HaltShown.model_validate(halt) for halt in many + own])


@router.post("/halt", responses=responses(AccountNotFound))
async def post_halt(body: HaltTrading, session: OwnedSession, user: CurrentUser, resources: OpenResources) -> Halted:
    """Halt trading: no new orders, and open ones are withdrawn. It needs neither the bus nor the cache."""
    moment = now()
    if body.level in MANY:
        _only_admins(user)
        halt = Halt(
            level=body.level, scope_id=None, broker=body.broker, mode=body.mode, reason=body.reason, halted_at=moment
        )
        async with resources.database.system() as everybody:
            await halt_platform(everybody, halt, user.user_id)
        return Halted(withdrawn=Decimal(0))
    scope_id = body.scope_id(user)
    halt = Halt(level=body.level, scope_id=scope_id, mode=body.mode, reason=body.reason, halted_at=moment)
    return Halted(withdrawn=Decimal(await halt_trading(session, user.user_id, halt, moment)))


@router.post("/resume", responses=responses(NotHalted, CoolingOff, StepUpRequired))
async def post_resume(
    body: ResumeTrading, session: OwnedSession, user: RecentUser, resources: OpenResources
) -> HaltsShown:
    """Release a switch. It needs fresh proof of who you are; one of many also ten minutes since it was thrown."""
    if body.level in MANY:
        _only_admins(user)
        async with resources.database.system() as everybody:
            await resume_platform(everybody, user.user_id, now(), body.broker)
    else:
        await resume_trading(session, user.user_id, body.level, body.scope_id(user))
    return await get_halts(session, user)


def _only_admins(user: Identity) -> None:
    if user.role != "admin":
        raise Forbidden("Only an administrator halts or resumes the whole platform, or a broker.")


def _scope(of: SetLimits, user: Identity) -> tuple[Scope, UUID]:
    if of.account_id is not None:
        return "account", of.account_id
    return ("strategy", of.strategy_id) if of.strategy_id is not None else ("user", user.user_id)


def _answer(of: SetLimits, current: RiskLimits, pending: LimitsInForce | None) -> LimitsAnswer:
    later = None
    if pending is not None:
        later = PendingShown(effective_at=pending.effective_at, limits=LimitsShown.model_validate(pending.limits))
    return LimitsAnswer(
        account_id=of.account_id,
        strategy_id=of.strategy_id,
        currency=of.currency,
        limits=LimitsShown.model_validate(current),
        pending=later,
    )
