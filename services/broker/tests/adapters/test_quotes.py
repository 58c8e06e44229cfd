"""Quotes are read tolerantly, and their sizes are there once."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from broker.adapters.simulator.quotes import read_quote

AT = datetime(2026, 11, 20, 1, 2, 3, 456_000, tzinfo=UTC)


def published(**changes: Any) -> str:
    fields = {
        "type": "quote",
        "symbol": "005930",
        "market": "KRX",
        "board": "KOSPI",
        "kind": "stock",
        "bid": "70000",
        "ask": "70100",
        "bid_size": "500",
        "ask_size": "420",
        "upper_limit": "91000",
        "lower_limit": "49000",
        "session": "regular",
        "trading_date": "2024-12-16",
        "timestamp": "2026-11-20T01:02:03.456Z",
        "a_field_of_the_future": {},
    }
    return json.dumps(fields | changes)


@pytest.mark.parametrize(
    ("session", "phase"),
    [("regular", "continuous"), ("opening_auction", "opening"), ("closed", "closed"), ("lunch", "halted")],
)
def test_a_session_nobody_has_heard_of_holds_everything_still(session: str, phase: str) -> None:
    quote = read_quote(published(session=session))
    assert quote is not None
    assert quote.phase == phase


def test_a_published_quote_is_read() -> None:
    quote = read_quote(published())
    assert quote is not None
    assert (quote.ask, quote.timestamp, quote.is_open) == (Decimal(70100), AT, True)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "not json",
        "[]",
        published(ask=70100.5),
        published(timestamp="2026-11-20T01:02:03"),
    ],
)
def test_what_is_no_quote_is_none(text: str | None) -> None:
    assert read_quote(text) is None


def test_an_empty_side_and_a_market_without_band_are_fine() -> None:
    quote = read_quote(published(bid=None, bid_size="0", upper_limit=None, lower_limit=None, market="US", board="US"))
    assert quote is not None
    assert quote.bid is None


@pytest.mark.parametrize(
    ("used_at", "left"),
    [(None, (500, 420)), (AT - timedelta(seconds=1), (500, 420)), (AT, (7, 8)), (AT + timedelta(seconds=1), (0, 0))],
)
def test_a_quotes_sizes_are_there_once(used_at: datetime | None, left: tuple[int, int]) -> None:
    quote = read_quote(published())
    assert quote is not None
    assert quote.sizes(used_at, Decimal(7), Decimal(8)) == left
