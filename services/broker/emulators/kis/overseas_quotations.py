"""KIS's overseas quotations as the emulator answers them: price, book, charts; what it does not know is blank."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from quant.markets.calendar import NEW_YORK, SEOUL

from emulators.house import House
from emulators.tape import Day, Minute

CALLS: Final = {
    "overseas/price-detail": {"HHDFS76200200"},
    "overseas/inquire-asking-price": {"HHDFS76200100"},
    "overseas/dailyprice": {"HHDFS76240000"},
    "overseas/inquire-time-itemchartprice": {"HHDFS76950200"},
}
DAYS_MAX: Final = 100
MINUTES_MAX: Final = 120
LEVELS: Final = 10
STAMP: Final = "%Y%m%d%H%M%S"
Fields = Mapping[str, str]
Body = dict[str, Any]


class OverseasQuotations:
    """Answers the calls that no account is needed for; `is_here` says whether a symbol trades at an exchange."""

    def __init__(self, house: House, is_here: Callable[[str, str], bool]) -> None:
        self._house = house
        self._is_here = is_here
        self.answers: dict[str, Callable[[Fields, str, str], Body]] = {
            "overseas/price-detail": self._price,
            "overseas/inquire-asking-price": self._book,
            "overseas/dailyprice": self._days,
            "overseas/inquire-time-itemchartprice": self._minutes,
        }

    def _price(self, fields: Fields, _: str, __: str) -> Body:
        named = _named(fields) | {"curr": "USD", "vnit": "1"}
        names = ("last", "base", "open", "high", "low", "tvol")
        if not self._is_here(fields["SYMB"], fields["EXCD"]):
            return {"output": named | dict.fromkeys(names, "")}
        symbol = fields["SYMB"]
        today = self._house.tape.session(symbol, self._house.today())
        day = (today.open, today.high, today.low, today.volume) if today else (Decimal(0),) * 4
        last = self._house.exchanges[symbol].last or Decimal(0)
        figures = [written(price) for price in (last, self._house.bases[symbol], *day[:3])]
        return {"output": named | dict(zip(names, [*figures, f"{day[3]:.0f}"], strict=True))}

    def _book(self, fields: Fields, _: str, __: str) -> Body:
        at = self._house.clock().astimezone(NEW_YORK)
        heading = _named(fields) | {"curr": "USD", "dymd": f"{at:%Y%m%d}", "dhms": f"{at:%H%M%S}"}
        if not self._is_here(fields["SYMB"], fields["EXCD"]):
            return {"output1": heading, "output2": {}}
        shown = self._house.exchanges[fields["SYMB"]].outside
        levels = {
            f"{name}{number}": "0" for name in ("pbid", "pask", "vbid", "vask") for number in range(1, LEVELS + 1)
        }
        best = {"pbid1": written(shown.bid or Decimal(0)), "pask1": written(shown.ask or Decimal(0))}
        sizes = {"vbid1": f"{shown.bid_size:.0f}", "vask1": f"{shown.ask_size:.0f}"}
        return {"output1": heading, "output2": levels | best | sizes}

    def _days(self, fields: Fields, _: str, __: str) -> Body:
        days = self._house.tape.sessions(fields["SYMB"], self._house.today()) if self._knows(fields) else []
        shown = [_day(day) for day in days if f"{day.on:%Y%m%d}" <= fields["BYMD"]][::-1][:DAYS_MAX]
        return {"output1": _named(fields) | {"nrec": str(len(shown))}, "output2": [*shown, {}]}

    def _minutes(self, fields: Fields, _: str, __: str) -> Body:
        """Back from a moment in New York, over the night before as well where `PINC` asks for it."""
        tape, symbol = self._house.tape, fields["SYMB"]
        days = tape.days_of(symbol) if fields["PINC"] == "1" else [self._house.today()]
        minutes = [minute for day in days for minute in tape.minutes(symbol, day)] if self._knows(fields) else []
        until = fields["KEYB"] or "9" * 14
        found = [minute for minute in minutes if f"{minute.begins:{STAMP}}" <= until][::-1]
        count = min(int(fields["NREC"]), MINUTES_MAX)
        more = {"next": "1" if len(found) > count else "", "more": "1" if len(found) > count else "0"}
        shown = [_minute(minute) for minute in found[:count]]
        return {"output1": _named(fields) | more | {"nrec": str(len(shown))}, "output2": shown}

    def _knows(self, fields: Fields) -> bool:
        return self._is_here(fields["SYMB"], fields["EXCD"])


def written(price: Decimal) -> str:
    """A price with the four places that `zdiv` tells of."""
    return f"{price:.4f}"


def _named(fields: Fields) -> dict[str, str]:
    return {"rsym": f"D{fields['EXCD']}{fields['SYMB']}", "zdiv": "4"}


def _day(day: Day) -> dict[str, str]:
    prices = {"open": day.open, "high": day.high, "low": day.low, "clos": day.close}
    written_prices = {name: written(price) for name, price in prices.items()}
    return {"xymd": f"{day.on:%Y%m%d}"} | written_prices | {"tvol": f"{day.volume:.0f}"}


def _minute(minute: Minute) -> dict[str, str]:
    here, seoul = minute.begins, minute.begins.astimezone(SEOUL)
    when = {"tymd": f"{here:%Y%m%d}", "xymd": f"{here:%Y%m%d}", "xhms": f"{here:%H%M%S}"}
    when |= {"kymd": f"{seoul:%Y%m%d}", "khms": f"{seoul:%H%M%S}"}
    prices = {"open": minute.open, "high": minute.high, "low": minute.low, "last": minute.close}
    written_prices = {name: written(price) for name, price in prices.items()}
    return when | written_prices | {"evol": f"{minute.volume:.0f}", "eamt": written(minute.volume * minute.close)}
