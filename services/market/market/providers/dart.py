"""OpenDART: what companies filed, and the sums of their accounts. Status words come inside a 200.

The day of receipt is when anybody could know: it is the beginning of the receipt number. About 20,000 calls a day.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from market.domain.figures import Accounts, Disclosure, Ratios, ratios_of
from market.providers.caller import Caller, end_of_day
from market.providers.port import Blocked, NotAllowed, Unreachable, Unreadable

SOURCE: Final = "dart"
OK, NOTHING, TOO_MANY, UPKEEP = "000", "013", "020", "800"
BAD_KEYS: Final = frozenset({"010", "011", "012"})
PAGE_ROWS: Final = 100
PAGES_MAX: Final = 200
PACE_SECONDS: Final = 0.1
KST_HOURS: Final = 9
YEAR_REPORT: Final = "11011"
WHOLE_GROUP, ALONE = "CFS", "OFS"
TITLE_LENGTH_MAX: Final = 500
PERIODIC: Final = re.compile(r"(사업|반기|분기)보고서\s*\((\d{4})\.(\d{2})\)")
KINDS: Final = {"사업": YEAR_REPORT, "반기": "11012"}
QUARTERS: Final = {"03": "11013", "09": "11014"}
NAMES: Final = {
    "자산총계": "assets",
    "유동자산": "current_assets",
    "부채총계": "liabilities",
    "유동부채": "current_liabilities",
    "자본총계": "equity",
}
PROFITS: Final = frozenset({"당기순이익", "당기순이익(손실)"})


class Filing(NamedTuple):
    """A disclosure, and DART's own number of the company, eight digits."""

    disclosure: Disclosure
    corp_code: str


class Dart:
    """The service, with one key."""

    def __init__(self, caller: Caller, key: str, clock: Callable[[], datetime]) -> None:
        self._caller = caller
        self._key = key
        self._clock = clock

    async def fetch_filings(self, day: date) -> Sequence[Filing]:
        """Everything that listed companies filed on a day."""
        found: list[Filing] = []
        for page in range(1, PAGES_MAX + 1):
            text = day.strftime("%Y%m%d")
            told = await self._ask("list", bgn_de=text, end_de=text, page_no=str(page), page_count=str(PAGE_ROWS))
            found += [one for row in told.get("list", []) if (one := filing_of(row)) is not None]
            if page >= int(told.get("total_page", 1)):
                return found
        raise Unreadable(f"DART has more than {PAGES_MAX} pages of {day}")

    async def fetch_ratios(self, filing: Filing) -> Ratios | None:
        """The ratios that follow from a periodic report, known since it was filed; None for every other filing."""
        report = report_of(filing.disclosure.title)
        if report is None:
            return None
        year, kind = report
        told = await self._ask("fnlttSinglAcnt", corp_code=filing.corp_code, bsns_year=year, reprt_code=kind)
        rows = told.get("list", [])
        if not rows:  # not every company has a summary of its accounts
            return None
        filed, ratios = filing.disclosure, ratios_of(accounts_of(rows, is_year=kind == YEAR_REPORT))
        return Ratios(filed.symbol, filed.known_since, ratios, SOURCE)

    async def _ask(self, name: str, **params: str) -> Mapping[str, Any]:
        told = await self._caller.call_json("GET", f"/api/{name}.json", params={"crtfc_key": self._key, **params})
        if not isinstance(told, dict) or "status" not in told:
            raise Unreadable("DART sent no status")
        status, said = str(told["status"]), f"DART {told['status']}: {told.get('message')}"
        if status in {OK, NOTHING}:
            return told
        if status in BAD_KEYS:
            raise NotAllowed(said)
        if status == TOO_MANY:
            raise Blocked(said, end_of_day(self._clock(), KST_HOURS))
        raise Unreachable(said) if status == UPKEEP else Unreadable(said)


def report_of(title: str) -> tuple[str, str] | None:
    """The year of business and the kind of a periodic report, as its title says; None for any other filing.

    Quarters are told apart by the month they end in, for companies whose year ends in December.
    """
    found = PERIODIC.search(title)
    if found is None:
        return None
    kind, year, month = found.groups()
    code = KINDS.get(kind) or QUARTERS.get(month)
    return None if code is None else (year, code)


def filing_of(row: Mapping[str, str]) -> Filing | None:
    """A row of the list; None for a company that is not listed."""
    try:
        symbol, number = row["stock_code"].strip(), row["rcept_no"]
        title = row["report_nm"].strip()[:TITLE_LENGTH_MAX]
        filed = Disclosure(number, symbol, row["corp_name"], title, day_of(number), SOURCE)
        return Filing(filed, row["corp_code"]) if symbol else None
    except KeyError as missing:
        raise Unreadable(f"a filing of DART lacks {missing}") from missing


def accounts_of(rows: Sequence[Mapping[str, str]], *, is_year: bool) -> Accounts:
    """The sums of a report: of the whole group where there are any, else of the company alone."""
    scopes = {row["fs_div"] for row in rows}
    scope = WHOLE_GROUP if WHOLE_GROUP in scopes else ALONE
    values: dict[str, Decimal] = {}
    for row in rows:
        amount = row["thstrm_amount"].replace(",", "")
        if row["fs_div"] != scope or not amount.lstrip("-").isdigit():
            continue
        if row["account_nm"] in NAMES:
            values[NAMES[row["account_nm"]]] = Decimal(amount)
        elif is_year and row["account_nm"] in PROFITS:
            values["year_profit"] = Decimal(amount)
    return Accounts(**values)


def day_of(receipt_no: str) -> date:
    """The day of receipt, as the number begins with it."""
    try:
        return date(int(receipt_no[:4]), int(receipt_no[4:6]), int(receipt_no[6:8]))
    except ValueError as wrong:
        raise Unreadable(f"DART sent the receipt number {receipt_no!r}") from wrong
