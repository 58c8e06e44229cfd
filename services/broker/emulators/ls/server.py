"""The emulator of LS, paper: `paper()` for uvicorn; admin routes under /_emulator move the market and switch faults.

Run alone: `uvicorn emulators.ls.server:paper --factory --port 34991`, with libs/quant and services/broker on the path.
REST and the stream (/websocket) share the port.
"""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, Response
from quant.matching import TimeInForce

from emulators.faults import AFTER, BEFORE, Fault, Faults, add_admin, broken
from emulators.house import House, No, Slip, korea
from emulators.ls import rows
from emulators.ls.quotations import Quotations
from emulators.ls.stream import Stream

PAGE: Final = 20
LIMITS: Final = {"CSPAT00601": 10, "CSPAT00701": 3, "CSPAT00801": 3, "t0424": 2, "t0425": 2, "t1101": 10, "t1102": 10}
"""Calls a second by tr_cd; one for every other."""
TOKEN_LIFE: Final = timedelta(seconds=86_400)
_DONE: Final = {"rsp_cd": "00136", "rsp_msg": "모의투자 조회가 완료되었습니다."}
UNHEARD_OF: Final = "09999"
"""Stands for LS's codes that we have not seen: whoever speaks to us must not take such a no for certain."""
TIMES: Final[dict[str, TimeInForce]] = {"0": "day", "1": "ioc", "2": "fok"}
_SEEN: Final = {"insufficient_cash", "insufficient_shares", "market_closed", "unknown_symbol", "quantity_off_lot"}
_PROBLEMS: Final = {
    "rate_limit": (500, {"rsp_cd": "IGW00201", "rsp_msg": "호출 거래건수를 초과하였습니다."}),
    "token_expired": (500, {"rsp_cd": "IGW00123", "rsp_msg": "기간이 만료된 token 입니다."}),
    "server_error": (500, {"rsp_cd": "IGW40013", "rsp_msg": "조회에 실패했습니다."}),
    "ledger_timeout": (500, {"rsp_cd": "IGW40013", "rsp_msg": "조회에 실패했습니다."}),
}
Body = dict[str, Any]


class Desk:
    """Answers calls, each from the block of its request; the account is the key's."""

    def __init__(self, house: House) -> None:
        self.house = house
        shown = Quotations(house, PAGE)
        self.calls: dict[str, Callable[[str, Mapping[str, Any]], Body | No]] = {
            "CSPAT00601": self._order,
            "CSPAT00701": self._change,
            "CSPAT00801": self._cancel,
            "t0425": self._orders,
            "t0424": self._holdings,
            "CSPAQ12200": self._cash,
            "CSPBQ00200": self._orderable,
            "FOCCQ33600": self._paper,
            "t1101": shown.book,
            "t1102": shown.price,
            "t8451": shown.days,
            "t8452": shown.minutes,
        }

    def _order(self, account: str, asked: Mapping[str, Any]) -> Body | No:
        limit = asked["OrdprcPtnCode"] == "00"
        if asked["OrdprcPtnCode"] not in {"00", "03"} or not str(asked["IsuNo"]).startswith("A"):
            return No("order_type_not_allowed")
        slip = Slip(
            number=self.house.next_number(),
            original="",
            account=account,
            symbol=str(asked["IsuNo"])[-6:],
            side="buy" if str(asked["BnsTpCode"]) == "2" else "sell",
            kind=str(asked["OrdprcPtnCode"]),
            quantity=Decimal(str(asked["OrdQty"])),
            price=Decimal(str(asked["OrdPrc"])) if limit else Decimal(0),
            at=self.house.clock(),
            limit=limit,
            time_in_force=TIMES[str(asked["OrdCndiTpCode"])],
            venue="NXT" if asked.get("MbrNo") == "NXT" else "KRX",
        )
        refusal = self.house.place(slip)
        if refusal is not None:
            return refusal
        code, word = ("00040", "매수") if slip.side == "buy" else ("00039", "매도")
        return rows.taken("CSPAT00601", slip, asked) | {
            "rsp_cd": code,
            "rsp_msg": f"모의투자 {word} 주문이 완료되었습니다.",
        }

    def _change(self, account: str, asked: Mapping[str, Any]) -> Body | No:
        quantity, price = Decimal(str(asked["OrdQty"])), Decimal(str(asked["OrdPrc"]))
        new = self.house.next_number()
        slip = self.house.change(str(asked["OrgOrdNo"]), account, new, quantity, price)
        if isinstance(slip, No):
            return slip
        return rows.taken("CSPAT00701", slip, asked) | {
            "rsp_cd": "00132",
            "rsp_msg": "모의투자 정정주문이 완료 되었습니다.",
        }

    def _cancel(self, account: str, asked: Mapping[str, Any]) -> Body | No:
        new = self.house.next_number()
        slip = self.house.cancel(str(asked["OrgOrdNo"]), account, new, Decimal(str(asked["OrdQty"])))
        if isinstance(slip, No):
            return slip
        return rows.taken("CSPAT00801", slip, asked) | {
            "rsp_cd": "00156",
            "rsp_msg": "모의투자 취소주문이 완료 되었습니다.",
        }

    def _orders(self, account: str, asked: Mapping[str, Any]) -> Body:
        today = rows.day(self.house.clock())
        found = [
            slip
            for slip in self.house.slips.values()
            if slip.account == account
            and rows.day(slip.at) == today
            and asked.get("expcode", "") in {"", slip.symbol}
            and (asked.get("chegb", "0") != "1" or slip.filled)
            and (asked.get("chegb", "0") != "2" or slip.open)
            and str(asked.get("medosu", "0")) in {"0", "1" if slip.side == "sell" else "2"}
        ]
        found.sort(key=lambda slip: int(slip.number), reverse=asked.get("sortgb", "1") == "1")
        mark = str(asked.get("cts_ordno", "")).strip()
        begin = next((place + 1 for place, slip in enumerate(found) if slip.number == mark), 0) if mark else 0
        shown, more = found[begin : begin + PAGE], begin + PAGE < len(found)
        return rows.orders(shown, shown[-1].number if more else "", self.house) | _found(shown) | {"_more": more}

    def _holdings(self, account: str, _: Mapping[str, Any]) -> Body:
        held = self.house.account(account)
        symbols = [symbol for symbol, count in held.shares.items() if count]
        return rows.holdings(held, symbols, self.house) | _found(symbols) | {"_more": False}

    def _cash(self, account: str, _: Mapping[str, Any]) -> Body:
        return rows.cash(account, self.house.account(account)) | _DONE

    def _orderable(self, account: str, asked: Mapping[str, Any]) -> Body:
        cash, price = self.house.spendable(account), Decimal(str(asked["OrdPrc"]))
        count = int(cash // price) if price else 0
        block = {"Dps": int(cash), "MnyOrdAbleAmt": int(cash), "OrdAbleQty": count, "OrdAbleAmt": int(cash)}
        return {"CSPBQ00200OutBlock1": {"RecCnt": 1, **asked}, "CSPBQ00200OutBlock2": block} | _found([account])

    def _paper(self, account: str, _: Mapping[str, Any]) -> Body:
        block = {"RecCnt": 1, "AcntNo": account}
        return {"FOCCQ33600OutBlock1": block, "FOCCQ33600OutBlock2": {}, "FOCCQ33600OutBlock3": []} | _DONE


def _found(shown: list[Any]) -> Body:
    if shown:
        return {"rsp_cd": "00000", "rsp_msg": "정상적으로 조회가 완료되었습니다."}
    return {"rsp_cd": "00200", "rsp_msg": "조회내역이 없습니다."}


def create_app(clock: Callable[[], datetime]) -> FastAPI:
    """An emulator with an empty ledger."""
    house, faults = House(clock, korea(digits=1, has_nxt=True)), Faults()
    app = FastAPI(openapi_url=None)
    state = app.state
    state.house, state.faults, state.desk = house, faults, Desk(house)
    state.keys, state.tokens, state.calls, state.lists = {}, {}, [], {}
    state.limits, state.counted, state.tokens_issued = dict(LIMITS), {}, 0
    stream = Stream(faults, state.tokens)
    house.tell, house.show, state.stream = stream.tell, partial(stream.show, house), stream
    house.print = partial(stream.print, house)

    @app.post("/oauth2/token")
    async def token(request: Request) -> Response:
        asked = await request.form()
        key, secret = str(asked.get("appkey")), str(asked.get("appsecretkey"))
        if state.keys and state.keys.get(key) != secret:
            return JSONResponse({"error_code": "IGW00103", "error_description": "유효하지 않은 AppKey입니다."}, 401)
        state.tokens_issued += 1
        issued = secrets.token_urlsafe(40)
        state.tokens[issued] = (key, clock() + TOKEN_LIFE)
        life = {"scope": "oob", "token_type": "Bearer", "expires_in": int(TOKEN_LIFE.total_seconds())}
        return JSONResponse({"access_token": issued} | life)

    @app.post("/oauth2/revoke")
    async def revoke(request: Request) -> Response:
        state.tokens.pop(str((await request.form()).get("token")), None)
        return JSONResponse({"code": 200, "message": "접근토큰 폐기에 성공하였습니다."})

    @app.websocket("/websocket")
    async def listen(socket: WebSocket) -> None:
        await stream.serve(socket)

    @app.post("/{path:path}")
    async def call(request: Request) -> Response:
        return await _answer(app, request)

    add_admin(app, house, faults)
    # the admin's routes are the more special ones
    app.router.routes.sort(key=lambda route: getattr(route, "path", "") == "/{path:path}")
    return app


async def _answer(app: FastAPI, request: Request) -> Response:
    faults: Faults = app.state.faults
    name = request.headers.get("tr_cd", "")
    if fault := faults.take(name, *BEFORE):
        return await _broken(fault)
    if faults.take(name, "token_expired"):
        return await _broken("token_expired")
    account, stopped = _at_the_gate(app, request, name)
    if stopped:
        return stopped
    body = _do(app.state.desk, account, name, await request.json())
    app.state.calls.append((name, body["rsp_cd"]))
    if faults.take(name, "paging_cut"):
        body["_more"] = False
    if faults.take(name, "stale_list"):
        body = dict(app.state.lists.get(name, body))
    app.state.lists[name] = dict(body)
    if fault := faults.take(name, *AFTER):
        return await _broken(fault)
    more = bool(body.pop("_more", False))
    paging = {"tr_cd": name, "tr_cont": "Y" if more else "N", "tr_cont_key": secrets.token_hex(8) if more else ""}
    return JSONResponse(body, 200, paging)


def _at_the_gate(app: FastAPI, request: Request, name: str) -> tuple[str, Response | None]:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    key, until = app.state.tokens.get(bearer, ("", None))
    now = app.state.house.clock()
    if until is None or now > until:
        code, text = (
            ("IGW00121", "유효하지 않은 token 입니다.")
            if until is None
            else ("IGW00123", "기간이 만료된 token 입니다.")
        )
        return "", JSONResponse({"rsp_cd": code, "rsp_msg": text}, 500)
    counted: deque[datetime] = app.state.counted.setdefault((key, name), deque())
    while counted and now - counted[0] >= timedelta(seconds=1):
        counted.popleft()
    if len(counted) >= app.state.limits.get(name, app.state.limits.get("*", 1)):
        status, body = _PROBLEMS["rate_limit"]
        return "", JSONResponse(body, status)
    counted.append(now)
    return rows.account_of(key), None


def _do(desk: Desk, account: str, name: str, asked: Mapping[str, Any]) -> Body:
    if name not in desk.calls:
        return {"rsp_cd": "01900", "rsp_msg": "모의투자에서는 해당업무가 제공되지 않습니다."}
    try:
        answer = desk.calls[name](account, next(iter(asked.values())))
    except (KeyError, ValueError, TypeError, InvalidOperation, StopIteration):
        return {"rsp_cd": UNHEARD_OF, "rsp_msg": "입력값을 확인하세요."}
    if isinstance(answer, No):
        # one code was seen for refusals; what the others are called is not known
        code = "03181" if answer.reason in _SEEN else UNHEARD_OF
        return {"rsp_cd": code, "rsp_msg": f"모의투자 주문이 거부되었습니다. ({answer.reason})"}
    return answer


async def _broken(fault: Fault) -> Response:
    if fault in _PROBLEMS:
        status, body = _PROBLEMS[fault]
        return JSONResponse(body, status)
    return await broken(fault)


def _now() -> datetime:
    return datetime.now(UTC)  # tidy: allow clock because this is the edge of a program of its own


def paper() -> FastAPI:
    """The paper environment."""
    return create_app(_now)
