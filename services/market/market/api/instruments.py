"""The instrument master: what an admin tells of instruments beyond their bars."""

from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter
from kit.auth import Admin
from kit.db import SystemSession
from kit.errors import AUTHENTICATED
from pydantic import BaseModel, ConfigDict, Field, model_validator

from market.api.types import Symbol
from market.store import instruments

ITEMS_MAX = 5_000
NAME_LENGTH_MAX = 100

router = APIRouter(prefix="/api/v1/market", tags=["market"])

Text = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]


class MasterEntry(BaseModel):
    """What is known of an instrument; what is left out stays as it was."""

    model_config = ConfigDict(extra="forbid")

    symbol: Symbol
    name: Text | None = None
    name_en: Text | None = None
    sector: Text | None = None
    isin: Annotated[str | None, Field(max_length=12, pattern="^[A-Z]{2}[A-Z0-9]{9}[0-9]$")] = None
    listed_on: date | None = None
    delisted_on: date | None = None

    @model_validator(mode="after")
    def _came_before_it_went(self) -> Self:
        if self.listed_on and self.delisted_on and self.delisted_on < self.listed_on:
            raise ValueError("delisted_on is before listed_on")
        return self


class Master(BaseModel):
    """Many entries at once, all or none."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[MasterEntry], Field(min_length=1, max_length=ITEMS_MAX)]


class MasterReport(BaseModel):
    """How many entries belonged to instruments whose bars are stored; the others wait for their bars."""

    updated: int
    unknown: list[str]


@router.put("/instruments", responses=AUTHENTICATED)
async def put_instruments(_admin: Admin, session: SystemSession, body: Master) -> MasterReport:
    """Tell names, sectors, ISINs and days of listing of instruments whose bars are stored; delisted ones are kept."""
    entries = [entry.model_dump(exclude_none=True) for entry in body.items]
    updated = await instruments.save_master(session, entries)
    return MasterReport(updated=len(updated), unknown=[one.symbol for one in body.items if one.symbol not in updated])
