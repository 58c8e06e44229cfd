"""The payloads of KIS's overseas ledger in our words; pure, and tolerant of whatever is added to them.

An order is dated by the day in New York, as its list is; the house's own clock beside it is Seoul's.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from quant.markets.calendar import NEW_YORK, SEOUL

from broker.adapters.balance import Balance, Holding
from broker.adapters.daylist import Row
from broker.adapters.kis.parse import TIME
from broker.adapters.port import Unreachable

_NEAR: Final = timedelta(minutes=10)
_SIDES: Final = {"01": "sell", "02": "buy"}
_ACTIONS: Final = {"": "order", "00": "order", "01": "change", "02": "cancel"}
"""What a row is; another code makes the list unreadable, and an unreadable list proves nothing."""


def taken(body: Mapping[str, Any], now: datetime) -> tuple[str, datetime]:
    """The name of an order that was taken, and when.

    The documents do not say whose clock ORD_TMD is: of Seoul's and New York's, only one can be near ours.
    """
    output = body.get("output")
    first = output[0] if isinstance(output, list) and output else output
    fields = {str(key).upper(): str(value).strip() for key, value in first.items()} if isinstance(first, dict) else {}
    number = fields.get("ODNO", "")
    if not number.isdigit():
        raise Unreachable("KIS took the order without saying its number")
    local = now.astimezone(NEW_YORK)
    return f"{local:%Y%m%d}-{number.zfill(10)}", _moment(fields.get("ORD_TMD", ""), now).astimezone(NEW_YORK)


def _moment(written: str, now: datetime) -> datetime:
    for zone in (SEOUL, NEW_YORK):
        try:
            at = datetime.strptime(f"{now.astimezone(zone):%Y%m%d}{written}", TIME).replace(tzinfo=zone)
        except ValueError:
            return now
        if abs(at - now) <= _NEAR:
            return at
    return now


def is_quoted(body: Mapping[str, Any]) -> bool:
    """Whether a price of the symbol is known at the exchange that was asked."""
    output = body.get("output")
    try:
        return isinstance(output, dict) and Decimal(str(output.get("last", "")).strip() or 0) > 0
    except InvalidOperation:
        return False


def rows(bodies: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The orders of all pages, oldest first, each once: KIS is known to repeat rows.

    Raises:
        Unreachable: when a row cannot be read, or two different orders have one name: neither is evidence of anything.
    """
    try:
        found = [_row({str(key).lower(): str(value).strip() for key, value in row.items()}) for row in _all(bodies)]
    except (KeyError, ValueError, InvalidOperation, AttributeError, TypeError) as unreadable:
        raise Unreachable("KIS's list of overseas orders cannot be read") from unreadable
    once: dict[str, Row] = {}
    for row in found:
        before = once.setdefault(row.id, row)
        if (before.symbol, before.side, before.quantity, before.at) != (row.symbol, row.side, row.quantity, row.at):
            raise Unreachable(f"KIS lists two orders as {row.id}")
        if row.filled > before.filled or row.remaining < before.remaining:
            once[row.id] = row  # it moved from one page to the next while it was read
    return sorted(once.values(), key=lambda row: (row.at, row.number))


def _all(bodies: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [row for body in bodies for row in body["output"] if row]


def _row(row: Mapping[str, str]) -> Row:
    original = row.get("orgn_odno", "").lstrip("0")
    quantity, filled, remaining = (Decimal(row[name]) for name in ("ft_ord_qty", "ft_ccld_qty", "nccs_qty"))
    is_refused = bool(row.get("rjct_rson", "").strip("0")) and not filled and not remaining
    action = _ACTIONS[row["rvse_cncl_dvsn"]]
    return Row(
        number=row["odno"].zfill(10),
        original=original.zfill(10) if original else "",
        office="",
        symbol=row["pdno"],
        side=_SIDES[row["sll_buy_dvsn_cd"]],  # type: ignore[arg-type]  # the two words of Side
        kind="",
        quantity=quantity,
        price=_plain(row["ft_ord_unpr3"]),
        at=_stamped(row["ord_dt"], row["thco_ord_tmd"]),
        filled=filled,
        amount=_plain(row["ft_ccld_amt3"]),
        canceled=Decimal(0) if is_refused else quantity - filled - remaining,
        rejected=quantity if is_refused else Decimal(0),
        remaining=Decimal(0) if action == "cancel" else remaining,
        is_cancel=action == "cancel",
        exchange=row["ovrs_excg_cd"],
    )


def _stamped(day: str, seoul_time: str) -> datetime:
    """The moment of a day in New York at which Seoul's clock showed this; there is one."""
    midnight = datetime.strptime(day, "%Y%m%d").replace(tzinfo=NEW_YORK)
    first = midnight.astimezone(SEOUL)
    for date in (first, first + timedelta(days=1)):
        at = datetime.strptime(f"{date:%Y%m%d}{seoul_time}", TIME).replace(tzinfo=SEOUL).astimezone(NEW_YORK)
        if at.date() == midnight.date():
            return at
    raise ValueError("a day has every time of the clock")


def holdings(bodies: Sequence[Mapping[str, Any]]) -> tuple[Holding, ...]:
    """Everything held, from the pages of one or several exchanges, each symbol once."""
    try:
        held = {
            str(row["ovrs_pdno"]).strip(): Holding(
                str(row["ovrs_pdno"]).strip(), Decimal(row["ovrs_cblc_qty"]), _plain(str(row["pchs_avg_pric"]))
            )
            for body in bodies
            for row in body["output1"]
            if row
        }
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("KIS's overseas balance cannot be read") from unreadable
    return tuple(holding for holding in held.values() if holding.quantity)


def balance(present: Mapping[str, Any], held: tuple[Holding, ...]) -> Balance:
    """Dollars and holdings; what was bought and sold and is not settled yet is told beside the deposit."""
    try:
        dollars = [row for row in present["output2"] if str(row["crcy_cd"]).strip() == "USD"]
        cash = sum((_plain(str(row["frcr_dncl_amt_2"])) for row in dollars), Decimal(0))
        bought, sold = (
            sum((_plain(str(row[name])) for row in dollars), Decimal(0))
            for name in ("frcr_buy_amt_smtl", "frcr_sll_amt_smtl")
        )
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("KIS's overseas balance cannot be read") from unreadable
    settled = cash - bought + sold
    return Balance(cash, settled, settled, held, currency="USD")


def _plain(text: str) -> Decimal:
    """A number without the zeros behind it."""
    return Decimal(f"{Decimal(text).normalize():f}")
