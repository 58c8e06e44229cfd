"""Notices: what people read."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from notification.domain.notice import (
    TITLE_LENGTH_MAX,
    Notice,
    OrderSeen,
    amount,
    grouped,
    of_broken_channel,
    of_denial,
    of_doubtful_order,
    of_fill,
    of_rejection,
    of_run,
)
from notification.domain.said import in_korean
from notification.domain.signal_notice import of_hook, of_missed_prices, of_regained_prices, of_report
from notification.domain.stream import REPLAY_MAX, Bounds, can_resume

BUY = OrderSeen(
    order_id="o",
    account_id="a",
    symbol="005930",
    side="buy",
    quantity=Decimal(10),
    currency="KRW",
    average_price=Decimal("56000.00"),
    fee=Decimal(83),
    tax=Decimal(0),
    reason=None,
)


def test_a_fill_tells_what_was_traded_and_what_it_cost() -> None:
    notice = of_fill(BUY)
    assert (notice.title, notice.body) == ("Bought 10 005930 at ₩56,000", "Fee ₩83, tax ₩0.")
    assert of_fill(replace(BUY, side="sell", quantity=Decimal("0.5"))).title == "Sold 0.5 005930 at ₩56,000"
    assert notice.data == {"order_id": "o", "account_id": "a", "symbol": "005930"}


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("insufficient_cash", "There is not enough cash for it."),
        ("a_new_reason", "Reason: a new reason."),
        (None, "No reason was given."),
    ],
)
def test_a_refusal_gives_its_reason_known_or_not(reason: str | None, body: str) -> None:
    denied, rejected = of_denial(replace(BUY, reason=reason)), of_rejection(replace(BUY, reason=reason))
    assert (denied.title, denied.body) == ("Order denied: buy 10 005930", body)
    assert (rejected.title, rejected.body) == ("Order rejected: buy 10 005930", body)


def test_a_finished_run_tells_how_it_ended() -> None:
    assert of_run("r", "backtest", "done").title == "Backtest is done"
    assert of_run("r", "optimize", "failed").title == "Optimisation ended: failed"
    assert of_run("r", "something_new", "canceled").title == "Something new ended: canceled"


@pytest.mark.parametrize(
    ("kind", "title"), [("portfolio", "포트폴리오 백테스트 취소됨"), ("walk_forward", "워크포워드 검증 취소됨")]
)
def test_a_korean_reads_what_kind_of_run_it_was(kind: str, title: str) -> None:
    korean = of_run("r", kind, "canceled").korean
    assert korean is not None
    assert korean.title == title


def test_numbers_are_written_for_people() -> None:
    numbers = ["1234567", "0.10", "100", "1E+3", "0"]
    assert [grouped(Decimal(number)) for number in numbers] == ["1,234,567", "0.1", "100", "1,000", "0"]


def test_words_of_others_cannot_make_a_notice_too_long() -> None:
    assert len(Notice("order_rejected", "x" * 999, "y" * 9999, {}).title) == TITLE_LENGTH_MAX


@pytest.mark.parametrize(
    ("after", "possible"),
    [(10, False), (11, True), (50, True), (100, True), (101, False), (0, False)],
)
def test_a_client_can_resume_from_what_is_kept(after: int, possible: bool) -> None:
    assert can_resume(after, Bounds(first=12, last=100)) is possible


def test_a_client_that_missed_too_much_starts_anew() -> None:
    assert can_resume(0, Bounds(1, REPLAY_MAX))
    assert not can_resume(0, Bounds(1, REPLAY_MAX + 1))
    assert can_resume(0, Bounds(1, 0)), "an empty stream is resumed from its beginning"


@pytest.mark.parametrize(
    ("number", "currency", "english", "korean"),
    [
        ("56000.00", "KRW", "₩56,000", "56,000원"),
        ("-1234567", "KRW", "-₩1,234,567", "-1,234,567원"),
        ("56.1", "USD", "$56.10", "56.10달러"),
        ("1234", "USD", "$1,234.00", "1,234.00달러"),
        ("-0.1234", "USD", "-$0.1234", "-0.1234달러"),
    ],
)
def test_money_is_written_as_people_write_it_there(number: str, currency: str, english: str, korean: str) -> None:
    assert amount(Decimal(number), currency, "en") == english
    assert amount(Decimal(number), currency, "ko") == korean


def test_a_korean_reads_korean() -> None:
    notice = of_fill(BUY).said_in("ko")
    assert (notice.title, notice.body) == ("005930 10주 매수 체결, 체결가 56,000원", "수수료 83원, 세금 0원.")
    assert of_denial(replace(BUY, reason="market_closed")).said_in("ko").body == "장이 열려 있지 않습니다."


def test_an_order_in_doubt_asks_for_help_in_one_language() -> None:
    told = of_doubtful_order("1", "2", "KIS shows 0000012, 0000013: somebody has to say which.")
    assert "0000012" in told.body
    assert not re.search("[a-z]", told.said_in("ko").body)


def test_prices_that_do_not_come_are_told_by_the_clock_of_their_market_and_name_who_waits() -> None:
    since = datetime(2026, 11, 20, 1, 2, tzinfo=UTC)
    told = of_missed_prices("KRX", "kis", since, ["RSI", "추세"])
    assert told.body.startswith("Nothing has come from kis since 10:02.")
    assert told.body.endswith("for 'RSI', '추세'.")
    assert told.said_in("ko").title == "KRX 시세가 멈췄습니다"
    assert "since 20:02" in of_missed_prices("US", "alpaca", since, ["RSI"]).body


def test_prices_that_come_again_end_the_alarm_in_both_languages() -> None:
    told = of_regained_prices("KRX", "kis", 1_074, ["RSI"])
    assert (told.title, told.kind) == ("Prices of KRX are coming again", "alarm")
    assert told.body == "kis is heard again after 1,074 seconds. Rules and stops are watched again for 'RSI'."
    assert "1,074초 만에" in told.said_in("ko").body


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("it has this symbol already", "이미 이 종목을 가지고 있습니다"),
        (
            "the automation is paused: it has lost 300 KRW today, and 200 is its limit",
            "자동매매가 일시정지되어 있습니다: 오늘 손실이 300 KRW, 한도는 200입니다",
        ),
        ("insufficient_cash: This needs 1000 KRW.", "예수금이 부족합니다"),
        (
            "No alert has come since 2026-11-20 01:02 UTC, and one is expected every 30 minutes.",
            "2026-11-20 01:02(UTC) 이후로 알림이 없습니다. 30분마다 오기로 되어 있습니다.",
        ),
        (
            "An alert was not followed: there is no ticker: write {{ticker}} into the message.",
            "알림을 따르지 않았습니다: 종목이 없습니다. 메시지에 {{ticker}}를 넣으세요.",
        ),
        ("Nobody has translated this.", "Nobody has translated this."),
    ],
)
def test_what_trading_says_is_retold_in_korean(english: str, korean: str) -> None:
    assert in_korean(english) == korean


def test_a_report_and_a_hook_in_trouble_are_korean_to_a_korean() -> None:
    problems = ["There are no bars of 005930.", "No bar of 000660 closed today: nothing could be traded."]
    report = of_report("a", "밤사이", "prepare", problems)
    assert report is not None
    assert report.body == " ".join(problems)
    told = report.said_in("ko").body
    assert told == "005930의 봉이 없습니다. 오늘 마감된 봉이 없어 거래할 수 없었습니다: 000660."
    hook = of_hook("h", "추세", "These fields mean nothing here: colour, size.").said_in("ko")
    assert (hook.title, hook.body) == ("웹훅 '추세'에 문제가 있습니다", "쓰이지 않는 항목입니다: colour, size.")


def test_a_blocked_bot_is_told_in_korean_to_a_korean() -> None:
    blocked = "the bot was blocked or the chat was deleted: unblock the bot, then link the chat again"
    told = of_broken_channel("c", "전화", blocked)
    assert blocked in told.body
    assert told.said_in("ko").body.startswith("사유: 봇이 차단되었거나 대화가 삭제되었습니다.")
