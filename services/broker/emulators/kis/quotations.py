"""KIS's quotations as the emulator answers them: price, book, charts. What the house does not know is zero."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from quant.markets.calendar import SEOUL

from emulators.house import House, No
from emulators.kis.rows import whole
from emulators.tape import Day, Minute

FOLDER: Final = "/uapi/domestic-stock/v1/quotations"
CALLS: Final = {
    "inquire-price": {"FHKST01010100"},
    "inquire-asking-price-exp-ccn": {"FHKST01010200"},
    "inquire-daily-itemchartprice": {"FHKST03010100"},
    "inquire-time-itemchartprice": {"FHKST03010200"},
    "inquire-time-dailychartprice": {"FHKST03010230"},
}
REAL_ONLY: Final = frozenset({"inquire-time-dailychartprice"})
DAYS_MAX: Final = 100
MINUTES_MAX: Final = 30
MINUTES_OF_THE_PAST_MAX: Final = 120
LEVELS: Final = 10
_DAY_SO_FAR: Final = ("stck_oprc", "stck_hgpr", "stck_lwpr", "acml_vol", "acml_tr_pbmn")
Fields = Mapping[str, str]
Body = dict[str, Any]


class Quotations:
    """Answers the calls that no account is needed for."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._answers: dict[str, Callable[[Fields], Body | No]] = {
            "inquire-price": self._price,
            "inquire-asking-price-exp-ccn": self._book,
            "inquire-daily-itemchartprice": self._days,
            "inquire-time-itemchartprice": self._minutes,
            "inquire-time-dailychartprice": self._minutes_of_the_past,
        }

    def answer(self, call: str, fields: Fields) -> Body | No:
        """The body of an answer."""
        return self._answers[call](fields)

    def _price(self, fields: Fields) -> Body | No:
        symbol = fields["FID_INPUT_ISCD"]
        exchange = self._house.exchanges.get(symbol)
        if exchange is None or exchange.rules.band is None:
            return No("unknown_symbol")
        outside, band = exchange.outside, exchange.rules.band
        prices = {"stck_prpr": exchange.last, "askp1": outside.ask, "bidp1": outside.bid}
        prices |= {"stck_mxpr": band.upper, "stck_llam": band.lower}
        prices |= {"stck_sdpr": self._house.bases[symbol]} | dict.fromkeys(_DAY_SO_FAR)
        if (today := self._house.tape.session(symbol, self._house.today())) is not None:
            prices |= {"stck_oprc": today.open, "stck_hgpr": today.high, "stck_lwpr": today.low}
            prices |= {"acml_vol": today.volume, "acml_tr_pbmn": today.value}
        return {"output": {name: whole(price or Decimal(0)) for name, price in prices.items()}}

    def _book(self, fields: Fields) -> Body | No:
        symbol = fields["FID_INPUT_ISCD"]
        exchange = self._house.exchanges.get(symbol)
        if exchange is None:
            return No("unknown_symbol")
        shown = exchange.outside
        best = {"askp": shown.ask, "bidp": shown.bid, "askp_rsqn": shown.ask_size, "bidp_rsqn": shown.bid_size}
        levels = {f"{name}{number}": "0" for name in best for number in range(1, LEVELS + 1)}
        first = {f"{name}1": whole(value or Decimal(0)) for name, value in best.items()}
        first |= {f"total_{name}": first[f"{name}1"] for name in ("askp_rsqn", "bidp_rsqn")}
        at = f"{self._house.clock().astimezone(SEOUL):%H%M%S}"
        return {
            "output1": {"aspr_acpt_hour": at} | levels | first,
            "output2": {"antc_cnpr": "0", "stck_shrn_iscd": symbol},
        }

    def _days(self, fields: Fields) -> Body:
        symbol = fields["FID_INPUT_ISCD"]
        first, last = fields["FID_INPUT_DATE_1"], fields["FID_INPUT_DATE_2"]
        days = self._house.tape.sessions(symbol, self._house.today())
        shown = [_day(day) for day in days if first <= f"{day.on:%Y%m%d}" <= last]
        return self._chart(symbol, shown[::-1][:DAYS_MAX])

    def _minutes(self, fields: Fields) -> Body:
        symbol, until = fields["FID_INPUT_ISCD"], fields["FID_INPUT_HOUR_1"]
        minutes = self._house.tape.minutes(symbol, self._house.today())
        shown = [_minute(minute) for minute in minutes if f"{minute.begins:%H%M%S}" <= until]
        return self._chart(symbol, shown[::-1][:MINUTES_MAX])

    def _minutes_of_the_past(self, fields: Fields) -> Body:
        symbol, until, day = fields["FID_INPUT_ISCD"], fields["FID_INPUT_HOUR_1"], fields["FID_INPUT_DATE_1"]
        on = datetime.strptime(day, "%Y%m%d").replace(tzinfo=SEOUL).date()
        minutes = self._house.tape.minutes(symbol, on)
        shown = [_minute(minute) for minute in minutes if f"{minute.begins:%H%M%S}" <= until]
        return self._chart(symbol, shown[::-1][:MINUTES_OF_THE_PAST_MAX])

    def _chart(self, symbol: str, rows: list[dict[str, str]]) -> Body:
        """Of a symbol that is not listed there is neither a name nor a row, and no error."""
        exchange = self._house.exchanges.get(symbol)
        if exchange is None:
            return {"output1": {"hts_kor_isnm": ""}, "output2": [{}]}
        named = {"hts_kor_isnm": symbol, "stck_shrn_iscd": symbol, "stck_prpr": whole(exchange.last or Decimal(0))}
        return {"output1": named, "output2": [*rows, {}]}


def _day(day: Day) -> dict[str, str]:
    names = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol")
    figures = (day.open, day.high, day.low, day.close, day.volume)
    return {"stck_bsop_date": f"{day.on:%Y%m%d}"} | dict(zip(names, map(whole, figures), strict=True))


def _minute(minute: Minute) -> dict[str, str]:
    names = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_prpr", "cntg_vol")
    figures = (minute.open, minute.high, minute.low, minute.close, minute.volume)
    when = {"stck_bsop_date": f"{minute.begins:%Y%m%d}", "stck_cntg_hour": f"{minute.begins:%H%M%S}"}
    return when | dict(zip(names, map(whole, figures), strict=True))
