"""What is decided without a lock is written behind this gate: where the account is still as it was read.

Whoever changes what is in an account locks it first, and a lock is counted in the account's revision (store/accounts).
The gate takes an account like everybody else, but only at the revision that was read with everything it was decided on.
A row that somebody has locked is passed by and not waited for: what was decided would be old by then. Each part of what
is written has to hang on what the gate returns: a part that did not would be written anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.events import events, inbox
from sqlalchemy import (
    CTE,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    exists,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from trading.store.tables import accounts

ACCOUNT = (accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account"))
UNTOUCHED: ColumnElement[bool] = literal_column("accounts.xmax::text IN ('0', accounts.xmin::text)", Boolean)
"""Nobody but who wrote this row has locked it since. It is always so but beside the version of before, whose processes
run for a while during a release: they lock without counting, and leave nothing but this."""
IS_USUAL = UNTOUCHED & ~exists().where(
    inbox.c.consumer == bindparam("consumer"), inbox.c.message_id == bindparam("message")
)
"""Nobody of before has it, and its message is new."""
_FACT = ("id", "type", "subject", "correlation_id", "causation_id", "data", "must_reach", "retry_at", "occurred_at")
"""What an event has besides its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided on what was seen at a revision; `told` is what APPEND would be given of its fact."""

    owner: UUID
    message_id: UUID
    revision: int
    told: dict[str, Any]

    def given(self, consumer: str, received: datetime) -> dict[str, Any]:
        """What the gate and `telling` are given of it, but for the account."""
        return {
            "owner": self.owner,
            "seen_revision": self.revision,
            "message": self.message_id,
            "consumer": consumer,
            "received": received,
            **_fact_of(self.told),
        }


def gate() -> CTE:
    """One row, of `owner_id` and `id`, where the account is at its revision and free: it is locked and counted then."""
    free = (
        select(accounts.c.id)
        .where(*ACCOUNT, accounts.c.revision == bindparam("seen_revision"), UNTOUCHED)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("free")
    )
    return (
        update(accounts)
        .where(*ACCOUNT, accounts.c.id == free.c.id, accounts.c.revision == bindparam("seen_revision"))
        .values(revision=accounts.c.revision + 1)
        .returning(accounts.c.owner_id, accounts.c.id)
        .cte("opened")
    )


def adding(table: Table, names: Sequence[str], behind: CTE) -> Insert:
    """An insert of one row whose columns are given by the table's name and theirs, where there is a row in `behind`."""
    values = [_given(table, table.c[name]).label(name) for name in names]
    return insert(table).from_select(["owner_id", *names], select(behind.c.owner_id, *values).select_from(behind))


def telling(behind: CTE) -> tuple[Insert, Insert]:
    """The fact that is told, and the message that is remembered."""
    remembered = insert(inbox).from_select(
        ["consumer", "message_id", "received_at"],
        select(
            bindparam("consumer", type_=Text),
            bindparam("message", type_=Uuid),
            bindparam("received", type_=DateTime(timezone=True)),
        ).select_from(behind),
    )
    return adding(events, _FACT, behind), remembered


def _given(table: Table, column: Column[Any]) -> ColumnElement[Any]:
    name = f"{table.name}_{column.name}"
    if column is events.c.data:
        return cast(bindparam(name, type_=Text), column.type)  # it is written as JSON already
    return bindparam(name, type_=column.type)


def named(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """Values by the table's name and their column's."""
    return {f"{table.name}_{name}": value for name, value in values.items()}


def _fact_of(told: dict[str, Any]) -> dict[str, Any]:
    """What `telling` is given of one fact: the row that APPEND would write of it."""
    [fact], [kind], [subject], [data] = told["ids"], told["types"], told["subjects"], told["data"]
    row = {
        "id": fact,
        "type": kind,
        "subject": subject,
        "correlation_id": told["correlation"],
        "causation_id": told["causation"],
        "data": data,
        "must_reach": told["must_reach"][0],
        "retry_at": told["retry_at"][0],
        "occurred_at": told["at"],
    }
    return named(events, row)
