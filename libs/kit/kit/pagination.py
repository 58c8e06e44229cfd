"""Lists in pages: `?limit=&cursor=` in, `{"items": [...], "next_cursor": …}` out."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from kit.errors import AppError, FieldError
from kit.json import dumps, loads

PAGE_SIZE_MAX = 500
PAGE_SIZE_DEFAULT = 50
CURSOR_LENGTH_MAX = 400

Item = TypeVar("Item")


class BadCursor(AppError):
    """The cursor is not one we handed out."""

    STATUS = 422
    CODE = "bad_cursor"
    TITLE = "The cursor cannot be used"


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


class PageQuery(BaseModel):
    """How much, and after what."""

    limit: int
    cursor: str | None


def _page_query(
    limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX)] = None,
) -> PageQuery:
    return PageQuery(limit=limit, cursor=cursor)


PageRequest = Annotated[PageQuery, Depends(_page_query)]


def encode_cursor(*parts: str | int) -> str:
    """Make an opaque cursor of the last item's sort key."""
    return base64.urlsafe_b64encode(dumps(parts)).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: tuple[type, ...]) -> list[str | int]:
    """Read a cursor back as values of the given kinds.

    Raises:
        BadCursor: when it was not made by encode_cursor for the same kinds.
    """
    try:
        parts = loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        wrong = FieldError(field="cursor", message="is not one we handed out", code="bad_cursor")
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.", errors=[wrong])
    return parts
