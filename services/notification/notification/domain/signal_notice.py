"""Notices about automations: what they saw, what they ask, and how they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from notification.domain.notice import Notice, Words, grouped
from notification.domain.said import in_korean

CODE_LENGTH: Final = 12
"""Characters of a signal's id that name it in a chat: commands there are short."""
REASONS_SHOWN: Final = 4
NAMES_SHOWN: Final = 5
ZONES: Final = {"KRX": ZoneInfo("Asia/Seoul"), "US": ZoneInfo("America/New_York")}
"""Where the clocks of a market are."""

KINDS: Final = {
    "entry": ("entry rule", "진입 규칙"),
    "exit": ("exit rule", "청산 규칙"),
    "stop_loss": ("stop-loss", "손절"),
    "take_profit": ("take-profit", "익절"),
    "trailing_stop": ("trailing stop", "추적 손절"),
    "time": ("holding time is over", "보유 기간 종료"),
    "hook": ("hook", "웹훅"),
}


@dataclass(frozen=True, slots=True)
class SignalSeen:
    """What a notice tells of a signal; `reasons` are texts of the rule language with their values."""

    signal_id: str
    automation: str
    symbol: str
    side: str
    kind: str
    price: Decimal
    status: str
    reasons: Sequence[tuple[str, str]]
    detail: str | None

    @property
    def links(self) -> dict[str, str]:
        """What the notice points to."""
        return {"signal_id": self.signal_id, "symbol": self.symbol, "status": self.status}


def code_of(signal_id: str) -> str:
    """The end of a signal's id, by which a chat answers it."""
    return signal_id.replace("-", "")[-CODE_LENGTH:]


def of_signal(signal: SignalSeen) -> Notice:
    """Tell what an automation saw; one that asks first says how to answer."""
    side, side_ko = ("Buy", "매수") if signal.side == "buy" else ("Sell", "매도")
    why, why_ko = KINDS.get(signal.kind, (signal.kind, signal.kind))
    numbers = ", ".join(f"{text} = {_short(value)}" for text, value in signal.reasons[:REASONS_SHOWN])
    said = f" ({numbers})" if numbers else ""
    price = grouped(signal.price)
    ask = ask_ko = ""
    if signal.status == "asked":
        code = code_of(signal.signal_id)
        ask = f" Approve it? /approve_{code} or /decline_{code}"
        ask_ko = f" 승인할까요? /approve_{code} 또는 /decline_{code}"
    korean = Words(f"{side_ko} 신호: {signal.symbol} {price}", f"{signal.automation}: {why_ko}{said}.{ask_ko}")
    title = f"{side} signal: {signal.symbol} at {price}"
    return Notice("signal_raised", title, f"{signal.automation}: {why}{said}.{ask}", signal.links, korean)


def of_settled_signal(signal: SignalSeen) -> Notice | None:
    """Tell why a signal became no order; an order speaks for itself, and so does one's own no."""
    if signal.status in {"ordered", "declined", "noted"}:
        return None
    why = signal.detail or signal.status
    title = f"No order for {signal.symbol}: {signal.automation}"
    korean = Words(f"{signal.symbol} 주문 없음: {signal.automation}", f"사유: {in_korean(why)}.")
    return Notice("signal_raised", title, f"Why: {why}.", signal.links, korean)


def of_automation(automation_id: str, name: str, status: str, reason: str | None) -> Notice:
    """Tell that an automation was started, paused or stopped."""
    done, done_ko = {
        "running": ("runs", "실행 중"),
        "paused": (
            "is paused: it buys nothing, and sells what its rules and stops say",
            "일시 정지: 매수 중지, 청산은 계속",
        ),
        "stopped": ("is stopped: its stops are no longer watched", "중지: 손절·익절 감시도 중지"),
    }.get(status, (status, status))
    body = f"Why: {reason}." if reason and status != "running" else ""
    korean = Words(f"자동매매 '{name}' {done_ko}", f"사유: {in_korean(reason)}." if body and reason else "")
    return Notice("automation_changed", f"Automation '{name}' {done}", body, {"automation_id": automation_id}, korean)


def of_report(automation_id: str, name: str, phase: str, problems: Sequence[str]) -> Notice | None:
    """Raise an alarm about what an automation found wrong; without problems there is nothing to tell."""
    if not problems:
        return None
    when, when_ko = ("before the open", "장 시작 전") if phase == "prepare" else ("after the close", "장 마감 후")
    said = " ".join(problems)
    said_ko = " ".join(in_korean(problem) for problem in problems)
    korean = Words(f"자동매매 '{name}' {when_ko} 점검에서 문제가 발견되었습니다", said_ko)
    return Notice("alarm", f"Automation '{name}' found problems {when}", said, {"automation_id": automation_id}, korean)


def of_missed_prices(market: str, source: str, last_heard_at: datetime, automations: Sequence[str]) -> Notice:
    """Raise an alarm about prices that do not come: rules and stops go unwatched until they do."""
    since = f"{last_heard_at.astimezone(ZONES.get(market, UTC)):%H:%M}"
    names = ", ".join(f"'{name}'" for name in automations[:NAMES_SHOWN])
    body = f"Nothing has come from {source} since {since}. Until it does, rules and stops are not watched for {names}."
    said = f"{since} 이후 {source} 시세가 없습니다. 다시 들어올 때까지 규칙과 손절을 감시하지 못합니다: {names}."
    data = {"market": market, "source": source}
    return Notice("alarm", f"No prices of {market} are coming", body, data, Words(f"{market} 시세가 멈췄습니다", said))


def of_regained_prices(market: str, source: str, silent_seconds: int, automations: Sequence[str]) -> Notice:
    """End the alarm: prices come again, and are watched."""
    names = ", ".join(f"'{name}'" for name in automations[:NAMES_SHOWN])
    body = f"{source} is heard again after {silent_seconds:,} seconds. Rules and stops are watched again for {names}."
    said = f"{silent_seconds:,}초 만에 {source} 시세가 다시 들어옵니다. 규칙과 손절을 다시 감시합니다: {names}."
    korean = Words(f"{market} 시세가 다시 들어옵니다", said)
    return Notice("alarm", f"Prices of {market} are coming again", body, {"market": market, "source": source}, korean)


def of_hook(hook_id: str, name: str, trouble: str) -> Notice:
    """Raise an alarm about a hook that is silent, or says what cannot be followed."""
    korean = Words(f"웹훅 '{name}'에 문제가 있습니다", in_korean(trouble))
    return Notice("alarm", f"There is trouble with the hook '{name}'", trouble, {"hook_id": hook_id}, korean)


def _short(value: str) -> str:
    try:
        return grouped(Decimal(value).quantize(Decimal("0.01")))
    except ArithmeticError:
        return value
