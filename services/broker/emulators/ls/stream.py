"""The account's notices, SC0 to SC4, told to whoever registered any of the five; trades and books of KOSPI."""

import asyncio
import json
from typing import Any, Final

from fastapi import WebSocket, WebSocketDisconnect
from quant.markets.calendar import SEOUL
from quant.matching import Exchange

from emulators.faults import Faults, reshaped
from emulators.house import House, Notice
from emulators.ls import quotations, rows
from emulators.tape import Tick

QUEUE_MAX: Final = 10_000
HANG_UP: Final = ""
_CODES: Final = {"taken": "SC0", "dealt": "SC1", "changed": "SC2", "canceled": "SC3", "expired": "SC3"}
_TYPES: Final = {"taken": "01", "dealt": "11", "changed": "12", "canceled": "13", "expired": "13"}
_TRCODES: Final = {"taken": "SONAT000", "dealt": "SONAS100", "changed": "SONAT001", "canceled": "SONAT002"}
ACCOUNT: Final = frozenset(_CODES.values()) | {"SC4"}


class Stream:
    """Everybody who listens, by account; nothing is replayed."""

    def __init__(self, faults: Faults, tokens: dict[str, Any]) -> None:
        self._faults = faults
        self._tokens = tokens
        self._listeners: dict[asyncio.Queue[str], str] = {}
        self._wanted: dict[asyncio.Queue[str], set[tuple[str, str]]] = {}
        """Which frames of which symbols each line has registered."""

    def tell(self, notice: Notice) -> None:
        """Put a notice before its account's listeners, unless a fault has it lost, told twice, grown or shrunk."""
        if not self._listeners or self._faults.take("stream", "notice_lost"):
            return
        body = reshaped(self._faults, _body(notice))
        frame = json.dumps({"header": {"tr_cd": _CODES[notice.event]}, "body": body})
        times = 2 if self._faults.take("stream", "notice_twice") else 1
        for queue, account in self._listeners.items():
            for _ in range(times if account == notice.slip.account and queue.qsize() < QUEUE_MAX else 0):
                queue.put_nowait(frame)

    def show(self, house: House, symbol: str, exchange: Exchange) -> None:
        """Put the book of a symbol before whoever wants it."""
        self._put("H1_", symbol, quotations.book(symbol, house.clock().astimezone(SEOUL), exchange))

    def print(self, house: House, symbol: str, tick: Tick) -> None:
        """Put a trade before whoever wants those of its symbol."""
        volume, at = house.tape.volume(symbol, house.today()), tick.at.astimezone(SEOUL)
        self._put("S3_", symbol, quotations.trade(symbol, tick, at, house.exchanges[symbol], volume))

    def _put(self, name: str, symbol: str, written: dict[str, str]) -> None:
        listening = [queue for queue, wanted in self._wanted.items() if (name, symbol) in wanted]
        if not listening:
            return
        header = {"tr_cd": name, "tr_key": symbol}
        frame = json.dumps({"header": header, "body": reshaped(self._faults, written)})
        for queue in listening:
            if queue.qsize() < QUEUE_MAX:
                queue.put_nowait(frame)

    def _want(self, queue: "asyncio.Queue[str]", what: tuple[str, str], *, is_new: bool) -> None:
        wanted = self._wanted.setdefault(queue, set())
        (wanted.add if is_new else wanted.discard)(what)

    def hang_up(self) -> None:
        """Cut every line of the market; whoever comes again begins anew."""
        for queue in self._wanted:
            queue.put_nowait(HANG_UP)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one listener until they leave, or come with a token that is not valid."""
        await socket.accept()
        queue: asyncio.Queue[str] = asyncio.Queue()
        telling = asyncio.ensure_future(_tell(socket, queue))
        try:
            while True:
                asked = json.loads(await socket.receive_text())
                header, body = asked["header"], asked["body"]
                key, _ = self._tokens.get(header.get("token"), ("", None))
                if not key:
                    await socket.send_text("유효하지 않은 token 입니다.")
                    return
                if header["tr_type"] == "1" and body["tr_cd"] in ACCOUNT:
                    self._listeners[queue] = rows.account_of(key)
                elif header["tr_type"] in {"3", "4"}:
                    self._want(queue, (body["tr_cd"], body["tr_key"]), is_new=header["tr_type"] == "3")
                ack = {"tr_cd": body["tr_cd"], "tr_key": body.get("tr_key", ""), "tr_type": header["tr_type"]}
                ack |= {"rsp_cd": "00000", "rsp_msg": "정상처리되었습니다"}
                await socket.send_text(json.dumps({"header": ack, "body": None}))
        except (WebSocketDisconnect, ValueError, KeyError):
            return
        finally:
            self._listeners.pop(queue, None)
            self._wanted.pop(queue, None)
            telling.cancel()


async def _tell(socket: WebSocket, queue: "asyncio.Queue[str]") -> None:
    while (frame := await queue.get()) != HANG_UP:
        await socket.send_text(frame)
    await socket.close()


def _body(notice: Notice) -> dict[str, str]:
    slip, dealt = notice.slip, notice.dealt
    at = (dealt.at if dealt else slip.at).astimezone(SEOUL)
    fill = (
        {"execno": str(dealt.number), "execqty": f"{dealt.quantity:.0f}", "execprc": f"{dealt.price:.0f}"}
        if dealt
        else {}
    )
    blank = {"execno": "0", "execqty": "0", "execprc": "0", "mdfycnfqty": "0", "canccnfqty": "0", "rjtqty": "0"}
    confirmed = {"changed": "mdfycnfqty", "canceled": "canccnfqty", "expired": "canccnfqty"}.get(notice.event)
    return (
        blank
        | fill
        | ({confirmed: f"{notice.quantity:.0f}"} if confirmed else {})
        | {
            "trcode": _TRCODES.get(notice.event, "SONAT002"),
            "ordxctptncode": _TYPES[notice.event],
            "ordno": slip.number,
            "orgordno": slip.original or "0",
            "accno": slip.account,
            "shtnIsuno": f"A{slip.symbol}",
            "bnstp": "2" if slip.side == "buy" else "1",
            "ordqty": f"{slip.quantity:.0f}",
            "ordprc": f"{slip.price:.0f}",
            "unercqty": f"{slip.open:.0f}",
            "exectime": f"{at:%H%M%S}000",
        }
    )
