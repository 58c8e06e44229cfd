"""Notices: what happened, in a title and a sentence, in English and Korean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from notification.domain.said import REASONS, in_korean

NoticeKind = Literal[
    "order_filled",
    "order_denied",
    "order_rejected",
    "run_finished",
    "alert_triggered",
    "channel_broken",
    "trading_halted",
    "alarm",
    "signal_raised",
    "automation_changed",
]
Language = Literal["en", "ko"]

NOTICE_KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
TITLE_LENGTH_MAX = 200
BODY_LENGTH_MAX = 1_000
DIFFERENCES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Words:
    """A title and a sentence in one language."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person reads: in English, or in Korean where `korean` says how.

    `data` names the things it is about, for links.
    """

    kind: NoticeKind
    title: str
    body: str
    data: Mapping[str, Any]
    korean: Words | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title[:TITLE_LENGTH_MAX])
        object.__setattr__(self, "body", self.body[:BODY_LENGTH_MAX])

    def said_in(self, language: Language) -> "Notice":
        """Return the notice as somebody of this language reads it."""
        if language == "en" or self.korean is None:
            return self
        return replace(self, title=self.korean.title, body=self.korean.body, korean=None)


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """What a notice tells of an order."""

    order_id: str
    account_id: str
    symbol: str
    side: str
    quantity: Decimal
    currency: str
    average_price: Decimal | None
    fee: Decimal
    tax: Decimal
    reason: str | None

    @property
    def links(self) -> dict[str, str]:
        """What the notice points to."""
        return {"order_id": self.order_id, "account_id": self.account_id, "symbol": self.symbol}


def of_fill(order: OrderSeen) -> Notice:
    """Tell that an order is done."""
    verb, verb_ko = ("Bought", "매수") if order.side == "buy" else ("Sold", "매도")
    quantity = grouped(order.quantity)
    price, price_ko = "", ""
    if order.average_price is not None:
        price = f" at {amount(order.average_price, order.currency, 'en')}"
        price_ko = f", 체결가 {amount(order.average_price, order.currency, 'ko')}"
    fee, tax = (amount(each, order.currency, "en") for each in (order.fee, order.tax))
    fee_ko, tax_ko = (amount(each, order.currency, "ko") for each in (order.fee, order.tax))
    korean = Words(f"{order.symbol} {quantity}주 {verb_ko} 체결{price_ko}", f"수수료 {fee_ko}, 세금 {tax_ko}.")
    title, body = f"{verb} {quantity} {order.symbol}{price}", f"Fee {fee}, tax {tax}."
    return Notice("order_filled", title, body, order.links, korean)


def of_denial(order: OrderSeen) -> Notice:
    """Tell that we did not let an order through."""
    because = _because(order.reason)
    korean = Words(f"주문 거부: {_wish_ko(order)}", because.korean)
    return Notice("order_denied", f"Order denied: {_wish(order)}", because.english, order.links, korean)


def of_rejection(order: OrderSeen) -> Notice:
    """Tell that the broker or the exchange refused an order."""
    because = _because(order.reason)
    korean = Words(f"증권사 주문 거부: {_wish_ko(order)}", because.korean)
    return Notice("order_rejected", f"Order rejected: {_wish(order)}", because.english, order.links, korean)


RUNS: Final = {
    "backtest": ("Backtest", "백테스트"),
    "portfolio": ("Portfolio backtest", "포트폴리오 백테스트"),
    "optimize": ("Optimisation", "최적화"),
    "walk_forward": ("Walk-forward test", "워크포워드 검증"),
    "cross_validate": ("Cross-validation", "교차 검증"),
}
"""What kinds of runs are called in English and Korean."""
RUN_ENDS_KO: Final = {"done": "완료", "failed": "실패", "canceled": "취소됨"}


def of_run(run_id: str, kind: str, status: str) -> Notice:
    """Tell that a computation has ended, well or not."""
    unknown = kind.replace("_", " ").capitalize()
    name, name_ko = RUNS.get(kind, (unknown, unknown))
    outcome = "is done" if status == "done" else f"ended: {status.replace('_', ' ')}"
    outcome_ko = RUN_ENDS_KO.get(status, f"종료: {status}")
    data = {"run_id": run_id, "kind": kind, "status": status}
    return Notice("run_finished", f"{name} {outcome}", "", data, Words(f"{name_ko} {outcome_ko}", ""))


def of_broken_channel(channel_id: str, name: str, trouble: str) -> Notice:
    """Tell that a channel will not be used any more until its owner has done something."""
    korean = Words(f"알림 채널 '{name}' 연결이 끊겼습니다", f"사유: {in_korean(trouble)}. 다시 연결하거나 켜 주세요.")
    body = f"Why: {trouble}. Connect it again, or switch it on when that is put right."
    return Notice(
        "channel_broken", f"Channel '{name}' does not work any more", body, {"channel_id": channel_id}, korean
    )


def of_halt(level: str, mode: str | None) -> Notice:
    """Tell that the kill switch was thrown, or released."""
    where, where_ko = {
        "user": ("all your accounts", "전체 계좌"),
        "account": ("an account", "계좌"),
        "broker": ("a broker", "증권사"),
    }.get(level, ("a strategy", "전략"))
    done, done_ko = {
        "halted": ("Trading is halted for", "거래 정지"),
        "reduce_only": ("Only reducing orders are let through for", "청산 주문만 허용"),
    }.get(mode or "", ("Trading goes on for", "거래 재개"))
    data = {"level": level, "mode": mode}
    return Notice("trading_halted", f"{done} {where}", "", data, Words(f"{where_ko} {done_ko}", ""))


def of_disproved_ledger(account_id: str, faults: int) -> Notice:
    """Tell that the books of an account do not add up."""
    body = f"Faults found: {faults}. Look at the account before you trade on."
    korean = Words("계좌 원장 검증에 실패했습니다", f"오류 {faults}건. 거래를 계속하기 전에 계좌를 확인해 주세요.")
    return Notice("alarm", "The ledger proof of an account failed", body, {"account_id": account_id}, korean)


def of_second_factor_reset() -> Notice:
    """Tell that the operator took the second factor off."""
    body = "Every log-in was ended. Set up a new one; if you did not ask for this, tell the operator at once."
    advice = "모든 로그인이 종료되었습니다. 새로 설정해 주세요. 요청한 적이 없다면 바로 운영자에게 알려 주세요."
    korean = Words("2단계 인증이 해제되었습니다", advice)
    return Notice("alarm", "The operator removed your second factor", body, {}, korean)


def of_silent_order(order_id: str, account_id: str, status: str) -> Notice:
    """Tell that the broker owes an answer for too long."""
    body = f"It is {status}; look at your broker's own pages whether it is there."
    korean = Words("증권사가 주문에 응답하지 않습니다", f"상태: {status}. 증권사 화면에서 주문을 확인해 주세요.")
    data = {"order_id": order_id, "account_id": account_id}
    return Notice("alarm", "The broker does not answer about an order", body, data, korean)


def of_doubtful_order(order_id: str, account_id: str, text: str) -> Notice:
    """Tell that nobody but the owner can say which of the broker's orders is theirs."""
    korean = Words(
        "어느 주문인지 확인이 필요합니다",
        "증권사에 이 주문일 수 있는 주문이 여러 건 보입니다. "
        "증권사 화면에서 확인한 뒤 '증권사 연결' 페이지에서 어느 것인지 골라 주세요.",
    )
    data = {"order_id": order_id, "account_id": account_id}
    body = f"Look at your broker's own pages, then say under Brokers which it is. {text}"
    return Notice("alarm", "An order at your broker needs you", body, data, korean)


def of_refused_key(connection_id: str, broker: str, text: str) -> Notice:
    """Tell that a broker does not take the credentials of a connection any more."""
    korean = Words(
        f"{broker}에서 인증을 거부했습니다",
        f"이 연결로는 주문이 나가지 않습니다. 증권사에서 키를 확인하고 다시 연결해 주세요. 증권사 응답: {text}",
    )
    body = f"No order goes through this connection. Look after the key at your broker and connect it again. {text}"
    return Notice("alarm", f"{broker} refuses your credentials", body, {"connection_id": connection_id}, korean)


def of_mismatch(account_id: str, differences: Sequence[tuple[str, Decimal, Decimal]]) -> Notice:
    """Tell that an account is not as its broker shows it; each difference is what, how much here, how much there."""
    shown = differences[:DIFFERENCES_SHOWN]
    lines = "; ".join(f"{what}: {grouped(here)} here, {grouped(there)} there" for what, here, there in shown)
    lines_ko = "; ".join(f"{what}: 여기 {grouped(here)}, 증권사 {grouped(there)}" for what, here, there in shown)
    body = f"{lines}. Only sales are let through until you resume trading there."
    korean = Words("계좌가 증권사 잔고와 다릅니다", f"{lines_ko}. 거래를 재개하실 때까지 매도만 허용됩니다.")
    return Notice("alarm", "An account is not as your broker shows it", body, {"account_id": account_id}, korean)


def grouped(number: Decimal) -> str:
    """Write a number for people: 1,234,500 and 0.25."""
    text = format(number, ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(number: Decimal, currency: str, language: Language) -> str:
    """Write money as people write it there: ₩56,000 and $56.10; 56,000원 and 56.10달러."""
    if currency == "KRW":
        return f"{grouped(number)}원" if language == "ko" else _signed("₩", grouped(number))
    if currency == "USD":
        text = grouped(number)
        if len(text.partition(".")[2]) < 2:
            text = f"{number:,.2f}"
        return f"{text}달러" if language == "ko" else _signed("$", text)
    return f"{grouped(number)} {currency}"


def _signed(sign: str, text: str) -> str:
    return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"


def _wish(order: OrderSeen) -> str:
    return f"{order.side} {grouped(order.quantity)} {order.symbol}"


def _wish_ko(order: OrderSeen) -> str:
    return f"{order.symbol} {grouped(order.quantity)}주 {'매수' if order.side == 'buy' else '매도'}"


@dataclass(frozen=True, slots=True)
class _Because:
    english: str
    korean: str


def _because(reason: str | None) -> _Because:
    if reason is None:
        return _Because("No reason was given.", "사유가 전달되지 않았습니다.")
    if reason in REASONS:
        return _Because(*REASONS[reason])
    said = reason.replace("_", " ")
    return _Because(f"Reason: {said}.", f"사유: {said}.")
