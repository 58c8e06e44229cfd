"""What the present request or message is part of: ids that follow one action through every service."""

from contextvars import ContextVar
from uuid import UUID

from kit.ids import new_id

correlation: ContextVar[UUID | None] = ContextVar("correlation", default=None)
causation: ContextVar[UUID | None] = ContextVar("causation", default=None)
request: ContextVar[str | None] = ContextVar("request", default=None)
address: ContextVar[str] = ContextVar("address", default="")
"""Where the request came from, as the gateway saw it."""


def trace_id() -> str:
    """Return the correlation id as W3C names traces; empty where nothing has begun yet."""
    current = correlation.get()
    return "" if current is None else current.hex


def correlation_id() -> UUID:
    """Return the id that ties this action to everything it causes; make one where nothing has begun yet."""
    current = correlation.get()
    if current is None:
        current = new_id()
        correlation.set(current)
    return current
