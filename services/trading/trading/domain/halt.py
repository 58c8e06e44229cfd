"""The kill switch: who may not trade, and what is still allowed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from trading.domain.request import OrderRequest

HaltLevel = Literal["global", "broker", "user", "account", "strategy"]

COOL_OFF: Final = timedelta(minutes=10)
"""How long a halt of many people lasts at least: nobody resumes a platform or a broker in the heat of the moment."""
MANY: Final[frozenset[HaltLevel]] = frozenset({"global", "broker"})
"""Levels that concern many owners: an administrator's, or the platform's own."""
ITSELF: Final = UUID(int=0)
"""Who has halted when nobody has: the platform, by what it saw."""


class HaltMode(StrEnum):
    """What a halt leaves open: nothing, or what makes positions smaller."""

    HALTED = "halted"
    REDUCE_ONLY = "reduce_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One switch that is thrown: `broker` names whose it is, `scope_id` that of an account, a person or a strategy."""

    level: HaltLevel
    scope_id: UUID | None
    mode: HaltMode
    reason: str | None
    halted_at: datetime
    broker: str | None = None

    def withdraws(self, order: OrderRequest) -> bool:
        """Whether an open order is to be canceled under it."""
        concerned = self.level != "strategy" or order.strategy_id == self.scope_id
        return concerned and (self.mode is HaltMode.HALTED or order.side == "buy")


def strictest(modes: frozenset[HaltMode]) -> HaltMode | None:
    """What counts when several switches are thrown."""
    if HaltMode.HALTED in modes:
        return HaltMode.HALTED
    return HaltMode.REDUCE_ONLY if modes else None
