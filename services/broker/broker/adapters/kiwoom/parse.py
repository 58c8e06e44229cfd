"""Kiwoom's payloads in our words; pure, and tolerant of whatever is added to them.

Numbers come as text, padded with zeros; the sign of a price is its direction since yesterday and no arithmetic. The
list of business refusals is unpublished: only those that were seen are taken for certain.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kit.json import loads
from quant.markets.calendar import SEOUL
from quant.markets.listing import Side

from broker.adapters.balance import Balance, BuyingPower, Holding
from broker.adapters.daylist import No, Row
from broker.adapters.line import KeyRefused, TokenRefused
from broker.adapters.port import LineFailure, NotSent, RateLimited, Unreachable

_CODE: Final = re.compile(r"\((RC[0-9]{4})|\[([0-9]{4})")
_BAD_TOKEN: Final = {"8003", "8005", "8006", "8009"}
_BAD_KEY: Final = {
    "8001",
    "8002",
    "8010",
    "8011",
    "8012",
    "8015",
    "8016",
    "8020",
    "8030",
    "8031",
    "8040",
    "8050",
    "8103",
}
_AT_THE_GATE: Final = {"1501", "1504", "1505", "1511", "1512", "1513", "1514", "1515", "1516", "1517"}
_TOO_MANY: Final = {"1700"}
_REASONS: Final = {
    "RC4058": "market_closed",
    "RC9000": "order_type_not_allowed",
    "1901": "unknown_symbol",
    "1902": "unknown_symbol",
}
"""The definite refusals that were seen. A code that is not here leaves a doubt."""
_SIDES: Final[dict[str, Side]] = {"매도": "sell", "매수": "buy"}


def code_of(text: str) -> str:
    """The code in a message: `[2000](RC4058:…)` is RC4058, `…[8005:…]` is 8005."""
    named = [rc or number for rc, number in _CODE.findall(text)]
    return next((code for code in named if code.startswith("RC")), named[-1] if named else "")


def read(status: int, text: str) -> Mapping[str, Any] | No:
    """The body of an answer, or the house's refusal.

    Raises:
        RateLimited, TokenRefused, KeyRefused, NotSent: when the gate turned the call away before the house saw it.
        Unreachable: when the answer says nothing certain.
    """
    try:
        body = loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "return_code" not in body:
        raise Unreachable(f"Kiwoom answered {status} with something that is no answer")
    if status == 200 and body["return_code"] == 0:
        return body
    said = str(body.get("return_msg", "")).strip()
    code = code_of(said)
    if (failure := _at_the_gate(code)) is not None:
        raise failure(f"Kiwoom: {said}")
    if status == 200 and code in _REASONS:
        return No(_REASONS[code], said)
    raise Unreachable(f"Kiwoom answered {status}: {said} ({body['return_code']})")


def _at_the_gate(code: str) -> type[LineFailure] | None:
    if code in _TOO_MANY:
        return RateLimited
    if code in _BAD_TOKEN:
        return TokenRefused
    if code in _BAD_KEY:
        return KeyRefused
    return NotSent if code in _AT_THE_GATE else None


def token(body: Mapping[str, Any]) -> tuple[str, datetime]:
    """A token, and until when."""
    try:
        until = datetime.strptime(str(body["expires_dt"]), "%Y%m%d%H%M%S").replace(tzinfo=SEOUL)
        return str(body["token"]), until
    except (KeyError, ValueError) as unreadable:
        raise NotSent("Kiwoom issues no token now") from unreadable


def number(text: Any) -> Decimal:
    """A number: zero-padded, perhaps signed, perhaps with separators, perhaps nothing."""
    plain = str(text).strip().replace(",", "").replace(" ", "")
    return Decimal(plain or 0)


def price(text: Any) -> Decimal:
    """A price; its sign is a direction."""
    return abs(number(text))


def symbol(text: Any) -> str:
    """A code without the letter in front and the venue behind."""
    plain = str(text).strip().split("_")[0]
    return plain[1:] if len(plain) == len("A005930") else plain


def taken(body: Mapping[str, Any], at: datetime) -> tuple[str, datetime]:
    """The name of an order that was taken. Kiwoom does not say when: it is the moment we asked."""
    name = str(body.get("ord_no", "")).strip()
    if not name.strip("0"):
        raise Unreachable("Kiwoom took the order without saying its number")
    local = at.astimezone(SEOUL)
    return f"{local:%Y%m%d}-{name.zfill(7)}", at


def rows(found: Sequence[Mapping[str, Any]], day: date) -> list[Row]:
    """The rows of a day's orders, oldest first; Unreachable when one cannot be read, since a gap is not evidence."""
    try:
        moved = _moved(found)
        return sorted((_row(each, moved, day) for each in found), key=lambda row: row.number)
    except (KeyError, ValueError, InvalidOperation, TypeError, StopIteration) as unreadable:
        raise Unreachable("Kiwoom's list of orders cannot be read") from unreadable


def _original(row: Mapping[str, Any]) -> str:
    text = str(row["ori_ord"]).strip()
    return text.zfill(7) if text.strip("0") else ""


def _is_cancel(row: Mapping[str, Any]) -> bool:
    """Whether a row is a cancel: it names an original, and nothing is open or traded of it.

    A change of which nothing is left looks alike; for what can still trade the two are the same.
    """
    return bool(_original(row)) and not number(row["ord_remnq"]) and not number(row["cntr_qty"]) and not _is_no(row)


def _is_no(row: Mapping[str, Any]) -> bool:
    return "거부" in str(row["acpt_tp"])


def _moved(found: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Shares that left each order for a change of it."""
    moved: dict[str, Decimal] = {}
    for row in found:
        original = _original(row)
        if original and not _is_cancel(row) and not _is_no(row):
            moved[original] = moved.get(original, Decimal(0)) + number(row["ord_qty"])
    return moved


def _row(row: Mapping[str, Any], moved: Mapping[str, Decimal], day: date) -> Row:
    name = str(row["ord_no"]).strip().zfill(7)
    quantity, filled, left = (number(row[field]) for field in ("ord_qty", "cntr_qty", "ord_remnq"))
    rejected = quantity if _is_no(row) else Decimal(0)
    gone = quantity - filled - left - rejected - moved.get(name, Decimal(0))
    clock = str(row["ord_tm"]).strip().replace(":", "")[:6]
    return Row(
        number=name,
        original=_original(row),
        office="",
        symbol=symbol(row["stk_cd"]),
        side=next(side for word, side in _SIDES.items() if word in str(row["io_tp_nm"])),
        kind="",
        quantity=quantity,
        price=price(row["ord_uv"]),
        at=datetime.strptime(f"{day:%Y%m%d}{clock}", "%Y%m%d%H%M%S").replace(tzinfo=SEOUL),
        filled=filled,
        amount=filled * price(row["cntr_uv"]),
        canceled=max(gone, Decimal(0)),
        rejected=rejected,
        remaining=left,
        is_cancel=_is_cancel(row),
        exchange=str(row.get("dmst_stex_tp", "")).strip(),
    )


def balance(cash: Mapping[str, Any], pages: Sequence[Mapping[str, Any]], account: str) -> Balance:
    """Cash and holdings."""
    try:
        today, next_day, second = (number(cash[name]) for name in ("entr", "d1_entra", "d2_entra"))
        held = tuple(
            Holding(symbol(row["stk_cd"]), number(row["rmnd_qty"]), price(row["pur_pric"]))
            for page in pages
            for row in page.get("acnt_evlt_remn_indv_tot", [])
        )
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("Kiwoom's balance cannot be read") from unreadable
    return Balance(today, next_day, second, tuple(each for each in held if each.quantity), "KRW", account)


def buying_power(body: Mapping[str, Any]) -> BuyingPower:
    """What orders may spend at a margin of the whole price."""
    try:
        return BuyingPower(number(body["profa_100ord_alow_amt"]), number(body["profa_100ord_alowq"]))
    except (KeyError, InvalidOperation) as unreadable:
        raise Unreachable("Kiwoom's buying power cannot be read") from unreadable
