"""Risk limits: what the installation allows, and what owners allow themselves, per user and per account.

An owner's limits only ever narrow. The tightest of all that apply is the one that counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from quant.markets.listing import Currency
from quant.risk import Bounds

Scope = Literal["user", "account", "strategy"]

LOOSENING_WAITS: Final = timedelta(hours=24)
HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """An owner's own bounds for orders in one currency; None is no bound. Money is in that currency.

    `daily_loss_max` is realised loss since the market's midnight. `duplicate_seconds` refuses a second order of the
    same terms so soon, even under an id of its own.
    """

    order_quantity_max: Decimal | None = None
    order_value_max: Decimal | None = None
    price_distance_max_percent: Decimal | None = None
    position_value_max: Decimal | None = None
    position_weight_max_percent: Decimal | None = None
    leverage_max: Decimal | None = None
    daily_loss_max: Decimal | None = None
    daily_trades_max: Decimal | None = None
    open_orders_max: Decimal | None = None
    open_value_max: Decimal | None = None
    orders_per_second_max: Decimal | None = None
    duplicate_seconds: Decimal | None = None
    restricted_symbols: tuple[str, ...] = ()


NO_LIMITS: Final = RiskLimits()
COUNTED: Final = ("daily_loss_max", "daily_trades_max", "open_orders_max", "open_value_max")
"""Bounds on what orders add up to: of a person over all accounts, of a strategy over whatever it orders in any."""
_WIDER_IS_TIGHTER: Final = "duplicate_seconds"
_NUMBERS: Final = tuple(field.name for field in fields(RiskLimits) if field.name != "restricted_symbols")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsInForce:
    """Limits of one scope from a moment on."""

    scope: Scope
    scope_id: UUID
    currency: Currency
    effective_at: datetime
    limits: RiskLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Bounds):
    """The bounds of one review: the installation's, narrowed by the owner's. None is no bound; shares are of one."""

    quote_age_max: timedelta
    quantity_max: Decimal
    value_max: Mapping[Currency, Decimal]
    price_distance_max: Decimal | None
    open_orders_max: int
    clock_skew_max: timedelta = timedelta(seconds=10)
    orders_per_second_max: int = 1_000
    duplicate_window: timedelta = timedelta(seconds=10)
    numbered_duplicate_window: timedelta = timedelta(0)
    live_allowed: bool = False
    """The operator's switch: whether anybody may trade with real money here."""
    live_permitted: bool = True
    """False where somebody asks whose token does not say so; what auth has said of the owner counts besides."""
    spanning: Mapping[Scope, RiskLimits] = field(default_factory=dict)
    """Bounds that are measured over several accounts: a person's, and those of the order's strategy."""
    person_trades_max: int | None = None
    """Orders a day over all accounts of the person who asks, as the operator has set it; None: no such bound."""


def tightest(all_limits: Iterable[RiskLimits]) -> RiskLimits:
    """The bounds that hold when all of these do."""
    found = tuple(all_limits)
    numbers: dict[str, Decimal | None] = {}
    for name in _NUMBERS:
        bounds = [bound for each in found if (bound := getattr(each, name)) is not None]
        choose = max if name == _WIDER_IS_TIGHTER else min
        numbers[name] = choose(bounds) if bounds else None
    restricted = sorted({symbol for each in found for symbol in each.restricted_symbols})
    return RiskLimits(**numbers, restricted_symbols=tuple(restricted))


def changes(old: RiskLimits, new: RiskLimits) -> tuple[dict[str, str], dict[str, str]]:
    """What was and what is of the bounds that differ, by name, in words; no bound is left out."""
    differing = [each.name for each in fields(RiskLimits) if getattr(old, each.name) != getattr(new, each.name)]
    before, after = ({name: _in_words(getattr(limits, name)) for name in differing} for limits in (old, new))
    return {name: said for name, said in before.items() if said}, {name: said for name, said in after.items() if said}


def _in_words(bound: Decimal | tuple[str, ...] | None) -> str:
    return " ".join(bound) if isinstance(bound, tuple) else "" if bound is None else f"{bound:f}"


def of_the_account(in_force: Iterable[LimitsInForce]) -> RiskLimits:
    """What holds for the account alone: a strategy's sums are not the account's, for others order there as well."""
    return tightest(each.limits if each.scope != "strategy" else _without_sums(each.limits) for each in in_force)


def _without_sums(limits: RiskLimits) -> RiskLimits:
    return replace(limits, daily_loss_max=None, daily_trades_max=None, open_orders_max=None, open_value_max=None)


def spanning(in_force: Iterable[LimitsInForce]) -> Mapping[Scope, RiskLimits]:
    """What is measured over several accounts, by whose it is."""
    return {
        each.scope: each.limits
        for each in in_force
        if each.scope != "account" and any(getattr(each.limits, name) is not None for name in COUNTED)
    }


def narrowed(base: Limits, own: RiskLimits, currency: Currency) -> Limits:
    """The installation's bounds for one order, narrowed by the owner's."""
    if own == NO_LIMITS:
        return base
    value = _least(base.value_max[currency], own.order_value_max)
    distance = _share(own.price_distance_max_percent)
    duplicates = timedelta(seconds=int(own.duplicate_seconds or 0))
    return replace(
        base,
        quantity_max=_least(base.quantity_max, own.order_quantity_max),
        value_max={**base.value_max, currency: value},
        price_distance_max=distance if base.price_distance_max is None else _least(base.price_distance_max, distance),
        open_orders_max=int(_least(Decimal(base.open_orders_max), own.open_orders_max)),
        orders_per_second_max=int(_least(Decimal(base.orders_per_second_max), own.orders_per_second_max)),
        duplicate_window=max(base.duplicate_window, duplicates),
        numbered_duplicate_window=duplicates,
        position_value_max=own.position_value_max,
        position_weight_max=_share(own.position_weight_max_percent),
        leverage_max=own.leverage_max,
        daily_loss_max=own.daily_loss_max,
        daily_trades_max=None if own.daily_trades_max is None else int(own.daily_trades_max),
        open_value_max=own.open_value_max,
        restricted_symbols=frozenset(own.restricted_symbols),
    )


def is_looser(new: RiskLimits, old: RiskLimits) -> bool:
    """Whether anything the old limits forbid would be allowed by the new ones."""
    return tightest((new, old)) != tightest((new,))


def _least(base: Decimal, own: Decimal | None) -> Decimal:
    return base if own is None else min(base, own)


def _share(percent: Decimal | None) -> Decimal | None:
    return None if percent is None else percent / HUNDRED
