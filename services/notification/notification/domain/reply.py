"""What the bot answers to a command, in the language of whoever asks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, get_args

from notification.domain.notice import Language, amount, grouped
from notification.domain.signal_notice import CODE_LENGTH

LINES_MAX = 40
HEX = frozenset("0123456789abcdef")
Decision = Literal["approve", "decline"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)

HELP = {
    "en": "/status, /positions, /orders, and /halt, which stops all your trading at once and withdraws open orders.",
    "ko": "/status 현황, /positions 보유 종목, /orders 미체결 주문, /halt 모든 거래 즉시 정지 및 미체결 주문 취소.",
}
UNKNOWN_CHAT = (
    "This chat is not linked to anybody. Add a Telegram channel in Exodus and send the command it shows. / "
    "연결되지 않은 채팅입니다. Exodus에서 텔레그램 채널을 추가한 뒤 표시되는 명령을 보내 주세요."
)
BAD_CODE = (
    "This code does not fit, or is older than a day: add the channel again. / "
    "코드가 맞지 않거나 하루가 지났습니다. 채널을 다시 추가해 주세요."
)
TAKEN = (
    "This chat is linked already: delete that channel first. / 이미 연결된 채팅입니다. 기존 채널을 먼저 삭제해 주세요."
)
LINKED = {"en": "Linked. ", "ko": "연결되었습니다. "}
HALTING = {
    "en": "Halting all your trading now. You are told when it is done; resume it in Exodus.",
    "ko": "모든 거래를 정지합니다. 완료되면 알려 드리며, 재개는 Exodus에서 할 수 있습니다.",
}
DECIDED = {
    "approve": {
        "en": "Passed on. You are told when the order is placed, or why it is not.",
        "ko": "승인을 전달했습니다. 주문 결과 또는 사유를 알려 드립니다.",
    },
    "decline": {"en": "Passed on: no order is placed.", "ko": "거절을 전달했습니다. 주문하지 않습니다."},
}
NOTHING = {
    "positions": {"en": "No positions.", "ko": "보유 종목이 없습니다."},
    "orders": {"en": "No open orders.", "ko": "미체결 주문이 없습니다."},
    "balances": {"en": "No account yet.", "ko": "계좌가 없습니다."},
}


def command_of(text: str) -> tuple[str, str]:
    """Read `/start code` or `/halt@bot` as a name in lower case and the rest; anything else asks for help."""
    if not text.startswith("/"):
        return "help", ""
    name, _, rest = text[1:].partition(" ")
    return name.partition("@")[0].lower(), rest.strip()


def decision_of(name: str) -> tuple[Decision, str] | None:
    """Read `approve_0123456789ab` as a decision and the code of the signal it is about; None for anything else."""
    for decision in DECISIONS:
        code = name.removeprefix(f"{decision}_")
        if code != name and len(code) == CODE_LENGTH and set(code) <= HEX:
            return decision, code
    return None


def on_positions(positions: Sequence[Mapping[str, Any]], language: Language) -> str:
    """Write what somebody holds."""
    unit = "주, 평균 " if language == "ko" else " at "
    lines = [
        f"{each['symbol']}: {_number(each['quantity'])}{unit}{_money(each['average_price'], each, language)}"
        for each in positions
    ]
    return _lines(lines, "positions", language)


def on_orders(orders: Sequence[Mapping[str, Any]], language: Language) -> str:
    """Write which orders are open, and how much of each is left."""
    lines = []
    for each in orders:
        side = {"buy": "매수", "sell": "매도"}[each["side"]] if language == "ko" else each["side"]
        limit = "" if each["limit_price"] is None else f" @ {_money(each['limit_price'], each, language)}"
        lines.append(f"{each['symbol']} {side} {_number(each['remaining_quantity'])}{limit} ({each['status']})")
    return _lines(lines, "orders", language)


def on_status(balances: Sequence[Mapping[str, Any]], counts: tuple[int, int], language: Language) -> str:
    """Write cash by account, and how many positions and open orders there are."""
    cash, free = ("예수금", "주문 가능") if language == "ko" else ("Cash", "available")
    lines = [
        f"{cash} {_money(each['cash'], each, language)}, {free} {_money(each['available'], each, language)}"
        for each in balances
    ]
    positions, orders = counts
    count = (
        f"보유 {positions}종목, 미체결 {orders}건"
        if language == "ko"
        else f"{positions} positions, {orders} open orders"
    )
    return f"{_lines(lines, 'balances', language)}\n{count}"


def _lines(lines: list[str], what: str, language: Language) -> str:
    more = f"\n… +{len(lines) - LINES_MAX}" if len(lines) > LINES_MAX else ""
    return "\n".join(lines[:LINES_MAX]) + more or NOTHING[what][language]


def _number(text: Any) -> str:
    return grouped(Decimal(str(text)))


def _money(text: Any, of: Mapping[str, Any], language: Language) -> str:
    currency = str(of["currency"])
    return amount(Decimal(str(text)), currency, language)
