"""Codes of the second factor: once each, one step early or late, and slower with every mistake."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from auth.domain.second_factor import (
    FREE_FAILURES,
    Answer,
    SecondFactor,
    is_recovery_code,
    judge,
    normalise,
    recovery_code_of,
    wait_of,
)
from auth.domain.user import UserId
from auth.totp import step_of, text_of, uri_of
from kit.ids import new_id

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
SECRET = b"12345678901234567890"
STEP = int(NOW.timestamp()) // 30


def a_factor(*, last_step: int = 0, failures: int = 0, failed_at: datetime | None = None) -> SecondFactor:
    return SecondFactor(UserId(new_id()), b"sealed", NOW, last_step, failures, failed_at)


@pytest.mark.requirement("R-45")
@pytest.mark.parametrize(("off", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off_and_no_more(off: int, good: bool) -> None:
    code = pyotp.TOTP(text_of(SECRET)).generate_otp(STEP + off)
    assert step_of(SECRET, code, NOW) == (STEP + off if good else None)


def test_codes_are_those_of_rfc_6238() -> None:
    assert step_of(SECRET, "287082", datetime.fromtimestamp(59, UTC)) == 1
    assert step_of(SECRET, "081804", datetime.fromtimestamp(1111111109, UTC)) == 0x23523EC


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "12 345"])
def test_what_is_no_code_belongs_to_no_step(code: str) -> None:
    assert step_of(SECRET, code, NOW) is None


@pytest.mark.requirement("R-45")
def test_a_step_is_good_once_and_none_before_it_afterwards() -> None:
    assert judge(a_factor(), STEP) is Answer.PASSED
    assert judge(a_factor(last_step=STEP), STEP) is Answer.USED
    assert judge(a_factor(last_step=STEP + 1), STEP) is Answer.USED
    assert judge(a_factor(), None) is Answer.WRONG


@pytest.mark.requirement("R-45")
def test_five_mistakes_are_free_and_then_each_doubles_the_wait_up_to_an_hour() -> None:
    waits = [wait_of(a_factor(failures=count, failed_at=NOW), NOW) for count in range(1, 20)]
    assert waits[: FREE_FAILURES - 1] == [None] * (FREE_FAILURES - 1)
    assert waits[FREE_FAILURES - 1 : FREE_FAILURES + 2] == [timedelta(seconds=each) for each in (30, 60, 120)]
    assert waits[-1] == timedelta(hours=1)
    assert wait_of(a_factor(failures=9, failed_at=NOW - timedelta(hours=1)), NOW) is None


@pytest.mark.requirement("R-45")
def test_who_guesses_as_often_as_it_is_let_needs_forty_days_for_a_thousand_codes() -> None:
    moment, looked_at = NOW, []
    while len(looked_at) < 1_000:
        failed_at = looked_at[-1] if looked_at else None
        moment += wait_of(a_factor(failures=len(looked_at), failed_at=failed_at), moment) or timedelta()
        looked_at.append(moment)
    on_the_first_day = sum(moment < NOW + timedelta(days=1) for moment in looked_at)
    assert on_the_first_day <= 36, "with three codes good at a time: one chance in nine thousand"
    assert looked_at[-1] - NOW > timedelta(days=40)


def test_recovery_codes_are_read_however_they_are_copied() -> None:
    code = recovery_code_of(bytes(range(10)))
    assert code == "aaaq-eaye-auda-ocaj"
    assert normalise(" AAAQ-EAYE AUDAOCAJ ") == normalise(code) == "aaaqeayeaudaocaj"
    assert is_recovery_code(normalise(code))
    assert not is_recovery_code("123456")


def test_the_address_of_the_qr_code_names_platform_and_person() -> None:
    uri = uri_of(SECRET, "haneul@example.com")
    assert uri == f"otpauth://totp/Exodus:haneul%40example.com?secret={text_of(SECRET)}&issuer=Exodus"
