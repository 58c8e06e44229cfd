"""Brokers' payloads in our words: what is certain, what leaves a doubt, and the oddities of each one's numbers."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from broker.adapters.alpaca import parse as alpaca
from broker.adapters.daylist import No, chain
from broker.adapters.kiwoom import parse as kiwoom
from broker.adapters.line import KeyRefused
from broker.adapters.ls import parse as ls
from broker.adapters.port import NotSent, RateLimited, Unreachable

DAY = date(2026, 11, 2)
READERS = {"alpaca": alpaca.read, "kiwoom": kiwoom.read, "ls": ls.read}


def said(broker: str, status: int, body: Any) -> Any:
    return READERS[broker](status, body if isinstance(body, str) else json.dumps(body))


@pytest.mark.requirement("R-3")
@pytest.mark.parametrize(
    ("broker", "status", "body", "reason"),
    [
        ("alpaca", 403, {"code": 40310000, "message": "insufficient buying power"}, "insufficient_cash"),
        ("alpaca", 403, {"code": 40310000, "message": "insufficient qty available"}, "insufficient_shares"),
        ("alpaca", 403, {"code": 40310100, "message": "pattern day trading protection"}, "rejected_by_broker"),
        ("alpaca", 422, {"code": 40010001, "message": "client_order_id must be unique"}, alpaca.NOT_UNIQUE),
        ("alpaca", 422, {"code": 42210000, "message": "sub-penny increment"}, "price_off_tick"),
        ("kiwoom", 200, {"return_code": 20, "return_msg": "[2000](RC4058:모의투자 장종료)"}, "market_closed"),
        ("kiwoom", 200, {"return_code": 20, "return_msg": "[2000](RC9000:미제공)"}, "order_type_not_allowed"),
        ("ls", 200, {"rsp_cd": "03181", "rsp_msg": "거부"}, "rejected_by_broker"),
        ("ls", 200, {"rsp_cd": "01900", "rsp_msg": "모의투자 미제공"}, "order_type_not_allowed"),
    ],
)
def test_a_refusal_that_is_on_the_list_is_one_and_keeps_the_brokers_words(
    broker: str, status: int, body: dict[str, Any], reason: str
) -> None:
    answer = said(broker, status, body)
    assert isinstance(answer, No)
    assert answer.reason == reason
    assert str(body.get("message") or body.get("return_msg") or body["rsp_msg"]) in answer.text


@pytest.mark.requirement("R-3")
@pytest.mark.parametrize(
    ("broker", "status", "body"),
    [
        ("alpaca", 500, {"code": 50010000, "message": "internal server error"}),
        ("alpaca", 504, {"code": 50010000, "message": "timeout"}),
        ("alpaca", 403, {"code": 40399999, "message": "something new"}),
        ("alpaca", 422, {"message": "no code at all"}),
        ("alpaca", 502, "<html>"),
        ("alpaca", 200, ""),
        ("kiwoom", 200, {"return_code": 20, "return_msg": "[2000](RC9999:새로운 거부)"}),
        ("kiwoom", 200, {"return_code": 5, "return_msg": "너무 많은 종목[1634:초과]"}),
        ("kiwoom", 500, {"return_code": 1, "return_msg": "예기치 못한 에러[1999:에러]"}),
        ("kiwoom", 500, {"return_code": 0, "return_msg": ""}),
        ("kiwoom", 400, {"status": 400, "error": "Bad Request"}),
        ("kiwoom", 200, ""),
        ("ls", 200, {"rsp_cd": "09999", "rsp_msg": "새로운 거부"}),
        ("ls", 500, {"rsp_cd": "03181", "rsp_msg": "거부"}),
        ("ls", 500, {"rsp_cd": "IGW40013", "rsp_msg": "조회 실패"}),
        ("ls", 200, {"rsp_msg": "no code"}),
        ("ls", 200, "[]"),
    ],
)
def test_whatever_is_on_no_list_leaves_a_doubt(broker: str, status: int, body: Any) -> None:
    with pytest.raises(Unreachable):
        said(broker, status, body)


@pytest.mark.requirement("R-3", "R-27")
@pytest.mark.parametrize(
    ("broker", "status", "body", "failure"),
    [
        ("alpaca", 429, {"code": 42910000, "message": "too many requests."}, RateLimited),
        ("alpaca", 401, {"message": "unauthorized."}, KeyRefused),
        ("kiwoom", 429, {"return_code": 5, "return_msg": "허용된 요청 개수를 초과[1700:초과]"}, RateLimited),
        ("kiwoom", 200, {"return_code": 1700, "return_msg": "허용된 요청 개수를 초과[1700:초과]"}, RateLimited),
        ("kiwoom", 200, {"return_code": 3, "return_msg": "인증에 실패[8005:Token]"}, kiwoom.TokenRefused),
        ("kiwoom", 200, {"return_code": 3, "return_msg": "IP가 다릅니다[8010:IP]"}, KeyRefused),
        ("kiwoom", 200, {"return_code": 2, "return_msg": "필수 입력값[1511:stk_cd]"}, NotSent),
        ("ls", 500, {"rsp_cd": "IGW00201", "rsp_msg": "초과"}, RateLimited),
        ("ls", 500, {"rsp_cd": "IGW00123", "rsp_msg": "만료"}, ls.TokenRefused),
    ],
)
def test_what_a_gate_turned_away_was_certainly_not_done(
    broker: str, status: int, body: dict[str, Any], failure: type[Exception]
) -> None:
    with pytest.raises(failure):
        said(broker, status, body)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("000000010000000", "10000000"),
        ("-00000000196888", "-196888"),
        ("000000002.98", "2.98"),
        ("1,234", "1234"),
        ("", "0"),
        (". 950", "0.950"),
    ],
)
def test_kiwoom_pads_signs_and_breaks_its_numbers(text: str, number: str) -> None:
    assert kiwoom.number(text) == Decimal(number)


def test_the_sign_of_a_kiwoom_price_is_its_direction() -> None:
    assert [kiwoom.price(text) for text in ("+70000", "-69500", "000000070000")] == [70_000, 69_500, 70_000]


def test_kiwoom_writes_one_code_in_several_ways() -> None:
    assert {kiwoom.symbol(text) for text in ("005930", "A005930", "005930_NX", "005930_AL")} == {"005930"}


def test_a_time_of_alpaca_has_up_to_nine_digits() -> None:
    for text in ("2026-11-02T15:00:00.123456789Z", "2026-11-02T15:00:00.123456Z", "2026-11-02T10:00:00.123456-05:00"):
        assert alpaca.moment(text) == datetime(2026, 11, 2, 15, 0, 0, 123456, tzinfo=UTC)


def an_ls_row(**changes: Any) -> dict[str, Any]:
    row = {
        "ordno": 1, "expcode": "A005930", "medosu": "매수", "qty": 10, "price": "70000.00", "cheqty": 0, "cheprice": 0,
        "ordrem": 10, "status": "접수", "orgordno": 0, "ordtime": "10000000",
    }  # fmt: skip
    return row | changes


def test_a_change_moves_shares_and_a_cancel_ends_them_whatever_they_are_called() -> None:
    rows = ls.rows(
        [
            an_ls_row(ordrem=0),
            an_ls_row(ordno=2, orgordno=1, status="확인", qty=10, ordrem=0, cheqty=3, cheprice=69900),
            an_ls_row(ordno=3, orgordno=2, status="확인", qty=7, ordrem=0),
        ],
        DAY,
    )
    line = chain(rows, "20261102-1")
    assert [(row.number, row.canceled, row.is_cancel) for row in line] == [
        ("1", 0, False),
        ("2", 7, False),
        ("3", 7, True),
    ]


def test_a_refused_change_moves_nothing() -> None:
    rows = ls.rows([an_ls_row(), an_ls_row(ordno=2, orgordno=1, status="거부", ordrem=0)], DAY)
    assert [(row.remaining, row.canceled, row.rejected) for row in rows] == [(10, 0, 0), (0, 0, 10)]


@pytest.mark.requirement("R-4")
@pytest.mark.parametrize("missing", ["ordno", "expcode", "medosu", "qty", "ordrem", "cheqty", "status", "ordtime"])
def test_a_row_that_cannot_be_read_is_no_evidence(missing: str) -> None:
    row = an_ls_row()
    del row[missing]
    with pytest.raises(Unreachable):
        ls.rows([row], DAY)


@pytest.mark.parametrize(
    "block", [{}, {"CSPAT00601OutBlock2": {}}, {"CSPAT00601OutBlock2": {"OrdNo": 0, "OrdTime": "1"}}]
)
def test_an_order_of_ls_without_a_number_leaves_a_doubt(block: dict[str, Any]) -> None:
    with pytest.raises(Unreachable):
        ls.taken(block, "CSPAT00601", DAY)


@pytest.mark.parametrize("number", ["", "0000000"])
def test_an_order_of_kiwoom_without_a_number_leaves_a_doubt(number: str) -> None:
    with pytest.raises(Unreachable):
        kiwoom.taken({"ord_no": number}, datetime(2026, 11, 2, tzinfo=UTC))
