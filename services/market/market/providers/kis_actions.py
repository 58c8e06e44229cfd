"""What the depository announces of KRX shares, as KIS shows it: paid-in issues, bonus issues and reductions of capital.

A row names how many new shares one old one brings or leaves, as a fraction or in percent: KIS says nowhere which. So
it is `Announced` with both readings, and which holds is settled where prices are known (`market.pipelines.announced`).
Real accounts only. How pages are turned by CTS is described nowhere: a full page is asked for in halves of its days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from market.providers.kis_calls import KisCalls
from market.providers.port import Unreadable

SOURCE: Final = "kis"
PATH: Final = "ksdinfo"
PAGE_ROWS: Final = 100
PERCENT: Final = Decimal(100)
RATE_MAX: Final = Decimal(10_000)

AnnouncedKind = Literal["rights", "bonus", "reduction"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a kind is asked for, and which fields say the rate and the first day at the new price."""

    path: str
    tr_id: str
    more: Mapping[str, str]
    rate: str
    ex_day: str


ASKED: Final[dict[AnnouncedKind, Asked]] = {
    "rights": Asked(f"{PATH}/paidin-capin", "HHKDB669100C0", {"GB1": "2"}, "fix_rate", "right_dt"),
    "bonus": Asked(f"{PATH}/bonus-issue", "HHKDB669101C0", {}, "fix_rate", "right_dt"),
    "reduction": Asked(f"{PATH}/cap-dcrs", "HHKDB669106C0", {}, "reduce_cap_rate", "list_dt"),
}


@dataclass(frozen=True, slots=True)
class Announced:
    """An action, from `ex_day` on. `rate` is new shares for one old, or a hundred times that.

    `share` is how many shares are issued for each that there is, where that is told: treasury shares get none, so it is
    only about the rate. `price` is what a new share of a paid-in issue costs, in won.
    """

    symbol: str
    kind: AnnouncedKind
    ex_day: date
    rate: Decimal
    share: Decimal | None = None
    price: Decimal | None = None

    @property
    def readings(self) -> tuple[Decimal, Decimal]:
        """New shares for one old: as a fraction, and as percent."""
        return self.rate, self.rate / PERCENT


async def fetch_announced(kis: KisCalls, kind: AnnouncedKind, first: date, last: date) -> Sequence[Announced]:
    """Everything of a kind whose record day lies in a range, both ends included.

    Raises:
        ProviderError: a subclass says what to do next.
    """
    asked = ASKED[kind]
    span = {"CTS": "", "F_DT": first.strftime("%Y%m%d"), "T_DT": last.strftime("%Y%m%d"), "SHT_CD": ""}
    told = await kis.ask(asked.path, asked.tr_id, {**span, **asked.more})
    if not isinstance(rows := told.get("output1"), list):
        raise Unreadable("KIS sent no output1")
    if len(rows) >= PAGE_ROWS:
        if first == last:
            raise Unreadable(f"KIS has more than {PAGE_ROWS} rows of {kind} on {first}")
        middle = first + (last - first) // 2
        earlier = await fetch_announced(kis, kind, first, middle)
        return [*earlier, *await fetch_announced(kis, kind, middle + timedelta(days=1), last)]
    return [one for row in rows if row and (one := announced_of(kind, row)) is not None]


def announced_of(kind: AnnouncedKind, row: Mapping[str, str]) -> Announced | None:
    """A row as an action; None while its day, its rate or its price is not settled yet.

    Raises:
        Unreadable: when a field is missing, or is no number or day.
    """
    asked = ASKED[kind]
    try:
        day, rate = row[asked.ex_day].strip(), _number(row[asked.rate])
        price = _number(row["fix_price"]) if kind == "rights" else None
        if not day.strip("0/-. ") or not 0 < rate <= RATE_MAX or price == 0:
            return None
        issued, before = _number(row.get("issue_stk_qty", "")), _number(row.get("tot_issue_stk_qty", ""))
        share = issued / before if issued > 0 and before > 0 else None
        return Announced(row["sht_cd"].strip(), kind, _day(day), rate, share, price)
    except KeyError as missing:
        raise Unreadable(f"a row of KIS lacks {missing}") from missing
    except (ValueError, InvalidOperation) as wrong:
        raise Unreadable(f"a row of KIS makes no sense: {wrong!r}") from wrong


def _number(text: str) -> Decimal:
    number = Decimal(text.replace(",", "").strip() or "0")
    if not number.is_finite() or number < 0:
        raise ValueError(f"{text!r} where a figure belongs")
    return number


def _day(text: str) -> date:
    return datetime.strptime("".join(filter(str.isdigit, text)), "%Y%m%d").date()  # noqa: DTZ007 - a day
