"""LS's payloads in our words; pure, and tolerant of whatever is added to them or missing from them.

Its refusals have codes that are published nowhere: only those that were seen are taken for certain. An order counts as
taken only with a number; HTTP 200 alone says nothing.
"""

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
from broker.adapters.port import NotSent, RateLimited, Unreachable

_FINE: Final = {"00000", "00136", "00133", "00200", "00040", "00039", "00131", "00132", "00156"}
_BAD_TOKEN: Final = {"IGW00121", "IGW00122", "IGW00123"}
_TOO_MANY: Final = "IGW00201"
_REASONS: Final = {"01900": "order_type_not_allowed", "03181": "rejected_by_broker"}
"""The definite refusals that were seen. A code that is not here leaves a doubt."""
PAPER_MARK: Final = "모의투자"
_SIDES: Final[dict[str, Side]] = {"매도": "sell", "매수": "buy"}


def read(status: int, text: str) -> Mapping[str, Any] | No:
    """The body of an answer, or the house's refusal.

    Raises:
        RateLimited, TokenRefused: when the gate turned the call away before the house saw it.
        Unreachable: when the answer says nothing certain.
    """
    try:
        body = loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "rsp_cd" not in body:
        raise Unreachable(f"LS answered {status} with something that is no answer")
    code, said = str(body["rsp_cd"]).strip(), str(body.get("rsp_msg", "")).strip()
    if code == _TOO_MANY:
        raise RateLimited(f"LS: {said} ({code})")
    if code in _BAD_TOKEN:
        raise TokenRefused(f"LS: {said} ({code})")
    if status == 200 and code in _FINE:
        return body
    if status == 200 and code in _REASONS:
        return No(_REASONS[code], f"{said} ({code})")
    raise Unreachable(f"LS answered {status}: {said} ({code})")


def token(status: int, text: str) -> tuple[str, int]:
    """A token and the seconds it lives.

    Raises:
        KeyRefused: when LS does not know the key.
        NotSent: when it gives none now.
    """
    body: Any = None
    try:
        body = loads(text)
        return str(body["access_token"]), int(body.get("expires_in") or body["expire_in"])
    except (ValueError, KeyError, TypeError):
        code = str(body.get("error_code", "")) if isinstance(body, dict) else ""
        if code == "IGW00103":
            raise KeyRefused(f"LS issues no token for this key ({code})") from None
        raise NotSent(f"LS issues no token now (HTTP {status}, {code or 'no reason given'})") from None


def taken(body: Mapping[str, Any], name: str, today: date) -> tuple[str, datetime]:
    """The name and time of an order that was taken."""
    try:
        block = body[f"{name}OutBlock2"]
        number, at = int(block["OrdNo"]), str(block["OrdTime"])[:6]
        moment = datetime.strptime(f"{today:%Y%m%d}{at}", "%Y%m%d%H%M%S").replace(tzinfo=SEOUL)
    except (KeyError, ValueError, TypeError) as lost:
        raise Unreachable("LS took the order without saying its number") from lost
    if number <= 0:
        raise Unreachable("LS took the order and gave it no number")
    return f"{today:%Y%m%d}-{number}", moment


def rows(blocks: Sequence[Mapping[str, Any]], today: date) -> list[Row]:
    """The rows of today's orders, oldest first; Unreachable when one cannot be read, since a gap is not evidence."""
    try:
        moved = _moved(blocks)
        return sorted((_row(block, moved, today) for block in blocks), key=lambda row: int(row.number))
    except (KeyError, ValueError, InvalidOperation, TypeError, StopIteration) as unreadable:
        raise Unreachable("LS's list of orders cannot be read") from unreadable


def _moved(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Shares that left each order for a change of it."""
    moved: dict[str, Decimal] = {}
    for block in blocks:
        original = str(int(block["orgordno"]))
        if original != "0" and not _is_cancel(block) and "거부" not in str(block["status"]):
            moved[original] = moved.get(original, Decimal(0)) + Decimal(str(block["qty"]))
    return moved


def _is_cancel(block: Mapping[str, Any]) -> bool:
    """Whether a row is a cancel. The words for it are published nowhere, so the numbers decide.

    A row that names an original, with nothing open and nothing traded, is a cancel, or a change of which nothing is
    left: for what can still trade these two are the same.
    """
    is_child, is_still = int(block["orgordno"]) != 0, not block["ordrem"] and not block["cheqty"]
    return is_child and is_still and "거부" not in str(block["status"])


def _row(block: Mapping[str, Any], moved: Mapping[str, Decimal], today: date) -> Row:
    number, original = str(int(block["ordno"])), str(int(block["orgordno"]))
    quantity, filled, left = (Decimal(str(block[name])) for name in ("qty", "cheqty", "ordrem"))
    rejected = quantity if "거부" in str(block["status"]) else Decimal(0)
    gone = quantity - filled - left - rejected - moved.get(number, Decimal(0))
    return Row(
        number=number,
        original="" if original == "0" else original,
        office="",
        symbol=str(block["expcode"])[-6:],
        side=next(side for word, side in _SIDES.items() if word in str(block["medosu"])),
        kind="",
        quantity=quantity,
        price=Decimal(str(block["price"])),
        at=datetime.strptime(f"{today:%Y%m%d}{str(block['ordtime'])[:6]}", "%Y%m%d%H%M%S").replace(tzinfo=SEOUL),
        filled=filled,
        amount=filled * Decimal(str(block["cheprice"])),
        canceled=max(gone, Decimal(0)),
        rejected=rejected,
        remaining=left,
        is_cancel=_is_cancel(block),
    )


def balance(cash: Mapping[str, Any], pages: Sequence[Mapping[str, Any]]) -> Balance:
    """Cash and holdings."""
    try:
        block = cash["CSPAQ12200OutBlock2"]
        today, next_day, second = (Decimal(str(block[name])) for name in ("Dps", "D1Dps", "D2Dps"))
        held = tuple(
            Holding(str(row["expcode"])[-6:], Decimal(str(row["janqty"])), Decimal(str(row["pamt"])))
            for page in pages
            for row in page.get("t0424OutBlock1", [])
        )
        account = str(cash["CSPAQ12200OutBlock1"]["AcntNo"])
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("LS's balance cannot be read") from unreadable
    return Balance(today, next_day, second, tuple(each for each in held if each.quantity), "KRW", account)


def buying_power(body: Mapping[str, Any]) -> BuyingPower:
    """Cash that orders may spend, and the shares that it buys."""
    try:
        block = body["CSPBQ00200OutBlock2"]
        return BuyingPower(Decimal(str(block["MnyOrdAbleAmt"])), Decimal(str(block["OrdAbleQty"])))
    except (KeyError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("LS's buying power cannot be read") from unreadable
