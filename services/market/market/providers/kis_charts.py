"""KIS quotations: raw daily bars of KRX symbols, for the owner of the key. A hundred rows a call, newest first.

Two calls a second on paper, about twenty on a real account: more is told with HTTP 500 and EGW00201. A token lives a
day and may be asked for once a minute, so one is kept until shortly before its end.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from quant.markets.listing import Board, Market
from quant.markets.symbols import is_index

from market.providers.caller import Caller, Sleep
from market.providers.port import Limited, NotAllowed, NotOffered, Provenance, RawBar, UnknownSymbol, Unreadable

TOKEN: Final = "/oauth2/tokenP"  # noqa: S105 - a path
CHART: Final = "/uapi/domestic-stock/v1/quotations/inquire-daily-itemchartprice"
CHART_TR: Final = "FHKST03010100"
RAW: Final = "1"
TOO_FAST: Final = "EGW00201"
PAGE_ROWS: Final = 100
PAGES_MAX: Final = 200
TRIES_MAX: Final = 5
PACE_SECONDS: Final = 0.5
WAIT_SECONDS: Final = 1.0
EARLIER: Final = timedelta(minutes=10)
NAMES: Final = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol")


class KisCharts:
    """KIS with the key of one account."""

    provenance = Provenance("kis", "raw", "owner", frozenset({"KRX"}), whole_days=False, series=True)

    def __init__(self, caller: Caller, key: str, secret: str, clock: Callable[[], datetime], sleep: Sleep) -> None:
        self._caller = caller
        self._key = key
        self._secret = secret
        self._clock = clock
        self._sleep = sleep
        self._token = ""
        self._ends: datetime | None = None

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """Turn pages back in time: each ends where the one before began."""
        if market != "KRX" or is_index(symbol):
            raise NotOffered(f"KIS's charts of domestic stocks have no {symbol} ({market})")
        found: list[RawBar] = []
        end = last
        for _ in range(PAGES_MAX):
            page = await self._page(symbol, first, end)
            found += page
            if len(page) < PAGE_ROWS:
                return found[::-1]
            end = date.fromisoformat(page[-1].date) - timedelta(days=1)
            if end < first:
                return found[::-1]
        raise Unreadable(f"KIS sent {PAGES_MAX} pages of {symbol} and no end")

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Not offered."""
        raise NotOffered(f"KIS gives one symbol at a time, not {board} on {day}")

    async def _page(self, symbol: str, first: date, last: date) -> list[RawBar]:
        params = {
            "FID_COND_MRKT_DIV_CODE": "J",
            "FID_INPUT_ISCD": symbol,
            "FID_INPUT_DATE_1": first.strftime("%Y%m%d"),
            "FID_INPUT_DATE_2": last.strftime("%Y%m%d"),
            "FID_PERIOD_DIV_CODE": "D",
            "FID_ORG_ADJ_PRC": RAW,
        }
        told = await self.ask(CHART, CHART_TR, params)
        if not isinstance(rows := told.get("output2"), list):
            raise Unreadable("KIS sent no output2")
        if not any(rows) and not (told.get("output1") or {}).get("hts_kor_isnm"):
            raise UnknownSymbol(f"KIS knows no {symbol}")
        return [_bar(symbol, row) for row in rows if row]  # KIS fills a page up with empty objects

    async def ask(self, path: str, tr_id: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """Ask for anything KIS tells of a symbol; it is what KIS answered, if that was no refusal.

        Raises:
            ProviderError: a subclass says what to do next.
        """
        for _ in range(TRIES_MAX):
            headers = {
                "authorization": f"Bearer {await self._current_token()}",
                "appkey": self._key,
                "appsecret": self._secret,
                "tr_id": tr_id,
                "custtype": "P",
            }
            told = await self._caller.call_json("GET", path, params=params, headers=headers)
            if told.get("rt_cd") == "0":
                return dict(told)
            if told.get("msg_cd") != TOO_FAST:
                raise Unreadable(f"KIS says {told.get('msg_cd')}: {told.get('msg1')}")
            await self._sleep(WAIT_SECONDS)
        raise Limited("KIS wants fewer calls a second", WAIT_SECONDS)

    async def _current_token(self) -> str:
        if self._ends is None or self._clock() >= self._ends - EARLIER:
            body = {"grant_type": "client_credentials", "appkey": self._key, "appsecret": self._secret}
            told = await self._caller.call_json("POST", TOKEN, json=body)
            if not isinstance(told.get("access_token"), str):
                raise NotAllowed(f"KIS gives no token: {told.get('error_description') or told.get('msg1')}")
            self._token = told["access_token"]
            self._ends = self._clock() + timedelta(seconds=int(told.get("expires_in", 0)))
        return self._token


def _bar(symbol: str, row: Mapping[str, str]) -> RawBar:
    try:
        day = row["stck_bsop_date"]
        return RawBar(symbol, f"{day[:4]}-{day[4:6]}-{day[6:]}", *(row[name] for name in NAMES))
    except KeyError as missing:
        raise Unreadable(f"a row of KIS lacks {missing}") from missing
