"""KRX Open API: the official whole-market file of one day, raw, from 2010. Three calls give all three boards.

Every service must be applied for; a key that lacks one is told so with HTTP 200. Over 10,000 calls a day is 429.
Non-commercial use, naming the source as 한국거래소 통계정보.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final

from quant.markets.listing import Board, Market

from market.providers.caller import Caller, end_of_day
from market.providers.krx_portal import bar_of, rows_of
from market.providers.port import Blocked, Limited, NotAllowed, NotOffered, Provenance, RawBar, Unreadable

SERVICES: Final[dict[Board, str]] = {"KOSPI": "stk_bydd_trd", "KOSDAQ": "ksq_bydd_trd", "KONEX": "knx_bydd_trd"}
FIRST_DAY: Final = date(2010, 1, 4)
PACE_SECONDS: Final = 0.2
KST_HOURS: Final = 9


class KrxOpenApi:
    """The official interface, with one key."""

    provenance = Provenance("krx_open_api", "raw", "non_commercial", frozenset({"KRX"}), whole_days=True, series=False)

    def __init__(self, caller: Caller, key: str, clock: Callable[[], datetime]) -> None:
        self._caller = caller
        self._key = key
        self._clock = clock

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """Not offered: a call for every day would spend the day's calls on one symbol."""
        raise NotOffered(f"KRX Open API gives whole days, not {symbol} from {first} to {last} ({market})")

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Ask for a board; a day without a session is an empty list."""
        if board not in SERVICES or day < FIRST_DAY:
            raise NotOffered(f"KRX Open API has no {board} on {day}")
        path = f"/svc/apis/sto/{SERVICES[board]}.json"
        try:
            told = await self._caller.call_json(
                "GET", path, params={"basDd": day.strftime("%Y%m%d")}, headers={"AUTH_KEY": self._key}
            )
        except Limited as limited:
            raise Blocked("KRX Open API: 10,000 calls of today are spent", end_of_day(self._clock(), KST_HOURS)) from (
                limited
            )
        if isinstance(told, dict) and "respCode" in told:
            code, message = told["respCode"], told.get("respMsg")
            if str(code) == "401":
                raise NotAllowed(f"KRX Open API: {message} (apply for {SERVICES[board]} with this key)")
            raise Unreadable(f"KRX Open API says {code}: {message}")
        bars = [bar_of(row["ISU_CD"], str(day), row) for row in rows_of(told)]
        return [bar for bar in bars if bar.close]
