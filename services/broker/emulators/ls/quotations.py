"""LS's quotations as the emulator answers and streams them: what the house does not know is zero or missing."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from quant.matching import Exchange

from emulators.house import House
from emulators.tape import Day, Minute, Tick

LEVELS: Final = 10
_NONE: Final = Decimal(0)
_DAY_SO_FAR: Final = ("open", "high", "low", "volume", "value")
_FOUND: Final = {"rsp_cd": "00000", "rsp_msg": "정상적으로 조회가 완료되었습니다."}
Asked = Mapping[str, Any]
Body = dict[str, Any]


class Quotations:
    """Answers the calls that no account is needed for. A symbol that is not listed has no name, and is no error."""

    def __init__(self, house: House, page: int) -> None:
        """`page` is how many rows of a chart come at once."""
        self._house = house
        self._page = page

    def price(self, _: str, asked: Asked) -> Body:
        """t1102."""
        symbol = str(asked["shcode"])
        exchange = self._house.exchanges.get(symbol)
        if exchange is None:
            return {"t1102OutBlock": {"hname": "", "price": 0, "shcode": ""}} | _FOUND
        band = exchange.rules.band
        block = {"hname": symbol, "shcode": symbol, "price": int(exchange.last or 0), "sign": "3", "change": 0}
        block |= {"recprice": int(self._house.bases[symbol])} | dict.fromkeys(_DAY_SO_FAR, 0)
        if band is not None:
            block |= {"uplmtprice": int(band.upper), "dnlmtprice": int(band.lower)}
        if (today := self._house.tape.session(symbol, self._house.today())) is not None:
            block |= {name: int(getattr(today, name)) for name in _DAY_SO_FAR}
        return {"t1102OutBlock": block} | _FOUND

    def book(self, _: str, asked: Asked) -> Body:
        """t1101."""
        symbol = str(asked["shcode"])
        exchange = self._house.exchanges.get(symbol)
        if exchange is None:
            return {"t1101OutBlock": {"hname": "", "price": 0}} | _FOUND
        block: Body = {"hname": symbol, "shcode": symbol, "price": int(exchange.last or 0)}
        block |= {name: int(text) for name, text in _levels(exchange).items()}
        return {"t1101OutBlock": block | {"offer": block["offerrem1"], "bid": block["bidrem1"]}} | _FOUND

    def days(self, _: str, asked: Asked) -> Body:
        """t8451: each page is oldest first, and the next one is of the days before it."""
        symbol, before = str(asked["shcode"]), str(asked["cts_date"]).strip()
        rows = [
            {"date": f"{day.on:%Y%m%d}"} | _figures(day)
            for day in self._house.tape.sessions(symbol, self._house.today())
            if asked["sdate"] <= f"{day.on:%Y%m%d}" <= asked["edate"]
        ]
        return self._paged("t8451", symbol, [row for row in rows if not before or row["date"] < before])

    def minutes(self, _: str, asked: Asked) -> Body:
        """t8452 of one minute, in the same way."""
        symbol, before = str(asked["shcode"]), str(asked["cts_date"]).strip() + str(asked["cts_time"]).strip()
        rows = [
            {"date": f"{each.begins:%Y%m%d}", "time": f"{each.begins:%H%M%S}"} | _figures(each)
            for each in self._house.tape.minutes(symbol, self._house.today())
        ]
        return self._paged("t8452", symbol, [row for row in rows if not before or row["date"] + row["time"] < before])

    def _paged(self, name: str, symbol: str, rows: list[dict[str, Any]]) -> Body:
        known = symbol in self._house.exchanges
        shown, more = rows[-self._page :] if known else [], len(rows) > self._page
        block = {"shcode": symbol if known else "", "rec_count": len(shown), "cts_date": "", "cts_time": ""}
        if known and more:
            block |= {"cts_date": shown[0]["date"], "cts_time": shown[0].get("time", "")}
        return {f"{name}OutBlock": block, f"{name}OutBlock1": shown, "_more": known and more} | _FOUND


def _figures(bar: Day | Minute) -> dict[str, Any]:
    figures = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "jdiff_vol": bar.volume}
    return {name: int(figure) for name, figure in (figures | {"value": bar.value}).items()}


def _levels(exchange: Exchange) -> dict[str, str]:
    shown = exchange.outside
    levels = {
        f"{name}{place}": "0" for place in range(1, LEVELS + 1) for name in ("offerho", "bidho", "offerrem", "bidrem")
    }
    best = {"offerho1": shown.ask, "bidho1": shown.bid, "offerrem1": shown.ask_size, "bidrem1": shown.bid_size}
    return levels | {name: f"{value or _NONE:.0f}" for name, value in best.items()}


def trade(symbol: str, tick: Tick, at: datetime, exchange: Exchange, volume: Decimal) -> dict[str, str]:
    """The fields of S3_ that the house knows."""
    price, shown = f"{tick.price:.0f}", exchange.outside
    sizes = {"cgubun": "+", "cvolume": f"{tick.quantity:.0f}", "volume": f"{volume:.0f}"}
    best = {"offerho": f"{shown.ask or 0:.0f}", "bidho": f"{shown.bid or 0:.0f}"}
    prices = dict.fromkeys(("price", "open", "high", "low"), price)
    return {"chetime": f"{at:%H%M%S}", "sign": "3", "shcode": symbol, "exchname": "KRX"} | prices | sizes | best


def book(symbol: str, at: datetime, exchange: Exchange) -> dict[str, str]:
    """The fields of H1_ that the house knows: one level of ten."""
    return {"hotime": f"{at:%H%M%S}"} | _levels(exchange) | {"shcode": symbol, "donsigubun": "1"}
