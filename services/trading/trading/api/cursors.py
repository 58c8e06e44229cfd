"""Cursors of our lists: what the next page comes after, or before."""

from datetime import date, datetime
from uuid import UUID

from kit.pagination import BadCursor, decode_cursor

POSITION_MAX = 2**63 - 1


def _refuse() -> BadCursor:
    return BadCursor("Pass the `next_cursor` of the page before, unchanged.")


def position_of(cursor: str | None) -> int | None:
    """Read the cursor of a list sorted by position."""
    if cursor is None:
        return None
    position = int(decode_cursor(cursor, (int,))[0])
    if not 0 <= position <= POSITION_MAX:
        raise _refuse()
    return position


def id_of(cursor: str | None) -> UUID | None:
    """Read the cursor of a list sorted by id."""
    if cursor is None:
        return None
    try:
        return UUID(str(decode_cursor(cursor, (str,))[0]))
    except ValueError:
        raise _refuse() from None


def id_and_text_of(cursor: str | None) -> tuple[UUID, str] | None:
    """Read the cursor of a list sorted by an id, then a text."""
    if cursor is None:
        return None
    identifier, text = decode_cursor(cursor, (str, str))
    try:
        return UUID(str(identifier)), _storable(str(text))
    except ValueError:
        raise _refuse() from None


def time_and_text_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Read the cursor of a list sorted by a time, then a text."""
    if cursor is None:
        return None
    moment, text = decode_cursor(cursor, (str, str))
    try:
        return _aware(datetime.fromisoformat(str(moment))), _storable(str(text))
    except ValueError:
        raise _refuse() from None


def day_id_and_text_of(cursor: str | None) -> tuple[date, UUID, str] | None:
    """Read the cursor of a list sorted by a day, then an id, then a text."""
    if cursor is None:
        return None
    day, identifier, text = decode_cursor(cursor, (str, str, str))
    try:
        return date.fromisoformat(str(day)), UUID(str(identifier)), _storable(str(text))
    except ValueError:
        raise _refuse() from None


def _storable(text: str) -> str:
    """Postgres keeps no NUL in a text."""
    if "\0" in text:
        raise ValueError("a text with NUL")
    return text


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment
