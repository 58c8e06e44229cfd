"""data.krx.co.kr: raw bars of one issue over a range, or of a whole board on a day. Needs a log-in since 2026.

Replies are JSON under `text/html`, newest first, numbers with thousands separators, `-` on a day without a session. A
range call takes two years at most. Without a session the site answers a page, or the word LOGOUT.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from quant.markets.listing import Board, Market

from market.providers.caller import Caller
from market.providers.port import Blocked, NotAllowed, NotOffered, Provenance, RawBar, UnknownSymbol, Unreadable

DATA: Final = "/comm/bldAttendant/getJsonData.cmd"
LOGIN: Final = "/contents/MDC/COMS/client/MDCCOMS001D1.cmd"
LOGIN_PAGES: Final = ("/contents/MDC/COMS/client/MDCCOMS001.cmd", "/contents/MDC/COMS/client/view/login.jsp?site=mdc")
HEADERS: Final = {
    "Referer": "https://data.krx.co.kr/contents/MDC/MDI/outerLoader/index.cmd",
    "X-Requested-With": "XMLHttpRequest",
    "User-Agent": "Mozilla/5.0 (exodus)",
}
STANDARD: Final = "dbms/MDC/STAT/standard/"
FINDER: Final = "dbms/comm/finder/finder_stkisu"
DELISTED_FINDER: Final = "dbms/comm/finder/finder_listdelisu"
RANGE: Final = timedelta(days=729)
INDICES: Final = {"KOSPI": "1001", "KOSPI200": "1028", "KOSDAQ": "2001"}
"""The portal's codes of indices: a group and a number in it."""
OF_ISSUE: Final = ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "TDD_CLSPRC", "ACC_TRDVOL")
OF_INDEX: Final = ("OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX", "CLSPRC_IDX", "ACC_TRDVOL")
MARKETS: Final[dict[Board, str]] = {"KOSPI": "STK", "KOSDAQ": "KSQ", "KONEX": "KNX"}
WRAPPERS: Final = ("output", "OutBlock_1", "block1")
PACE_SECONDS: Final = 1.0
"""Faster callers are shut out by address, for a day and longer."""

Row = Mapping[str, str]


class KrxPortal:
    """The portal, as a person who is logged in sees it."""

    provenance = Provenance("krx_portal", "raw", "personal", frozenset({"KRX"}), whole_days=True, series=True)

    def __init__(self, caller: Caller, user: str, password: str) -> None:
        self._caller = caller
        self._user = user
        self._password = password
        self._isins: dict[str, str] = {}
        self._is_logged_in = False

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """Ask for at most two years at a time; both listed and delisted issues are known."""
        if market != "KRX":
            raise NotOffered(f"KRX has no {market} symbols")
        index = INDICES.get(symbol)
        isin = "" if index else await self.isin_of(symbol)
        found, begin = list[RawBar](), first
        while begin <= last:
            end = min(begin + RANGE, last)
            span = {"strtDd": _day(begin), "endDd": _day(end)}
            if index:
                rows = await self.ask("MDCSTAT00301", indIdx=index[0], indIdx2=index[1:], **span)
            else:
                rows = await self.ask("MDCSTAT01701", isuCd=isin, adjStkPrc="1", **span)
            found += [bar_of(symbol, row["TRD_DD"], row, OF_INDEX if index else OF_ISSUE) for row in reversed(rows)]
            begin = end + timedelta(days=1)
        return [bar for bar in found if bar.close]

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Ask for all issues of a board; on a day without a session every price is `-`, which is no bar."""
        if board not in MARKETS:
            raise NotOffered(f"KRX has no board {board}")
        rows = await self.ask("MDCSTAT01501", mktId=MARKETS[board], trdDd=_day(day))
        bars = [bar_of(row["ISU_SRT_CD"], str(day), row) for row in rows]
        return [bar for bar in bars if bar.close]

    async def ask(self, bld: str, **form: str) -> list[Row]:
        """Ask for a table, logging in when the site says that we are not.

        Raises:
            Blocked: when it says so again right after the log-in: it does not want us today.
        """
        if not self._is_logged_in:
            await self._log_in()
        try:
            return await self._ask_once(bld, form)
        except LoggedOut:
            self._caller.forget_cookies()
            await self._log_in()
        try:
            return await self._ask_once(bld, form)
        except LoggedOut as again:
            self._is_logged_in = False
            raise Blocked("data.krx.co.kr shows its log-in page right after a log-in") from again

    async def _ask_once(self, bld: str, form: Mapping[str, str]) -> list[Row]:
        name = bld if bld.startswith("dbms/") else STANDARD + bld
        try:
            answer = await self._caller.call_json("POST", DATA, data={**form, "bld": name})
        except Unreadable as page:
            if "page for people" in str(page) or "LOGOUT" in str(page):
                raise LoggedOut(str(page)) from page
            raise
        return rows_of(answer)

    async def _log_in(self) -> None:
        for page in LOGIN_PAGES:
            await self._caller.call("GET", page)
        form = {"mbrNm": "", "telNo": "", "di": "", "certType": "", "mbrId": self._user, "pw": self._password}
        told = await self._caller.call_json("POST", LOGIN, data=form)
        if told.get("_error_code") == "CD011":  # somebody, perhaps we, is logged in elsewhere
            told = await self._caller.call_json("POST", LOGIN, data={**form, "skipDup": "Y"})
        if told.get("_error_code") != "CD001":
            raise NotAllowed(
                f"data.krx.co.kr refuses the log-in: {told.get('_error_code')} {told.get('_error_message')}"
            )
        self._is_logged_in = True

    async def isin_of(self, symbol: str) -> str:
        """The ISIN of a listed or delisted issue.

        Raises:
            UnknownSymbol: when there is none.
        """
        for finder in (FINDER, DELISTED_FINDER):
            if symbol in self._isins:
                break
            rows = await self.ask(finder, locale="ko_KR", mktsel="ALL", searchText="", typeNo="0")
            self._isins = {row["short_code"]: row["full_code"] for row in rows} | self._isins
        if symbol not in self._isins:
            raise UnknownSymbol(f"data.krx.co.kr knows no {symbol}")
        return self._isins[symbol]


class LoggedOut(Unreadable):
    """The site answered as to somebody who is not logged in."""


def rows_of(answer: Any) -> list[Row]:
    """The table of a reply, whatever its wrapper is called.

    Raises:
        Unreadable: when there is none.
    """
    if isinstance(answer, dict):
        for wrapper in WRAPPERS:
            if isinstance(rows := answer.get(wrapper), list):
                return rows
    raise Unreadable(f"no table in the reply of data.krx.co.kr: {str(answer)[:60]}")


def bar_of(symbol: str, day: str, row: Row, names: Sequence[str] = OF_ISSUE) -> RawBar:
    """A row as a bar, separators and dashes taken out."""
    try:
        return RawBar(symbol, day.replace("/", "-"), *(plain(row[name]) for name in names))
    except KeyError as missing:
        raise Unreadable(f"a row of data.krx.co.kr lacks {missing}") from missing


def plain(text: str) -> str:
    """`1,234` as `1234`, and `-` as nothing."""
    return "" if text == "-" else text.replace(",", "")


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")
