"""The emulator of KIS: `create_app(environment)`; admin routes under /_emulator move the market and switch faults.

Run alone: `uvicorn emulators.kis.server:paper --factory --port 34990`, with libs/quant and services/broker on the path.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, Literal

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, Response
from quant.markets.calendar import NEW_YORK, SEOUL
from quant.matching import TimeInForce
from starlette.types import ASGIApp, Receive, Scope, Send

from emulators.faults import AFTER, BEFORE, Fault, Faults, add_admin, broken
from emulators.house import House, No, Place, Slip, korea
from emulators.kis import names, overseas, quotations, rows
from emulators.kis.gate import Answer, Gate, problem
from emulators.kis.rows import OFFICE
from emulators.kis.stream import Stream

Environment = Literal["real", "paper"]
TRADING: Final = "/uapi/domestic-stock/v1/trading"
_PAGE: Final = {"real": (100, 50), "paper": (15, 20)}
_SIDES: Final[dict[str, Literal["buy", "sell"]]] = {
    "TTTC0012U": "buy", "TTTC0802U": "buy", "TTTC0011U": "sell", "TTTC0801U": "sell"
}  # fmt: skip
_CALLS: Final = {
    "order-cash": set(_SIDES),
    "order-rvsecncl": {"TTTC0013U", "TTTC0803U"},
    "inquire-daily-ccld": {"TTTC0081R", "TTTC8001R", "CTSC9215R", "CTSC9115R"},
    "inquire-psbl-rvsecncl": {"TTTC0084R", "TTTC8036R"},
    "inquire-balance": {"TTTC8434R"},
    "inquire-psbl-order": {"TTTC8908R"},
}
_REAL_ONLY: Final = {"inquire-psbl-rvsecncl"}
KINDS: Final[dict[str, tuple[bool, TimeInForce]]] = {
    "00": (True, "day"),
    "01": (False, "day"),
    "11": (True, "ioc"),
    "12": (True, "fok"),
    "13": (False, "ioc"),
    "14": (False, "fok"),
}
"""ORD_DVSN: whether it has a limit, and how long it lasts."""
UNHEARD_OF: Final = "APBK9999"
"""Stands for KIS's codes that we have not seen: whoever speaks to us must not take such a no for certain."""
_CODES: Final = {
    "unknown_symbol": ("APBK0656", "해당종목정보가 없습니다."),
    "market_closed": ("APBK0918", "장운영시간이 아닙니다."),
    "trading_halted": ("APBK0634", "거래정지 종목입니다."),
    "price_off_tick": (UNHEARD_OF, "주문단가를 잘못 입력하셨습니다. 호가단위를 확인하세요."),
    "price_outside_band": (UNHEARD_OF, "상하한가를 벗어난 주문단가입니다."),
    "quantity_off_lot": (UNHEARD_OF, "주문수량을 확인하세요."),
    "order_type_not_allowed": ("APBK1058", "주문구분을 확인하세요."),
    "venue_not_offered": (UNHEARD_OF, "거래소구분을 확인하세요."),
    "insufficient_shares": ("APBK0400", "주문 가능한 수량을 초과했습니다."),
    "quantity_grows": ("APBK0400", "정정가능수량을 초과했습니다."),
    "insufficient_cash": ("APBK0952", "주문가능금액을 초과 했습니다"),
    "order_not_found": ("APBK1663", "원주문정보가 존재하지 않습니다."),
    "unknown_service": ("OPSQ2002", "없는 서비스 코드 입니다"),
    "not_on_paper": ("OPSQ2002", "모의투자에서는 제공하지 않는 서비스 입니다."),
    "field_missing": ("OPSQ2001", "ERROR : INPUT FIELD NOT FOUND"),
}
_DONE: Final = {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리"}
_ALL_CALLS: Final = _CALLS | quotations.CALLS | names.CALLS | overseas.CALLS
AMERICA: Final = Place("US", NEW_YORK, Decimal(1_000_000), lambda count: f"{count:010d}")
Fields = Mapping[str, str]
Body = dict[str, Any]


class Desk:
    """Answers calls, each from the upper-case fields of its request."""

    def __init__(self, house: House, abroad: House, environment: Environment) -> None:
        self.house = house
        self.abroad = abroad
        self.quotations = quotations.Quotations(house)
        self.overseas = overseas.OverseasDesk(abroad, environment)
        self.environment = environment
        self.pages_cut = False
        self._answers: dict[str, Callable[[Fields, str, str], Body | No]] = {
            "order-cash": self._order,
            "order-rvsecncl": self._change,
            "inquire-daily-ccld": self._daily,
            "inquire-psbl-rvsecncl": self._open_orders,
            "inquire-balance": self._balance,
            "inquire-psbl-order": self._buying_power,
        }

    def answer(self, call: str, fields: Fields, tr_id: str, page: str) -> Body:
        """The body of an answer, refusals included."""
        known = _REAL_LETTER.get(tr_id[1:], "T") + tr_id[1:] if tr_id[:1] == "V" else tr_id
        known = overseas.ON_PAPER.get(tr_id, known)
        is_right = tr_id[:1] in {"F", "H"} or (tr_id[:1] == "V") == (self.environment == "paper")
        if known not in _ALL_CALLS[call] or not is_right:
            return _refused(No("unknown_service"))
        if (
            call in _REAL_ONLY | overseas.REAL_ONLY | names.REAL_ONLY | quotations.REAL_ONLY
            and self.environment == "paper"
        ):
            return _refused(No("not_on_paper"))
        if call in overseas.CALLS:
            self.overseas.pages_cut = self.pages_cut
            found = self.overseas.answer(call, fields, known, page)
            return _refused(found) if isinstance(found, No) else _DONE | found
        try:
            if call in names.CALLS:
                found = names.answer(fields, self.house, self.abroad)
            elif call in quotations.CALLS:
                found = self.quotations.answer(call, fields)
            else:
                found = self._answers[call](fields, known, page)
        except (KeyError, InvalidOperation):
            return _refused(No("field_missing"))
        return _refused(found) if isinstance(found, No) else _DONE | found

    def _order(self, fields: Fields, tr_id: str, _: str) -> Body | No:
        if fields["ORD_DVSN"] not in KINDS:
            return No("order_type_not_allowed")
        limit, time_in_force = KINDS[fields["ORD_DVSN"]]
        slip = Slip(
            number=self.house.next_number(),
            original="",
            account=_account(fields),
            symbol=fields["PDNO"],
            side=_SIDES[tr_id],
            kind=fields["ORD_DVSN"],
            quantity=Decimal(fields["ORD_QTY"]),
            price=Decimal(fields["ORD_UNPR"]),
            at=self.house.clock(),
            limit=limit,
            time_in_force=time_in_force,
            venue=fields.get("EXCG_ID_DVSN_CD", "KRX"),
        )
        refusal = self.house.place(slip)
        if refusal is not None:
            return refusal
        paper = (
            ("40600000", "모의투자 매수주문이 완료 되었습니다.")
            if slip.side == "buy"
            else ("40590000", "모의투자 매도주문이 완료 되었습니다.")
        )
        code, text = ("APBK0013", "주문 전송 완료 되었습니다.") if self.environment == "real" else paper
        return {"msg_cd": code, "msg1": text, "output": self._taken(slip)}

    def _change(self, fields: Fields, _: str, __: str) -> Body | No:
        number, account = self.house.next_number(), _account(fields)
        everything = fields["QTY_ALL_ORD_YN"] == "Y"
        quantity = None if everything else Decimal(fields["ORD_QTY"])
        original = fields["ORGN_ODNO"].zfill(10)
        if not self.house.is_at(original, fields.get("EXCG_ID_DVSN_CD", "KRX")):
            return No("order_not_found")
        if fields["RVSE_CNCL_DVSN_CD"] == "02":
            slip = self.house.cancel(original, account, number, quantity)
        else:
            slip = self.house.change(original, account, number, quantity, Decimal(fields["ORD_UNPR"]))
        return slip if isinstance(slip, No) else {"msg_cd": "APBK0013", "output": self._taken(slip)}

    def _taken(self, slip: Slip) -> dict[str, str]:
        return {
            "KRX_FWDG_ORD_ORGNO": OFFICE,
            "ODNO": slip.number,
            "ORD_TMD": f"{slip.at.astimezone(SEOUL):%H%M%S}",
        }

    def _daily(self, fields: Fields, _: str, page: str) -> Body:
        first, last = fields["INQR_STRT_DT"], fields["INQR_END_DT"]
        slips = [
            slip
            for slip in self.house.slips.values()
            if slip.account == _account(fields)
            and first <= f"{slip.at.astimezone(SEOUL):%Y%m%d}" <= last
            and fields.get("PDNO", "") in {"", slip.symbol}
            and fields.get("ODNO", "") in {"", slip.number}
            and fields.get("SLL_BUY_DVSN_CD", "00") in {"00", "01" if slip.side == "sell" else "02"}
            and (fields.get("CCLD_DVSN", "00") != "01" or slip.filled)
            and (fields.get("CCLD_DVSN", "00") != "02" or slip.open)
        ]
        slips.sort(key=lambda slip: slip.number, reverse=fields.get("INQR_DVSN", "00") == "00")
        return self._paged(slips, _PAGE[self.environment][0], fields, page) | {"output2": rows.order_totals(slips)}

    def _paged(self, slips: list[Slip], size: int, fields: Fields, page: str) -> Body:
        begin = int(fields.get("CTX_AREA_NK100", "").strip() or 0) if page == "N" else 0
        shown, more = slips[begin : begin + size], begin + size < len(slips)
        if self.pages_cut:
            more = False
        return {
            "output1": [rows.order_row(slip) for slip in shown],
            "ctx_area_fk100": "daily".ljust(100),
            "ctx_area_nk100": (str(begin + size) if more else "").ljust(100),
            "_more": more,
        }

    def _open_orders(self, fields: Fields, _: str, page: str) -> Body:
        slips = [slip for slip in self.house.slips.values() if slip.account == _account(fields) and slip.open]
        body = self._paged(slips, 50, fields, page)
        body["output"] = [row | {"psbl_qty": row["rmn_qty"]} for row in body.pop("output1")]
        return body

    def _balance(self, fields: Fields, _: str, __: str) -> Body:
        account = self.house.account(_account(fields))
        shown = [rows.position_row(symbol, account, self.house.exchanges[symbol]) for symbol in account.shares]
        worth = sum((Decimal(row["evlu_amt"]) for row in shown), Decimal(0))
        totals = rows.balance_totals(account, worth, sum(account.cost.values(), Decimal(0)))
        blank = {"ctx_area_fk100": " " * 100, "ctx_area_nk100": " " * 100}
        return {"output1": shown, "output2": [totals], "_more": False} | blank

    def _buying_power(self, fields: Fields, _: str, __: str) -> Body | No:
        exchange = self.house.exchanges.get(fields["PDNO"])
        if exchange is None or exchange.rules.band is None:
            return No("unknown_symbol")
        price = exchange.rules.band.upper if fields["ORD_DVSN"] == "01" else Decimal(fields["ORD_UNPR"])
        cash = self.house.spendable(_account(fields))
        amounts = dict.fromkeys(("ord_psbl_cash", "nrcvb_buy_amt", "max_buy_amt"), rows.whole(cash))
        shares = dict.fromkeys(("nrcvb_buy_qty", "max_buy_qty"), str(cash // price))
        zeros = ("ord_psbl_sbst", "ruse_psbl_amt", "fund_rpch_chgs", "cma_evlu_amt", "ovrs_re_use_amt_wcrc")
        rest = {"psbl_qty_calc_unpr": rows.whole(price), "ord_psbl_frcr_amt_wcrc": "0"}
        return {"output": amounts | shares | rest | dict.fromkeys(zeros, "0")}


_PROBLEMS: Final[dict[str, Answer]] = {
    "rate_limit": problem("EGW00201", "초당 거래건수를 초과하였습니다."),
    "ledger_timeout": problem("EGW00302", "Transaction Timeout"),
    "server_error": problem("IGW00009", "Gateway 라우팅 오류"),
}
_REAL_LETTER: Final = {"TSC9215R": "C", "TSC9115R": "C"}


def _account(fields: Fields) -> str:
    return fields["CANO"] + fields["ACNT_PRDT_CD"]


def _refused(no: No) -> Body:
    code, text = _CODES[no.reason]
    return {"rt_cd": "1", "msg_cd": code, "msg1": text}


class OneSlash:
    """Takes two slashes for one, as KIS does: well-known clients send `//uapi/…`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = scope["path"].replace("//", "/")
        await self._app(scope, receive, send)


def create_app(environment: Environment, clock: Callable[[], datetime]) -> FastAPI:
    """An emulator of one environment, with an empty ledger."""
    house, faults = House(clock, korea(digits=10, has_nxt=environment == "real")), Faults()
    app = FastAPI(openapi_url=None)
    app.state.abroad = abroad = House(clock, AMERICA)
    app.state.house, app.state.desk, app.state.faults = house, Desk(house, abroad, environment), faults
    stream = Stream(faults, clock)
    house.tell, house.show, app.state.stream = stream.tell, stream.show, stream
    house.print, abroad.tell = partial(stream.print, house), stream.tell_abroad
    abroad.show, abroad.print = stream.show_abroad, partial(stream.print_abroad, abroad)
    app.state.gate = gate = Gate(clock, 20 if environment == "real" else 2)
    app.state.calls, app.state.lists = [], {}
    addresses = {call: f"{TRADING}/{call}" for call in _CALLS}
    addresses |= {call: f"{quotations.FOLDER}/{call}" for call in quotations.CALLS}
    addresses |= {call: f"{names.FOLDER}/{call}" for call in names.CALLS}
    addresses |= {call: overseas.path_of(call) for call in overseas.CALLS}
    for call, address in addresses.items():
        method = "POST" if call.removeprefix(overseas.MARK).startswith("order") else "GET"
        app.add_api_route(address, _route(app, call), methods=[method])

    @app.post("/oauth2/tokenP")
    async def token(request: Request) -> Response:
        asked = await request.json()
        return _json(gate.issue(str(asked.get("appkey")), str(asked.get("appsecret"))))

    @app.post("/oauth2/revokeP")
    async def revoke(request: Request) -> Response:
        gate.revoke(str((await request.json()).get("appkey")))
        return _json({"code": 200, "message": "접근토큰 폐기에 성공하였습니다"})

    @app.post("/oauth2/Approval")
    async def approval(request: Request) -> Response:
        asked = await request.json()
        if gate.keys and gate.keys.get(str(asked.get("appkey"))) != asked.get("secretkey"):
            return _json(Answer(403, {"error_code": "EGW00103", "error_description": "유효하지 않은 AppKey입니다."}))
        return _json({"approval_key": stream.approve(str(asked.get("appkey")))})

    @app.websocket("/{path:path}")
    async def listen(socket: WebSocket) -> None:
        await stream.serve(socket)

    @app.post("/uapi/hashkey")
    async def hashkey(request: Request) -> Response:
        return _json({"BODY": await request.json(), "HASH": uuid.uuid4().hex * 2})

    add_admin(app, house, faults, abroad)
    app.add_middleware(OneSlash)
    return app


def _route(app: FastAPI, call: str) -> Callable[[Request], Any]:
    gate: Gate = app.state.gate
    desk: Desk = app.state.desk
    faults: Faults = app.state.faults

    async def answer(request: Request) -> Response:
        headers = request.headers
        if fault := faults.take(call, *BEFORE):
            return await _broken(fault)
        if faults.take(call, "token_expired"):
            return _json(problem("EGW00123", "기간이 만료된 token 입니다."))
        if stopped := gate.check(headers.get("appkey", ""), headers.get("authorization", "")):
            return _json(stopped)
        given = await request.json() if request.method == "POST" else request.query_params
        fields = {key.upper(): str(value) for key, value in given.items()}
        desk.pages_cut = faults.take(call, "paging_cut") is not None
        body = desk.answer(call, fields, headers.get("tr_id", ""), headers.get("tr_cont", ""))
        app.state.calls.append((call, fields))
        if faults.take(call, "stale_list"):
            body = dict(app.state.lists.get(call, body))
        app.state.lists[call] = dict(body)
        if fault := faults.take(call, *AFTER):
            return await _broken(fault)
        more = body.pop("_more", None)
        paging = {} if more is None else {"tr_cont": "M" if more else "D"}
        return JSONResponse(body, headers={"tr_id": headers.get("tr_id", ""), "gt_uid": uuid.uuid4().hex} | paging)

    return answer


async def _broken(fault: Fault) -> Response:
    return _json(_PROBLEMS[fault]) if fault in _PROBLEMS else await broken(fault)


def _json(answer: Answer | Mapping[str, Any]) -> Response:
    if isinstance(answer, Answer):
        return JSONResponse(answer.body, status_code=answer.status)
    return JSONResponse(dict(answer))


def _now() -> datetime:
    return datetime.now(UTC)  # tidy: allow clock because this is the edge of a program of its own


def paper() -> FastAPI:
    """The paper environment."""
    return create_app("paper", _now)


def real() -> FastAPI:
    """The real environment, for clients that insist on it; no money is in it either."""
    return create_app("real", _now)
