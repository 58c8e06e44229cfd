"""Where a page begins: after the id, or the number, that the cursor holds."""

from uuid import UUID

from kit.pagination import BadCursor, PageQuery, decode_cursor

from backtest.domain.outcome import TRADES_MAX


def id_in(page: PageQuery) -> UUID | None:
    """The id the page before ended with."""
    if page.cursor is None:
        return None
    (text,) = decode_cursor(page.cursor, (str,))
    try:
        return UUID(str(text))
    except ValueError:
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.") from None


def number_in(page: PageQuery) -> int:
    """How many items the pages before held: no list of a result is longer than its trades may be."""
    if page.cursor is None:
        return 0
    (number,) = decode_cursor(page.cursor, (int,))
    if not 0 <= int(number) <= TRADES_MAX:
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.")
    return int(number)
