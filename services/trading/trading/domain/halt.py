"""The kill switch: who may not trade, and what is still allowed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

HaltLevel = Literal["global", "user", "account", "strategy"]

GLOBAL_COOL_OFF: Final = timedelta(minutes=10)
"""How long a halt of everybody lasts at least: nobody resumes a whole platform in the heat of the moment."""


class HaltMode(StrEnum):
    """What a halt leaves open: nothing, or what makes positions smaller."""

    HALTED = "halted"
    REDUCE_ONLY = "reduce_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One switch that is thrown."""

    level: HaltLevel
    scope_id: UUID | None
    mode: HaltMode
    reason: str | None
    halted_at: datetime


def strictest(modes: frozenset[HaltMode]) -> HaltMode | None:
    """What counts when several switches are thrown."""
    if HaltMode.HALTED in modes:
        return HaltMode.HALTED
    return HaltMode.REDUCE_ONLY if modes else None
