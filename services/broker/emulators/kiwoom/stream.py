"""Kiwoom's stream: LOGIN, PING, REG, REAL frames of the account (00) and the market; one session for each key."""

import asyncio
import json
from datetime import datetime
from typing import Any, Final

from fastapi import WebSocket, WebSocketDisconnect
from quant.markets.calendar import SEOUL
from quant.matching import Exchange

from emulators.faults import Faults, reshaped
from emulators.house import House, Notice
from emulators.kiwoom import quotations, rows
from emulators.tape import Tick

QUEUE_MAX: Final = 10_000
PING_SECONDS: Final = 10
MARKET: Final = ("0B", "0D")
REGISTRATIONS_MAX: Final = 100
"""Not published; said to be so many in a group."""
_STATES: Final = {"taken": "접수", "dealt": "체결", "changed": "확인", "canceled": "확인", "expired": "확인"}
Queue = asyncio.Queue[dict[str, Any] | None]
"""Frames to send; None ends the session."""


class Stream:
    """Everybody who listens; nothing is replayed."""

    def __init__(self, faults: Faults, tokens: dict[str, tuple[str, datetime]]) -> None:
        self._faults = faults
        self._tokens = tokens
        self._sessions: dict[str, Queue] = {}
        self._registered: set[str] = set()
        self._wanted: dict[str, set[tuple[str, str]]] = {}
        """Which types of which items each key has registered."""

    def tell(self, notice: Notice) -> None:
        """Put a notice before its account's session, unless a fault has it lost, told twice, grown or shrunk."""
        listening = [key for key in self._registered if rows.account_of(key) == notice.slip.account]
        if not listening or self._faults.take("stream", "notice_lost"):
            return
        values = reshaped(self._faults, _values(notice))
        entry = {"type": "00", "name": "주문체결", "item": notice.slip.symbol, "values": values}
        for _ in range(2 if self._faults.take("stream", "notice_twice") else 1):
            for key in listening:
                _put(self._sessions[key], {"trnm": "REAL", "data": [entry]})

    def show(self, house: House, symbol: str, exchange: Exchange) -> None:
        """Put the book of a symbol before whoever wants it."""
        at = house.clock().astimezone(SEOUL)
        self._put_market("0D", "주식호가잔량", symbol, quotations.book(exchange, at, house.bases[symbol]))

    def print(self, house: House, symbol: str, tick: Tick) -> None:
        """Put a trade before whoever wants those of its symbol."""
        volume, at = house.tape.volume(symbol, house.today()), tick.at.astimezone(SEOUL)
        values = quotations.trade(tick, at, house.bases[symbol], house.exchanges[symbol], volume)
        self._put_market("0B", "주식체결", symbol, values)

    def _put_market(self, kind: str, name: str, symbol: str, values: dict[str, str]) -> None:
        listening = [key for key, wanted in self._wanted.items() if (kind, symbol) in wanted]
        if not listening:
            return
        entry = {"type": kind, "name": name, "item": symbol, "values": reshaped(self._faults, values)}
        for key in listening:
            _put(self._sessions[key], {"trnm": "REAL", "data": [entry]})

    def hang_up(self) -> None:
        """Cut every line; whoever comes again begins anew."""
        for session in self._sessions.values():
            session.put_nowait(None)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one session until they leave, or come with a token that is not valid."""
        await socket.accept()
        queue: Queue = asyncio.Queue()
        telling = asyncio.ensure_future(_tell(socket, queue))
        key = ""
        try:
            while True:
                asked = json.loads(await socket.receive_text())
                if asked["trnm"] == "LOGIN":
                    key = await self._log_in(socket, queue, str(asked.get("token")))
                elif key and asked["trnm"] in {"REG", "REMOVE"}:
                    _put(queue, {"trnm": asked["trnm"]} | self._register(key, asked))
        except (WebSocketDisconnect, ValueError, KeyError):
            return
        finally:
            if self._sessions.get(key) is queue:
                self._sessions.pop(key)
                self._registered.discard(key)
                self._wanted.pop(key, None)
            telling.cancel()

    async def _log_in(self, socket: WebSocket, queue: Queue, token: str) -> str:
        key, _ = self._tokens.get(token, ("", None))
        if not key:
            text = "로그인 인증에 실패하였습니다. [CODE=8005, MESSAGE=Token이 유효하지 않습니다]"
            await socket.send_text(json.dumps({"trnm": "LOGIN", "return_code": 805004, "return_msg": text}))
            raise ValueError("a session without a token")
        if (earlier := self._sessions.get(key)) is not None:
            _put(earlier, {"trnm": "SYSTEM", "code": "R10001", "message": "동일한 App key로 접속이 되었습니다."})
            earlier.put_nowait(None)
        self._sessions[key] = queue
        self._wanted.pop(key, None)  # nothing is restored
        await socket.send_text(json.dumps({"trnm": "LOGIN", "return_code": 0, "return_msg": "", "sor_yn": "N"}))
        return key

    def _register(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        is_new, data = asked["trnm"] == "REG", asked.get("data", [])
        if any("00" in each.get("type", []) for each in data):
            (self._registered.add if is_new else self._registered.discard)(key)
        named = {(kind, item) for each in data for kind in each["type"] if kind in MARKET for item in each["item"]}
        before = self._wanted.get(key, set())
        after = before | named if is_new else before - named
        if len(after) > REGISTRATIONS_MAX:
            return {"return_code": 1, "return_msg": "등록 종목수 초과"}
        self._wanted[key] = after
        return {"return_code": 0, "return_msg": ""}


def _put(queue: Queue, frame: dict[str, Any]) -> None:
    if queue.qsize() < QUEUE_MAX:
        queue.put_nowait(frame)


async def _tell(socket: WebSocket, queue: Queue) -> None:
    while True:
        try:
            frame = await asyncio.wait_for(queue.get(), PING_SECONDS)
        except TimeoutError:
            frame = {"trnm": "PING"}
        if frame is None:
            await socket.close()
            return
        await socket.send_text(json.dumps(frame, ensure_ascii=False))


def _values(notice: Notice) -> dict[str, str]:
    slip, dealt = notice.slip, notice.dealt
    at = (dealt.at if dealt else slip.at).astimezone(SEOUL)
    word, sign = ("매수", "+") if slip.side == "buy" else ("매도", "-")
    action = {"order": "", "change": "정정", "cancel": "취소"}[slip.action]
    fill = ("909", "910", "911", "914", "915")
    told = dict.fromkeys(fill, "")
    if dealt is not None:
        price, quantity = f"{dealt.price:.0f}", f"{dealt.quantity:.0f}"
        told = {"909": str(dealt.number), "910": f"+{price}", "911": quantity, "914": price, "915": quantity}
    return {
        "9201": slip.account,
        "9203": slip.number,
        "9205": "",
        "9001": slip.symbol,
        "912": "JJ",
        "913": _STATES[notice.event],
        "302": slip.symbol,
        "900": f"{slip.quantity:.0f}",
        "901": f"{slip.price:.0f}",
        "902": f"{slip.open:.0f}",
        "903": f"{slip.amount:.0f}",
        "904": slip.original or "0000000",
        "905": f"{sign}{word}{action}",
        "906": "보통" if slip.limit else "시장가",
        "907": "2" if slip.side == "buy" else "1",
        "908": f"{at:%H%M%S}",
        **told,
        "919": "0",
        "2134": "2" if slip.is_at_nxt else "1",
        "2135": "NXT" if slip.is_at_nxt else "KRX",
        "2136": "Y" if slip.venue == "SOR" else "N",
    }
