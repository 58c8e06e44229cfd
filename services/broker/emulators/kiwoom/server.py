"""The emulator of Kiwoom: `paper()` or `real()` for uvicorn; admin routes under /_emulator move its market and faults.

Run alone: `uvicorn emulators.kiwoom.server:paper --factory --port 34992`, with libs/quant and services/broker on the
path. REST and the stream (/api/dostk/websocket) share the port.
"""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, Literal

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, Response
from quant.markets.calendar import SEOUL
from quant.matching import TimeInForce

from emulators.faults import AFTER, BEFORE, Fault, Faults, add_admin, broken
from emulators.house import House, No, Slip, korea
from emulators.kiwoom import inquiries, rows
from emulators.kiwoom.quotations import Quotations
from emulators.kiwoom.stream import Stream

PAGE: Final = 30
CALLS_PER_SECOND: Final = {"paper": 1, "real": 10}
"""Limits for every call of a key: the real one stands for five orders and five questions."""
TOKEN_LIFE: Final = timedelta(hours=24)
UNHEARD_OF: Final = "RC9999"
"""Stands for Kiwoom's codes that we have not seen: whoever speaks to us must not take such a no for certain."""
KINDS: Final[dict[str, tuple[bool, TimeInForce]]] = {
    "0": (True, "day"),
    "3": (False, "day"),
    "10": (True, "ioc"),
    "13": (False, "ioc"),
    "20": (True, "fok"),
    "23": (False, "fok"),
}
_TEXTS: Final = {
    "market_closed": "[2000](RC4058:모의투자 장종료 상태입니다.)",
    "order_type_not_allowed": "[2000](RC9000:모의투자에서는 해당업무가 제공되지 않습니다.)",
    "venue_not_offered": "[2000](RC9000:모의투자에서는 해당업무가 제공되지 않습니다.)",
    "unknown_symbol": "종목코드가 존재하지 않습니다[1902:종목 정보가 없습니다]",
}
_PROBLEMS: Final[dict[str, tuple[int, dict[str, Any]]]] = {
    "rate_limit": (
        429,
        {"return_code": 5, "return_msg": "허용된 요청 개수를 초과하였습니다[1700:허용된 요청 개수를 초과하였습니다]"},
    ),
    "token_expired": (200, {"return_code": 3, "return_msg": "인증에 실패했습니다[8005:Token이 유효하지 않습니다]"}),
    "server_error": (500, {"return_code": 1, "return_msg": "예기치 못한 에러가 발생했습니다[1999:예기치 못한 에러]"}),
    "ledger_timeout": (500, {"return_code": 1, "return_msg": "예기치 못한 에러가 발생했습니다[1999:예기치 못한 에러]"}),
}
_BY_FOLDER: Final = {
    "ordr": {"kt10000", "kt10001", "kt10002", "kt10003"},
    "acnt": {
        *("ka00001", "ka10075", "ka10076", "kt00001", "kt00004", "kt00005", "kt00007", "kt00009", "kt00010", "kt00018"),
    },
    "stkinfo": {"ka10001"},
    "mrkcond": {"ka10004"},
    "chart": {"ka10080", "ka10081"},
}
_VENUES: Final = {"KRX", "NXT", "SOR"}
Environment = Literal["paper", "real"]
Body = dict[str, Any]


class Desk:
    """Answers calls, each from the fields of its request; the account is the key's."""

    def __init__(self, house: House) -> None:
        self.house = house
        shown = Quotations(house)
        self.calls: dict[str, Callable[[str, Mapping[str, str]], Body | No]] = {
            "kt10000": lambda account, asked: self._order(account, asked, "buy"),
            "kt10001": lambda account, asked: self._order(account, asked, "sell"),
            "kt10002": self._change,
            "kt10003": self._cancel,
            "ka00001": lambda account, _: {"acctNo": account},
            "ka10075": self._open_orders,
            "ka10076": self._fills,
            "kt00004": lambda account, _: inquiries.valuation(account, house),
            "kt00005": lambda account, _: inquiries.balance(account, house),
            "kt00007": self._orders,
            "kt00009": lambda account, asked: inquiries.orders(self._found(account, asked)),
            "kt00001": lambda account, _: rows.cash(house.account(account)),
            "kt00010": self._orderable,
            "kt00018": self._holdings,
            "ka10001": shown.price,
            "ka10004": shown.book,
            "ka10080": shown.minutes,
            "ka10081": shown.days,
        }

    def _order(self, account: str, asked: Mapping[str, str], side: Any) -> Body | No:
        if asked["trde_tp"] not in KINDS or asked["dmst_stex_tp"] not in _VENUES:
            return No("order_type_not_allowed")
        limit, time_in_force = KINDS[asked["trde_tp"]]
        slip = Slip(
            number=self.house.next_number(),
            original="",
            account=account,
            symbol=asked["stk_cd"],
            side=side,
            kind=asked["trde_tp"],
            quantity=Decimal(asked["ord_qty"]),
            price=Decimal(asked["ord_uv"]) if limit else Decimal(0),
            at=self.house.clock(),
            limit=limit,
            time_in_force=time_in_force,
            venue=asked["dmst_stex_tp"],
        )
        refusal = self.house.place(slip)
        if refusal is not None:
            return refusal
        word = "매수" if side == "buy" else "매도"
        said = f"{slip.venue} {word}주문이 완료되었습니다."
        return {"ord_no": slip.number, "dmst_stex_tp": slip.venue, "return_msg": said}

    def _change(self, account: str, asked: Mapping[str, str]) -> Body | No:
        original, new = asked["orig_ord_no"], self.house.next_number()
        if not self.house.is_at(original, asked["dmst_stex_tp"]):
            return No("order_not_found")
        slip = self.house.change(original, account, new, Decimal(asked["mdfy_qty"]), Decimal(asked["mdfy_uv"] or 0))
        if isinstance(slip, No):
            return slip
        return {"ord_no": slip.number, "base_orig_ord_no": self._root(slip), "mdfy_qty": rows.padded(slip.quantity, 12)}

    def _cancel(self, account: str, asked: Mapping[str, str]) -> Body | No:
        original, share, new = asked["orig_ord_no"], Decimal(asked["cncl_qty"]), self.house.next_number()
        if not self.house.is_at(original, asked["dmst_stex_tp"]):
            return No("order_not_found")
        slip = self.house.cancel(original, account, new, share or None)
        if isinstance(slip, No):
            return slip
        return {"ord_no": slip.number, "base_orig_ord_no": self._root(slip), "cncl_qty": rows.padded(slip.quantity, 12)}

    def _root(self, slip: Slip) -> str:
        while slip.original:
            slip = self.house.slips[slip.original]
        return slip.number

    def _orders(self, account: str, asked: Mapping[str, str]) -> Body:
        return {"acnt_ord_cntr_prps_dtl": [rows.order(slip) for slip in self._found(account, asked)]}

    def _fills(self, account: str, asked: Mapping[str, str]) -> Body:
        """Older ones than a number, if one is named."""
        named = asked.get("ord_no", "")
        day = f"{self.house.clock().astimezone(SEOUL):%Y%m%d}"
        found = self._found(account, {"ord_dt": day, "stk_cd": asked.get("stk_cd", ""), "qry_tp": "2"})
        return inquiries.fills(slip for slip in found if not named or slip.number < named)

    def _found(self, account: str, asked: Mapping[str, str]) -> list[Slip]:
        day, wanted = asked.get("ord_dt", ""), asked.get("qry_tp", "1")
        found = [
            slip
            for slip in self.house.slips.values()
            if slip.account == account
            and day in {"", f"{slip.at.astimezone(SEOUL):%Y%m%d}"}
            and asked.get("stk_cd", "") in {"", slip.symbol}
            and slip.number >= asked.get("fr_ord_no", "")
            and asked.get("sell_tp", "0") in {"0", "1" if slip.side == "sell" else "2"}
            and (wanted != "3" or slip.open)
            and (wanted != "4" or slip.filled)
        ]
        return sorted(found, key=lambda slip: slip.number, reverse=wanted == "2")

    def _open_orders(self, account: str, asked: Mapping[str, str]) -> Body:
        found = [
            slip
            for slip in self.house.slips.values()
            if slip.account == account and slip.open and asked.get("stk_cd", "") in {"", slip.symbol}
        ]
        return {"oso": [rows.open_order(slip, self.house.exchanges[slip.symbol]) for slip in found]}

    def _orderable(self, account: str, asked: Mapping[str, str]) -> Body | No:
        if asked["stk_cd"] not in self.house.exchanges:
            return No("unknown_symbol")
        return rows.orderable(self.house.spendable(account), Decimal(asked["uv"]))

    def _holdings(self, account: str, _: Mapping[str, str]) -> Body:
        held = self.house.account(account)
        return rows.holdings(held, {symbol: self.house.exchanges[symbol] for symbol in held.shares})


def create_app(clock: Callable[[], datetime], environment: Environment = "paper") -> FastAPI:
    """An emulator of one environment, with an empty ledger."""
    house, faults = House(clock, korea(digits=7, has_nxt=environment == "real")), Faults()
    app = FastAPI(openapi_url=None)
    state = app.state
    state.house, state.faults, state.desk = house, faults, Desk(house)
    state.keys, state.tokens, state.calls, state.lists = {}, {}, [], {}
    state.calls_per_second, state.counted, state.tokens_issued = CALLS_PER_SECOND[environment], {}, 0
    stream = Stream(faults, state.tokens)
    house.tell, house.show, state.stream = stream.tell, partial(stream.show, house), stream
    house.print = partial(stream.print, house)

    @app.post("/oauth2/token")
    async def token(request: Request) -> Response:
        asked = await request.json()
        key, secret = str(asked.get("appkey")), str(asked.get("secretkey"))
        if state.keys and state.keys.get(key) != secret:
            text = "인증에 실패했습니다[8001:App Key와 Secret Key 검증에 실패했습니다]"
            return JSONResponse({"return_code": 3, "return_msg": text})
        state.tokens_issued += 1
        issued, until = secrets.token_urlsafe(64), clock() + TOKEN_LIFE
        state.tokens[issued] = (key, until)
        named = {"token": issued, "token_type": "bearer", "expires_dt": f"{until.astimezone(SEOUL):%Y%m%d%H%M%S}"}
        return JSONResponse(named | {"return_code": 0, "return_msg": "정상적으로 처리되었습니다"})

    @app.post("/oauth2/revoke")
    async def revoke(request: Request) -> Response:
        state.tokens.pop(str((await request.json()).get("token")), None)
        return JSONResponse({"return_code": 0, "return_msg": "정상적으로 처리되었습니다"})

    @app.websocket("/api/dostk/websocket")
    async def listen(socket: WebSocket) -> None:
        await stream.serve(socket)

    @app.post("/api/dostk/{folder}")
    async def call(request: Request, folder: str) -> Response:
        return await _answer(app, request, folder)

    add_admin(app, house, faults)
    return app


async def _answer(app: FastAPI, request: Request, folder: str) -> Response:
    faults: Faults = app.state.faults
    name = request.headers.get("api-id", "")
    if fault := faults.take(name, *BEFORE):
        return await _broken(fault)
    if faults.take(name, "token_expired"):
        return await _broken("token_expired")
    account, stopped = _at_the_gate(app, request)
    if stopped:
        return stopped
    if name not in _BY_FOLDER.get(folder, set()):
        return JSONResponse(
            {"return_code": 2, "return_msg": "지원하지 않는 URI입니다[1504:해당 URI에서는 지원하지 않는 API ID입니다]"}
        )
    body = {"return_code": 0, "return_msg": "모의투자 조회완료"} | _do(
        app.state.desk, account, name, await request.json()
    )
    app.state.calls.append((name, body["return_code"]))
    if faults.take(name, "stale_list"):
        body = app.state.lists.get(name, body)
    app.state.lists[name] = body
    if fault := faults.take(name, *AFTER):
        return await _broken(fault)
    shown, following = _page(body, request.headers.get("next-key", ""))
    if faults.take(name, "paging_cut"):
        following = ""
    paging = {"api-id": name, "cont-yn": "Y" if following else "N", "next-key": following}
    return JSONResponse(shown, 200, paging)


def _page(body: Body, key: str) -> tuple[Body, str]:
    """One page of whatever list a body has, and the key of the next one."""
    begin = int(key) if key.isdigit() else 0
    lists = {name: value for name, value in body.items() if isinstance(value, list)}
    more = any(len(value) > begin + PAGE for value in lists.values())
    pages = {name: value[begin : begin + PAGE] for name, value in lists.items()}
    return body | pages, f"{begin + PAGE:020d}" if more else ""


def _at_the_gate(app: FastAPI, request: Request) -> tuple[str, Response | None]:
    key, until = app.state.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "), ("", None))
    now = app.state.house.clock()
    if until is None or now > until:
        status, body = _PROBLEMS["token_expired"]
        return "", JSONResponse(body, status)
    counted: deque[datetime] = app.state.counted.setdefault(key, deque())
    while counted and now - counted[0] >= timedelta(seconds=1):
        counted.popleft()
    if len(counted) >= app.state.calls_per_second:
        status, body = _PROBLEMS["rate_limit"]
        return "", JSONResponse(body, status)
    counted.append(now)
    return rows.account_of(key), None


def _do(desk: Desk, account: str, name: str, asked: Mapping[str, str]) -> Body:
    try:
        answer = desk.calls[name](account, asked)
    except KeyError as missing:
        return {"return_code": 2, "return_msg": f"필수 입력값이 없습니다[1511:{missing.args[0]}]"}
    except (ValueError, TypeError, InvalidOperation):
        return {"return_code": 2, "return_msg": "입력값의 형식이 올바르지 않습니다[1517:입력값]"}
    if isinstance(answer, No):
        text = _TEXTS.get(answer.reason, f"[2000]({UNHEARD_OF}:{answer.reason})")
        return {"return_code": 20, "return_msg": text}
    return answer


async def _broken(fault: Fault) -> Response:
    if fault in _PROBLEMS:
        status, body = _PROBLEMS[fault]
        return JSONResponse(body, status)
    return await broken(fault)


def _now() -> datetime:
    return datetime.now(UTC)  # tidy: allow clock because this is the edge of a program of its own


def paper() -> FastAPI:
    """The mock environment."""
    return create_app(_now)


def real() -> FastAPI:
    """The real environment, for clients that insist on it; no money is in it either."""
    return create_app(_now, "real")
