"""KIS's payloads in our words; pure, and tolerant of whatever is added to them.

Every value arrives as text. An answer is certain only when it is one of the house's own: a body that cannot be read,
or a code that is not on the list of definite refusals, says nothing about the order.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kit.json import loads
from quant.markets.calendar import SEOUL

from broker.adapters.balance import Balance, BuyingPower, Holding
from broker.adapters.daylist import No, Row
from broker.adapters.line import TokenRefused
from broker.adapters.port import LineFailure, NotSent, RateLimited, Unreachable

TIME: Final = "%Y%m%d%H%M%S"
_TOO_MANY: Final = {"EGW00201", "EGW00215"}
_BAD_TOKEN: Final = {"EGW00121", "EGW00122", "EGW00123"}
_GATE_CLOSED: Final = {"EGW00101", "EGW00103", "EGW00105", "EGW00131", "EGW00206"}
_REASONS: Final = {
    "APBK0400": "insufficient_shares",
    "APBK1234": "insufficient_shares",
    "APBK0952": "insufficient_cash",
    "APBK0918": "market_closed",
    "APBK0919": "market_closed",
    "40570000": "market_closed",
    "40580000": "market_closed",
    "40100000": "market_closed",
    "APBK0656": "unknown_symbol",
    "APBK0634": "trading_halted",
    "APBK1058": "order_type_not_allowed",
    "APBK1663": "order_not_found",
    "APBK1744": "order_type_not_allowed",
    "OPSQ2001": "order_type_not_allowed",
    "OPSQ2002": "order_type_not_allowed",
}
"""The definite refusals, in the words of trading's published reasons. A code that is not here leaves a doubt."""


def read(status: int, text: str) -> Mapping[str, Any] | No:
    """The body of an answer, or the house's refusal.

    Raises:
        RateLimited, TokenRefused, NotSent: when the gate turned the call away before the house saw it.
        Unreachable: when the answer says nothing certain.
    """
    try:
        body = loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "rt_cd" not in body:
        raise Unreachable(f"KIS answered {status} with something that is no answer")
    if body["rt_cd"] == "0":
        return body
    code, said = str(body.get("msg_cd", "")).strip(), str(body.get("msg1", "")).strip()
    if (failure := _at_the_gate(code)) is not None:
        raise failure(f"KIS: {said} ({code})")
    if code not in _REASONS:
        raise Unreachable(f"KIS: {said} ({code})")
    return No(_REASONS[code], f"{said} ({code})")


def _at_the_gate(code: str) -> type[LineFailure] | None:
    if code in _TOO_MANY:
        return RateLimited
    if code in _BAD_TOKEN:
        return TokenRefused
    return NotSent if code in _GATE_CLOSED else None


def taken(body: Mapping[str, Any], today: str) -> tuple[str, datetime]:
    """The name and time of an order that was taken; KIS writes the fields in capitals, its documents do not."""
    output = body.get("output")
    first = output[0] if isinstance(output, list) and output else output
    fields = {str(key).upper(): str(value) for key, value in first.items()} if isinstance(first, dict) else {}
    try:
        at = datetime.strptime(today + fields["ORD_TMD"], TIME).replace(tzinfo=SEOUL)
        return f"{today}-{fields['KRX_FWDG_ORD_ORGNO']}-{fields['ODNO'].zfill(10)}", at
    except (KeyError, ValueError) as lost:
        raise Unreachable("KIS took the order without saying its number") from lost


def rows(body: Mapping[str, Any]) -> list[Row]:
    """The rows of a page of the day's orders; Unreachable when one cannot be read, since a gap is not evidence."""
    try:
        return [_row({str(key).lower(): str(value).strip() for key, value in row.items()}) for row in _list(body)]
    except (KeyError, ValueError, InvalidOperation, AttributeError) as unreadable:
        raise Unreachable("KIS's list of orders cannot be read") from unreadable


def _list(body: Mapping[str, Any]) -> Iterable[Any]:
    return [row for row in body["output1"] if row]


def _row(row: Mapping[str, str]) -> Row:
    original = row.get("orgn_odno", "").lstrip("0")
    return Row(
        number=row["odno"].zfill(10),
        original=original.zfill(10) if original else "",
        office=row.get("ord_gno_brno", ""),
        symbol=row["pdno"][-6:],
        side={"01": "sell", "02": "buy"}[row["sll_buy_dvsn_cd"]],  # type: ignore[arg-type]  # the two words of Side
        kind=row["ord_dvsn_cd"],
        quantity=Decimal(row["ord_qty"]),
        price=Decimal(row["ord_unpr"]),
        at=datetime.strptime(row["ord_dt"] + row["ord_tmd"], TIME).replace(tzinfo=SEOUL),
        filled=Decimal(row["tot_ccld_qty"]),
        amount=Decimal(row["tot_ccld_amt"]),
        canceled=Decimal(row.get("cnc_cfrm_qty") or 0),
        rejected=Decimal(row.get("rjct_qty") or 0),
        remaining=Decimal(row["rmn_qty"]),
        is_cancel="취소" in row.get("sll_buy_dvsn_cd_name", ""),
        exchange=row.get("excg_id_dvsn_cd", ""),
    )


def balance(body: Mapping[str, Any]) -> Balance:
    """Cash and holdings; positions sold out are still listed by KIS, with nothing in them."""
    try:
        [totals] = body["output2"]
        held = [
            Holding(str(row["pdno"])[-6:], Decimal(row["hldg_qty"]), Decimal(row["pchs_avg_pric"]))
            for row in _list(body)
        ]
        today, next_day, second = (
            Decimal(totals[name]) for name in ("dnca_tot_amt", "nxdy_excc_amt", "prvs_rcdl_excc_amt")
        )
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("KIS's balance cannot be read") from unreadable
    return Balance(today, next_day, second, tuple(holding for holding in held if holding.quantity))


def buying_power(body: Mapping[str, Any], amount: str, quantity: str) -> BuyingPower:
    """An amount and a number of shares, under the names that the ledger asked has for them."""
    try:
        return BuyingPower(Decimal(str(body["output"][amount]).strip()), Decimal(str(body["output"][quantity]).strip()))
    except (KeyError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("KIS's buying power cannot be read") from unreadable
