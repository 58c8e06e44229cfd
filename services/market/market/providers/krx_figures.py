"""Figures of data.krx.co.kr beside prices: valuations of a whole board on a day, and who bought and who sold.

Valuations of a day are told with its close, and so are known since that day. In the daily flows the columns mean by
their place: institutions, other corporations, individuals, foreigners; values are net buying in won.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from quant.markets.listing import Board

from market.domain.figures import Flow, Ratios
from market.providers.krx_portal import MARKETS, KrxPortal, plain
from market.providers.port import NotOffered, Unreadable

SOURCE: Final = "krx_portal"
COLUMNS: Final = {"per": "PER", "pbr": "PBR", "eps": "EPS", "bps": "BPS", "dividend_yield": "DVD_YLD"}


async def fetch_valuations(portal: KrxPortal, board: Board, day: date) -> Sequence[Ratios]:
    """Every issue of a board; a ratio that means nothing (a loss) is left out, an issue without any stays."""
    if board not in MARKETS:
        raise NotOffered(f"KRX has no board {board}")
    rows = await portal.ask("MDCSTAT03501", mktId=MARKETS[board], trdDd=day.strftime("%Y%m%d"))
    return [valuation_of(row["ISU_SRT_CD"], day, row) for row in rows if row["TDD_CLSPRC"] != "-"]


async def fetch_flows(portal: KrxPortal, symbol: str, first: date, last: date) -> Sequence[Flow]:
    """The net buying of each day, oldest first."""
    rows = await portal.ask(
        "MDCSTAT02302",
        isuCd=await portal.isin_of(symbol),
        strtDd=first.strftime("%Y%m%d"),
        endDd=last.strftime("%Y%m%d"),
        inqTpCd="2",
        trdVolVal="2",
        askBid="3",
    )
    return [flow_of(symbol, row) for row in reversed(rows)]


def valuation_of(symbol: str, day: date, row: Mapping[str, str]) -> Ratios:
    """A row as ratios."""
    told = {name: plain(row[column]) for name, column in COLUMNS.items()}
    return Ratios(symbol, day, {name: _number(text) for name, text in told.items() if text}, SOURCE)


def flow_of(symbol: str, row: Mapping[str, str]) -> Flow:
    """A row as a flow."""
    day = date.fromisoformat(row["TRD_DD"].replace("/", "-"))
    institution, corporation, individual, foreigner = (_number(plain(row[f"TRDVAL{place}"])) for place in range(1, 5))
    return Flow(symbol, day, day, individual, institution, foreigner, corporation, SOURCE)


def _number(text: str) -> Decimal:
    try:
        return Decimal(text or "0")
    except InvalidOperation as wrong:
        raise Unreadable(f"data.krx.co.kr sent {text!r} where a number belongs") from wrong
