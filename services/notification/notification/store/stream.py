"""The account stream of each owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.json import dumps_text
from kit.sql import Statement
from sqlalchemy import BigInteger, Text, Uuid, bindparam, cast, func, select, text

from notification.domain.notice import Notice
from notification.domain.owner import OwnerId
from notification.domain.standing import Piece
from notification.domain.stream import Bounds, Entry
from notification.store.standing import SAVED, given_of
from notification.store.tables import stream, stream_heads


@dataclass(frozen=True, slots=True)
class Dated:
    """An entry that is not on the stream yet, and when it happened."""

    entry: Entry
    at: datetime


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice that is not in the inbox yet."""

    id: UUID
    notice: Notice
    at: datetime


@dataclass(frozen=True, slots=True)
class Numbered:
    """A stored entry; its data stays the JSON text it is, for nobody here looks inside."""

    seq: int
    type: str
    data: str


APPEND = Statement(
    text(
        f"""
    WITH {SAVED}, head AS (
        INSERT INTO stream_heads AS heads (owner_id, seq) VALUES (:owner, :count)
            ON CONFLICT (owner_id) DO UPDATE SET seq = heads.seq + excluded.seq
        RETURNING seq
    ), told AS (
        INSERT INTO stream (owner_id, seq, type, data, created_at)
        SELECT :owner, head.seq - :count + told.place, told.type, told.data, told.at
          FROM head,
               unnest(CAST(:types AS text[]), CAST(:data AS jsonb[]), CAST(:times AS timestamptz[]))
               WITH ORDINALITY AS told (type, data, at, place)
    ), kept AS (
        INSERT INTO notifications (id, owner_id, kind, title, body, data, created_at)
        SELECT notice.id, :owner, notice.kind, notice.title, notice.body, notice.data, notice.at
          FROM unnest(
                   CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:titles AS text[]), CAST(:bodies AS text[]),
                   CAST(:links AS jsonb[]), CAST(:notice_times AS timestamptz[])
               ) AS notice (id, kind, title, body, data, at)
    )
    SELECT seq FROM head
    """  # noqa: S608 - parts of our own
    ).bindparams(bindparam("owner", type_=Uuid), bindparam("count", type_=BigInteger))
)
"""One statement for the head, what it numbers, how things stand now, and the inbox: this runs for everything."""


async def save(
    session: Session,
    owner: OwnerId,
    entries: Sequence[Dated],
    pieces: Sequence[Piece],
    notices: Sequence[NewNotice],
) -> list[Numbered]:
    """Append entries to the stream and notices to the inbox, and keep what pieces tell of how things stand.

    Returns the entries with their numbers.

    The owner's head is a row that stays locked until the commit: numbers have no gaps, and whoever sees a number sees
    every smaller one.
    """
    texts = [dumps_text(dated.entry.data) for dated in entries]
    values = {
        "owner": owner,
        "count": len(entries),
        "types": [dated.entry.type for dated in entries],
        "data": texts,
        "times": [dated.at for dated in entries],
        "ids": [new.id for new in notices],
        "kinds": [new.notice.kind for new in notices],
        "titles": [new.notice.title for new in notices],
        "bodies": [new.notice.body for new in notices],
        "links": [dumps_text(new.notice.data) for new in notices],
        "notice_times": [new.at for new in notices],
        **given_of(pieces),
    }
    first = int(await APPEND.value(session, values)) - len(entries) + 1
    told = zip(entries, texts, strict=True)
    return [Numbered(seq, dated.entry.type, data) for seq, (dated, data) in enumerate(told, first)]


async def find_bounds(session: Session, owner: OwnerId) -> Bounds:
    """Find from where to where the stream is kept."""
    last = select(stream_heads.c.seq).where(stream_heads.c.owner_id == owner).scalar_subquery()
    first = select(func.min(stream.c.seq)).where(stream.c.owner_id == owner).scalar_subquery()
    row = (await session.execute(select(first.label("first"), func.coalesce(last, 0).label("last")))).one()
    return Bounds(row.first or row.last + 1, row.last)


async def list_after(session: Session, owner: OwnerId, after: int, limit: int) -> list[Numbered]:
    """List what follows a number, in order."""
    columns = (stream.c.seq, stream.c.type, cast(stream.c.data, Text).label("data"))
    statement = select(*columns).where(stream.c.owner_id == owner, stream.c.seq > after)
    rows = await session.execute(statement.order_by(stream.c.seq).limit(limit))
    return [Numbered(row.seq, row.type, row.data) for row in rows]
