"""One instrument has one spelling, whatever the user or provider writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.markets.listing import currency_of, market_of, minor_unit
from quant.markets.symbols import Listing, normalise


@pytest.mark.parametrize(
    ("text", "code", "market"),
    [
        ("005930", "005930", "KRX"),
        ("005930.KS", "005930", "KRX"),
        ("247540.KQ", "247540", "KRX"),
        ("KRX:005930", "005930", "KRX"),
        ("krx:005930.ks", "005930", "KRX"),
        ("A005930", "005930", "KRX"),
        ("Q530107", "530107", "KRX"),
        (" 0155e0 ", "0155E0", "KRX"),
        ("0069M0", "0069M0", "KRX"),
        ("00088K", "00088K", "KRX"),
        ("AAPL", "AAPL", "US"),
        ("us:aapl", "AAPL", "US"),
        ("BRK.B", "BRK.B", "US"),
        ("BF-B", "BF-B", "US"),
        ("A", "A", "US"),
        ("KOSPI", "KOSPI", "KRX"),
        ("KRX:kospi200", "KOSPI200", "KRX"),
    ],
)
def test_every_known_spelling_becomes_the_listing(text: str, code: str, market: str) -> None:
    assert normalise(text) == Listing(code, market)


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "5930", "0059300", "005930.KX", "005930.KS.KQ", "KRX:AAPL", "US:005930", "NYSE:IBM", "KRX:US:AAPL"],
        *["삼성전자", "００５９３０", "AAPL;DROP", ".A", "ABCDEFGHIJK", "x" * 1000],
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="symbol"):
        normalise(text)


def test_letters_are_never_stripped_from_a_code() -> None:
    assert normalise("0155E0") != normalise("001550")


@given(st.text(max_size=40))
def test_normalising_is_idempotent(text: str) -> None:
    try:
        listing = normalise(text)
    except ValueError:
        return
    assert normalise(listing.code) == listing
    assert normalise(f"{listing.market}:{listing.code}") == listing


def test_boards_markets_and_currencies_belong_together() -> None:
    assert [market_of(board) for board in ("KOSPI", "KOSDAQ", "KONEX", "US")] == ["KRX", "KRX", "KRX", "US"]
    assert (currency_of("KRX"), currency_of("US")) == ("KRW", "USD")
    assert str(minor_unit("USD")) == "0.01"
    for unknown in (market_of, currency_of, minor_unit):
        with pytest.raises(ValueError, match="unknown"):
            unknown("NYSE")
