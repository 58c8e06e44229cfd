"""Kiwoom's quotations as the emulator answers and streams them: what the house does not know is zero or missing."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from quant.matching import Exchange

from emulators.house import House, No
from emulators.kiwoom.rows import directed
from emulators.tape import Day, Minute, Tick

LEVELS: Final = 10
_NONE: Final = Decimal(0)
Body = dict[str, Any]


class Quotations:
    """Answers the calls that no account is needed for."""

    def __init__(self, house: House) -> None:
        self._house = house

    def price(self, _: str, asked: Mapping[str, str]) -> Body | No:
        """ka10001."""
        symbol = asked["stk_cd"]
        if (exchange := self._house.exchanges.get(symbol)) is None:
            return No("unknown_symbol")
        band, base = exchange.rules.band, self._house.bases[symbol]
        shown = {"stk_cd": symbol, "stk_nm": symbol, "cur_prc": directed(exchange.last, base), "pred_pre_sig": "3"}
        if band is not None:
            shown |= {"upl_pric": f"+{int(band.upper)}", "lst_pric": f"-{int(band.lower)}"}
        shown |= {"base_pric": f"{int(base)}", "trde_qty": "0"} | dict.fromkeys(
            ("open_pric", "high_pric", "low_pric"), ""
        )
        if (today := self._house.tape.session(symbol, self._house.today())) is not None:
            shown |= _prices(today, base) | {"trde_qty": f"{today.volume:.0f}"}
        return shown

    def book(self, _: str, asked: Mapping[str, str]) -> Body | No:
        """ka10004: ten levels a side, of which the house knows the best."""
        if (exchange := self._house.exchanges.get(asked["stk_cd"])) is None:
            return No("unknown_symbol")
        shown, base = exchange.outside, self._house.bases[asked["stk_cd"]]
        deeper = {
            f"{side}_{place}th_pre_{what}": "0"
            for side in ("sel", "buy")
            for place in range(2, LEVELS + 1)
            for what in ("bid", "req")
        }
        best = {"sel_fpr_bid": directed(shown.ask, base), "buy_fpr_bid": directed(shown.bid, base)}
        return deeper | best | {"sel_fpr_req": f"{shown.ask_size:.0f}", "buy_fpr_req": f"{shown.bid_size:.0f}"}

    def days(self, _: str, asked: Mapping[str, str]) -> Body | No:
        """ka10081, newest first."""
        symbol, last = asked["stk_cd"], date.fromisoformat(asked["base_dt"])
        if symbol not in self._house.exchanges:
            return No("unknown_symbol")
        days = [day for day in self._house.tape.sessions(symbol, self._house.today()) if day.on <= last]
        rows = [{"dt": f"{day.on:%Y%m%d}"} | self._figures(symbol, day) for day in days[::-1]]
        return {"stk_cd": symbol, "stk_dt_pole_chart_qry": rows}

    def minutes(self, _: str, asked: Mapping[str, str]) -> Body | No:
        """ka10080 of one minute, newest first."""
        symbol = asked["stk_cd"]
        if symbol not in self._house.exchanges:
            return No("unknown_symbol")
        minutes = self._house.tape.minutes(symbol, date.fromisoformat(asked["base_dt"]))
        rows = [{"cntr_tm": f"{each.begins:%Y%m%d%H%M%S}"} | self._figures(symbol, each) for each in minutes[::-1]]
        return {"stk_cd": symbol, "stk_min_pole_chart_qry": rows}

    def _figures(self, symbol: str, bar: Day | Minute) -> dict[str, str]:
        base = self._house.bases[symbol]
        return _prices(bar, base) | {"cur_prc": directed(bar.close, base), "trde_qty": f"{bar.volume:.0f}"}


def _prices(bar: Day | Minute, base: Decimal) -> dict[str, str]:
    prices = {"open_pric": bar.open, "high_pric": bar.high, "low_pric": bar.low}
    return {name: directed(price, base) for name, price in prices.items()}


def trade(tick: Tick, at: datetime, base: Decimal, exchange: Exchange, volume: Decimal) -> dict[str, str]:
    """The fields of 0B that the house knows."""
    shown = exchange.outside
    price, best = directed(tick.price, base), {"27": shown.ask, "28": shown.bid}
    told = {"20": f"{at:%H%M%S}", "10": price} | {name: directed(each, base) for name, each in best.items()}
    sizes = {"15": f"+{tick.quantity:.0f}", "13": f"{volume:.0f}"}
    return told | sizes | dict.fromkeys(("16", "17", "18"), price) | {"290": "2", "9081": "1"}


def book(exchange: Exchange, at: datetime, base: Decimal) -> dict[str, str]:
    """The fields of 0D that the house knows: one level of ten."""
    shown = exchange.outside
    levels = {str(number): "0" for first in (41, 51, 61, 71) for number in range(first, first + LEVELS)}
    best = {"41": directed(shown.ask, base), "51": directed(shown.bid, base)}
    sizes = {"61": f"{shown.ask_size:.0f}", "71": f"{shown.bid_size:.0f}"}
    return {"21": f"{at:%H%M%S}"} | levels | best | sizes
