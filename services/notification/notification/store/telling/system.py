"""What messages tell of many owners, by one statement that is a transaction by itself.

A message costs little to tell; a transaction of its own (a round trip each to begin, to remember the message, to write
and to commit) cost several times that. Here one statement remembers the messages, and writes what those that are new
tell: the owners' numbers, their streams, how things stand with them, and their inboxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.json import dumps_text
from kit.sql import Statement
from sqlalchemy import text

from notification.domain.owner import OwnerId
from notification.domain.preference import Preferences
from notification.domain.standing import Piece, is_over, piece_of
from notification.store.preferences import chosen_of
from notification.store.stream import Dated, NewNotice, Numbered


@dataclass(frozen=True, slots=True)
class Message:
    """A message, whose it is, and what it tells."""

    id: UUID
    owner: OwnerId
    entries: Sequence[Dated]
    notices: Sequence[NewNotice]


# Heads are taken in the order of their owners, so that two who write for many owners wait, and do not lock each other
# out. Of pieces with the same key the last one counts: a row can be written once in a statement.
TELL = Statement(
    text(
        """
    WITH new AS (
        INSERT INTO inbox (consumer, message_id, received_at)
        SELECT :consumer, unnest(CAST(:message_ids AS uuid[])), :received_at
        ON CONFLICT DO NOTHING RETURNING message_id
    ), entry AS (
        SELECT told.*, row_number() OVER (PARTITION BY told.owner_id ORDER BY told.place) AS number,
               count(*) OVER (PARTITION BY told.owner_id) AS of
          FROM unnest(CAST(:told_by AS uuid[]), CAST(:owners AS uuid[]), CAST(:types AS text[]),
                      CAST(:data AS jsonb[]), CAST(:times AS timestamptz[]))
               WITH ORDINALITY AS told (message_id, owner_id, type, data, at, place)
          JOIN new USING (message_id)
    ), head AS (
        INSERT INTO stream_heads AS heads (owner_id, seq)
        SELECT owner_id, count(*) FROM entry GROUP BY owner_id ORDER BY owner_id
            ON CONFLICT (owner_id) DO UPDATE SET seq = heads.seq + excluded.seq
        RETURNING owner_id, seq
    ), told AS (
        INSERT INTO stream (owner_id, seq, type, data, created_at)
        SELECT owner_id, head.seq - entry.of + entry.number, entry.type, entry.data, entry.at
          FROM entry JOIN head USING (owner_id)
    ), piece AS (
        SELECT DISTINCT ON (owner_id, type, key) owner_id, type, key, data, at, is_over
          FROM unnest(CAST(:pieces_by AS uuid[]), CAST(:piece_owners AS uuid[]), CAST(:piece_types AS text[]),
                      CAST(:piece_keys AS text[]), CAST(:piece_data AS jsonb[]), CAST(:piece_times AS timestamptz[]),
                      CAST(:piece_over AS boolean[]))
               WITH ORDINALITY AS told (message_id, owner_id, type, key, data, at, is_over, place)
          JOIN new USING (message_id)
         ORDER BY owner_id, type, key, place DESC
    ), forgotten AS (
        DELETE FROM standing USING piece
         WHERE standing.owner_id = piece.owner_id AND standing.type = piece.type
           AND standing.key = piece.key AND piece.is_over
    ), stood AS (
        INSERT INTO standing (owner_id, type, key, data, at)
        SELECT owner_id, type, key, data, at FROM piece WHERE NOT is_over
        ON CONFLICT (owner_id, type, key) DO UPDATE SET data = excluded.data, at = excluded.at
         WHERE standing.at <= excluded.at
    ), kept AS (
        INSERT INTO notifications (id, owner_id, kind, title, body, data, created_at)
        SELECT notice.message_id, notice.owner_id, notice.kind, notice.title, notice.body, notice.data, notice.at
          FROM unnest(CAST(:noticed_by AS uuid[]), CAST(:notice_owners AS uuid[]), CAST(:kinds AS text[]),
                      CAST(:titles AS text[]), CAST(:bodies AS text[]), CAST(:links AS jsonb[]),
                      CAST(:notice_times AS timestamptz[]))
               AS notice (message_id, owner_id, kind, title, body, data, at)
          JOIN new USING (message_id)
    )
    SELECT new.message_id, entry.place, head.seq - entry.of + entry.number AS seq
      FROM new LEFT JOIN entry USING (message_id) LEFT JOIN head USING (owner_id)
     ORDER BY entry.place
    """
    )
)

ALL_WITH_REACH = Statement(
    text(
        """
        SELECT asked.owner, chosen.*,
               EXISTS (SELECT FROM channels WHERE owner_id = asked.owner AND status = 'active') AS is_reachable
          FROM unnest(CAST(:owners AS uuid[])) AS asked (owner)
          LEFT JOIN preferences AS chosen ON chosen.owner_id = asked.owner
        """
    )
)


async def list_with_reach(session: Session, owners: Sequence[OwnerId]) -> dict[OwnerId, tuple[Preferences, bool]]:
    """List owners' preferences, and whether any channel of theirs takes notices now."""
    rows = await ALL_WITH_REACH.all(session, {"owners": list(owners)})
    return {
        OwnerId(row.owner): (Preferences() if row.owner_id is None else chosen_of(row), row.is_reachable)
        for row in rows
    }


async def save_told(
    session: Session, consumer: str, messages: Sequence[Message], now: datetime
) -> tuple[set[UUID], dict[OwnerId, list[Numbered]]]:
    """Remember messages and write what those that are new tell.

    Args:
        session: one for a single statement, of the worker role.
        consumer: in whose inbox.
        messages: in the order in which they are told; each id once.
        now: when they were received.

    Returns:
        the ids of those that are new, and what each owner was told, numbered.
    """
    entries = [(message, dated, dumps_text(dated.entry.data)) for message in messages for dated in message.entries]
    rows = await TELL.all(
        session,
        {
            "consumer": consumer,
            "message_ids": [message.id for message in messages],
            "received_at": now,
            "told_by": [message.id for message, _, _ in entries],
            "owners": [message.owner for message, _, _ in entries],
            "types": [dated.entry.type for _, dated, _ in entries],
            "data": [data for _, _, data in entries],
            "times": [dated.at for _, dated, _ in entries],
            **_pieces([(message, dated) for message, dated, _ in entries]),
            **_notices([(message, notice) for message in messages for notice in message.notices]),
        },
    )
    told: dict[OwnerId, list[Numbered]] = {}
    for row in rows:
        if row.place is not None:
            message, dated, data = entries[row.place - 1]
            told.setdefault(message.owner, []).append(Numbered(row.seq, dated.entry.type, data))
    return {row.message_id for row in rows}, told


def _pieces(entries: Sequence[tuple[Message, Dated]]) -> dict[str, Any]:
    pieces: list[tuple[Message, Piece]] = []
    for message, dated in entries:
        if (piece := piece_of(dated.entry, dated.at)) is not None:
            pieces.append((message, piece))
    return {
        "pieces_by": [message.id for message, _ in pieces],
        "piece_owners": [message.owner for message, _ in pieces],
        "piece_types": [piece.type for _, piece in pieces],
        "piece_keys": [piece.key for _, piece in pieces],
        "piece_data": [dumps_text(piece.data) for _, piece in pieces],
        "piece_times": [piece.at for _, piece in pieces],
        "piece_over": [is_over(piece) for _, piece in pieces],
    }


def _notices(notices: Sequence[tuple[Message, NewNotice]]) -> dict[str, Any]:
    return {
        "noticed_by": [message.id for message, _ in notices],
        "notice_owners": [message.owner for message, _ in notices],
        "kinds": [new.notice.kind for _, new in notices],
        "titles": [new.notice.title for _, new in notices],
        "bodies": [new.notice.body for _, new in notices],
        "links": [dumps_text(new.notice.data) for _, new in notices],
        "notice_times": [new.at for _, new in notices],
    }
