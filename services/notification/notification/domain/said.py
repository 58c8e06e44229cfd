"""Reasons that stand in notices, in Korean: sentences are known by their English words, with names in their gaps.

Those of trading are the web client's pairs (docs/decisions/0137), and a test holds the two together.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

SAID: Final[tuple[tuple[str, str], ...]] = (
    ("자동매매가 중지되어 있습니다", "the automation is stopped"),
    ("전략이 정지되어 있습니다", "the strategy is halted"),
    ("자동매매가 일시정지되어 있습니다: {why}", "the automation is paused: {why}"),
    ("내가 멈춤", "by its owner"),
    ("일정상 지금은 사지 않습니다", "its schedule does not buy at this time"),
    ("이미 이 종목을 가지고 있습니다", "it has this symbol already"),
    ("{why}. 그래서 일시정지했습니다", "{why}: paused"),
    ("오늘 한도인 {count}건을 주문했습니다", "it has placed {count} orders today, which is its limit"),
    ("한도인 {count}종목을 가지고 있습니다", "it has {count} positions, which is its limit"),
    (
        "남은 자금은 {amount} {currency}인데 1주가 {price}입니다",
        "{amount} {currency} are left for it, and a share costs {price}",
    ),
    ("이 종목을 가지고 있지 않습니다", "it has nothing of this symbol"),
    ("이미 팔고 있습니다", "it is being sold already"),
    ("팔 수 있는 수량이 없습니다", "no shares of it are free to be sold"),
    ("이 종목의 주문이 이미 나가 있습니다", "an order for it is under way already"),
    ("너무 늦었습니다. 주문할 때가 지났습니다", "too late: its moment has passed"),
    ("너무 늦었습니다. 주문할 때가 오지 않았습니다", "too late: its moment never came"),
    ("시간 안에 답이 없었습니다", "nobody answered in time"),
    (
        "오늘 손실이 {loss} {currency}, 한도는 {most}입니다",
        "it has lost {loss} {currency} today, and {most} is its limit",
    ),
    (
        "{field} 값이 {value}입니다. 차트 프로그램이 채우지 않았습니다",
        "{field} is {value}: the charting program has not filled it in",
    ),
    ("action 값이 {value}입니다. 다음 가운데 하나를 쓰세요: {actions}", "action is {value}: write one of {actions}"),
    ("종목이 없습니다. 메시지에 {{ticker}}를 넣으세요", "there is no ticker: write {{ticker}} into the message"),
    ("ticker 값이 {value}입니다: {why}", "ticker is {value}: {why}"),
    (
        "{symbol}: 시장이 {market}인데 자동매매는 {own}입니다",
        "{symbol} trades at {market}, and the automation at {own}",
    ),
    ("{symbol}: 이 자동매매의 종목이 아닙니다", "{symbol} is none of the automation's symbols"),
    (
        "{symbol}: 알림에도 시장에도 가격이 없습니다",
        "there is no price of {symbol}, in the alert or in the market",
    ),
    ("{symbol}: 앞선 신호가 아직 기다리고 있습니다", "a signal about {symbol} is still waiting"),
    ("알림을 따르지 않았습니다: {why}.", "An alert was not followed: {why}."),
    ("쓰이지 않는 항목입니다: {fields}.", "These fields mean nothing here: {fields}."),
    (
        "{heard} 알림이 없습니다. {minutes}분마다 오기로 되어 있습니다.",
        "No alert has come {heard}, and one is expected every {minutes} minutes.",
    ),
    ("{since}(UTC) 이후로", "since {since} UTC"),
    ("아직", "yet"),
    ("{symbol}의 봉이 없습니다.", "There are no bars of {symbol}."),
    (
        "{symbol}의 봉이 {last}까지만 있습니다. 마지막 거래일은 {day}입니다.",
        "The bars of {symbol} end on {last}; the last session was on {day}.",
    ),
    (
        "{symbol}: {quantity}주가 있어야 하는데 계좌에는 {there}주가 있습니다.",
        "It should have {quantity} shares of {symbol}, and the account has {there}.",
    ),
    (
        "{symbol}: {day}의 주문이 아직 끝나지 않았습니다({status}).",
        "Its order for {symbol} of {day} is still {status}.",
    ),
    (
        "오늘 마감된 봉이 없어 거래할 수 없었습니다: {symbols}.",
        "No bar of {symbols} closed today: nothing could be traded.",
    ),
    ("판단하지 못한 봉이 {count}개 있습니다: {why}.", "So many bars were not judged: {count}, for this reason: {why}."),
    ("너무 늦은 봉이라 건너뛰었습니다", "stale"),
    ("봉이 {count}개뿐입니다. 규칙에는 {needed}개가 필요합니다", "{count} bars are too few: the rules need {needed}"),
    ("전략을 읽을 수 없습니다: {why}", "the strategy's document cannot be read: {why}"),
    ("{count}일뿐입니다. 규칙에는 {needed}일이 필요합니다", "{count} days are too few: the rules need {needed}"),
    (
        "{since}부터 종목들의 봉이 {most}개를 넘습니다. 시작일을 늦추거나 종목을 줄이세요",
        "the universe has more than {most} bars since {since}: begin later, or narrow it",
    ),
    (
        "전략의 형식이 {format}인데, 읽을 수 있는 것은 {known}입니다.",
        "The strategy is written in format {format}, known is {known}.",
    ),
    ("전략의 규칙을 읽을 수 없습니다: {why}", "A rule of the strategy cannot be read: {why}"),
)
"""Korean and English."""
TROUBLES: Final[tuple[tuple[str, str], ...]] = (
    (
        "봇이 차단되었거나 대화가 삭제되었습니다. 차단을 풀고 대화를 다시 연결해 주세요",
        "the bot was blocked or the chat was deleted: unblock the bot, then link the chat again",
    ),
    ("주소가 더는 없습니다(HTTP {status})", "the address does not exist any more (HTTP {status})"),
    ("주소가 더는 알림을 받지 않습니다(HTTP {status})", "the address does not accept us any more (HTTP {status})"),
    (
        "카카오톡 동의가 더는 유효하지 않습니다. 다시 연결해 주세요",
        "KakaoTalk does not accept the consent any more: connect it again",
    ),
    (
        "카카오톡이 메시지를 더는 허용하지 않습니다. 다시 연결하고 메시지를 허용해 주세요",
        "KakaoTalk does not let us write any more: connect it again, and allow messages",
    ),
    ("메일 서버에 그런 메일함이 없습니다", "the mail server says there is no such mailbox"),
)
"""Why a channel is left alone, which its own code says; Korean and English."""
REASONS: Final = {
    "insufficient_cash": ("There is not enough cash for it.", "예수금이 부족합니다."),
    "insufficient_shares": ("You do not hold that many shares.", "보유 수량이 부족합니다."),
    "price_off_tick": ("The price is not on the exchange's grid.", "호가 단위에 맞지 않는 가격입니다."),
    "price_outside_band": ("The price is beyond today's limits.", "상·하한가를 벗어난 가격입니다."),
    "market_closed": ("The market is closed.", "장이 열려 있지 않습니다."),
    "stale_quote": ("The last known price is too old to judge by.", "마지막 시세가 너무 오래되어 판단할 수 없습니다."),
    "live_not_permitted": ("This account may not trade with real money.", "실거래가 허용되지 않은 계좌입니다."),
    "duplicate_order": ("The same order was placed a moment ago.", "같은 주문이 방금 접수되었습니다."),
    "fat_finger_value": ("Its value is larger than your limit.", "주문 금액이 설정한 한도를 넘습니다."),
    "fat_finger_quantity": ("Its quantity is larger than your limit.", "주문 수량이 설정한 한도를 넘습니다."),
    "price_too_far": ("The price is too far from the last one.", "현재가와 차이가 너무 큰 가격입니다."),
    "trading_halted": ("Trading is halted.", "거래가 정지된 상태입니다."),
    "client_order_id_reused": ("Another order has its id already.", "이미 다른 주문이 쓰고 있는 주문 ID입니다."),
}
"""The reasons people meet most, in English and Korean; any other is shown as its code."""
GAP: Final = re.compile(r"(?<!\{)\{(\w+)\}")
REFUSED: Final = re.compile(r"([a-z_]+): (.+)", re.DOTALL)
"""A reason of the order review with its sentence, which is English."""


def in_korean(sentence: str) -> str:
    """The sentence in Korean; itself where nobody has translated it. What stands in a gap may be a sentence again."""
    refused = REFUSED.fullmatch(sentence)
    if refused and refused[1] in REASONS:
        return REASONS[refused[1]][1].removesuffix(".")
    for pattern, korean in _patterns():
        if found := pattern.fullmatch(sentence):
            return _filled(korean, {name: in_korean(value) for name, value in found.groupdict().items()})
    return sentence


def _filled(korean: str, gaps: Mapping[str, str]) -> str:
    return GAP.sub(lambda gap: gaps[gap[1]], korean)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern_of(english), korean) for korean, english in (*SAID, *TROUBLES)]


def _pattern_of(english: str) -> re.Pattern[str]:
    text = "".join(
        f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(GAP.split(english))
    )
    return re.compile(text, re.DOTALL)
