"""The emulator's stream: approval keys, subscriptions and their budget, PINGPONG, trades, books, encrypted notices."""

import asyncio
import json
import secrets
import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from fastapi import WebSocket, WebSocketDisconnect
from quant.markets.calendar import SEOUL
from quant.matching import Exchange

from emulators.faults import Faults, reshaped
from emulators.house import House, Notice
from emulators.kis import frames_abroad as abroad
from emulators.tape import Tick

SUBSCRIPTIONS_MAX: Final = 41
PING_SECONDS: Final = 10
QUEUE_MAX: Final = 10_000
HANG_UP: Final = ""
"""Stands in a queue for the end of the line."""
HOME: Final = {"H0STCNI0", "H0STCNI9"}
ABROAD: Final = {"H0GSCNI0", "H0GSCNI9"}
NOTICES: Final = HOME | ABROAD
MARKET: Final = {"H0STCNT0": 46, "H0STASP0": 59, "HDFSCNT0": 26, "HDFSASP0": 71}
"""Trades and books, with how many fields each has."""
_DAY: Final = 33
"""Where a trade says its day."""
_CODES: Final = {
    "OPSP0000": ("0", "SUBSCRIBE SUCCESS"),
    "OPSP0001": ("0", "UNSUBSCRIBE SUCCESS"),
    "OPSP0002": ("1", "ALREADY IN SUBSCRIBE"),
    "OPSP0003": ("1", "UNSUBSCRIBE ERROR(not found!)"),
    "OPSP0008": ("1", "MAX SUBSCRIBE OVER"),
    "OPSP0011": ("1", "invalid approval : NOT FOUND"),
    "OPSP0017": ("9", "htsid를 확인하세요"),
    "OPSP8991": ("1", "invalid tr_id"),
    "OPSP8996": ("1", "ALREADY IN USE appkey"),
}


@dataclass(eq=False)
class Listener:
    """One connection: what it listens to, and the key of its notices."""

    queue: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    appkey: str = ""
    wanted: set[tuple[str, str]] = field(default_factory=set)
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    iv: str = field(default_factory=lambda: secrets.token_hex(8))

    def put(self, frame: str) -> None:
        if self.queue.qsize() < QUEUE_MAX:
            self.queue.put_nowait(frame)


class Stream:
    """Everybody who listens; nothing is replayed."""

    def __init__(self, faults: Faults, clock: Callable[[], datetime]) -> None:
        self._faults = faults
        self._clock = clock
        self._approved: dict[str, str] = {}
        self._listeners: set[Listener] = set()

    def approve(self, appkey: str) -> str:
        """A key for one connection."""
        approval = str(uuid.uuid4())
        self._approved[approval] = appkey
        return approval

    def tell(self, notice: Notice) -> None:
        """Put a notice before everybody who listens to notices, unless a fault has it lost, told twice or grown."""
        self._tell(_fields(notice), HOME)

    def tell_abroad(self, notice: Notice) -> None:
        """The same for the overseas ledger."""
        self._tell(abroad.notice(notice), ABROAD)

    def _tell(self, written: list[str], names: set[str]) -> None:
        listening = [(each, name) for each in self._listeners for name, _ in each.wanted if name in names]
        if not listening or self._faults.take("stream", "notice_lost"):
            return
        fields = [*reshaped(self._faults, dict(enumerate(written))).values()]
        for _ in range(2 if self._faults.take("stream", "notice_twice") else 1):
            for listener, name in listening:
                listener.put(f"1|{name}|001|{_sealed('^'.join(fields), listener)}")

    def show(self, symbol: str, exchange: Exchange) -> None:
        """Put the book of a symbol before whoever wants it."""
        if listening := self._listening("H0STASP0", symbol):
            at = f"{self._clock().astimezone(SEOUL):%H%M%S}"
            self._put(listening, "H0STASP0", _book(symbol, exchange, at))

    def print(self, house: House, symbol: str, tick: Tick) -> None:
        """Put a trade before whoever wants those of its symbol."""
        if listening := self._listening("H0STCNT0", symbol):
            volume = house.tape.volume(symbol, house.today())
            self._put(listening, "H0STCNT0", _trade(symbol, house.exchanges[symbol], tick, volume))

    def show_abroad(self, symbol: str, exchange: Exchange) -> None:
        """Put the book of a symbol of the United States before whoever wants it."""
        for key, listening in self._listening_abroad("HDFSASP0", symbol):
            self._put(listening, "HDFSASP0", abroad.book(key, symbol, exchange, self._clock()))

    def print_abroad(self, house: House, symbol: str, tick: Tick) -> None:
        """Put a trade in the United States before whoever wants those of its symbol."""
        for key, listening in self._listening_abroad("HDFSCNT0", symbol):
            volume = house.tape.volume(symbol, house.today())
            self._put(listening, "HDFSCNT0", abroad.trade(key, symbol, house.exchanges[symbol], tick, volume))

    def _listening_abroad(self, name: str, symbol: str) -> list[tuple[str, list[Listener]]]:
        """Who listens to a symbol, by what it is called in their subscriptions: its exchange is part of that."""
        keys = {key for listener in self._listeners for wanted, key in listener.wanted if wanted == name}
        return [(key, self._listening(name, key)) for key in sorted(keys) if key[abroad.SYMBOL_AT :] == symbol]

    def hang_up(self) -> None:
        """Cut every line; whoever comes again begins anew."""
        for listener in self._listeners:
            listener.put(HANG_UP)

    def _listening(self, name: str, symbol: str) -> list[Listener]:
        return [listener for listener in self._listeners if (name, symbol) in listener.wanted]

    def _put(self, listening: list[Listener], name: str, written: list[str]) -> None:
        fields = reshaped(self._faults, dict(enumerate(written))).values()
        for listener in listening:
            listener.put(f"0|{name}|001|{'^'.join(fields)}")

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until they leave."""
        await socket.accept()
        listener = Listener()
        telling = asyncio.ensure_future(self._speak(socket, listener))
        try:
            while True:
                text = await socket.receive_text()
                asked = json.loads(text)
                if asked.get("header", {}).get("tr_id") != "PINGPONG":
                    listener.put(json.dumps(self._subscribe(listener, asked)))
        except (WebSocketDisconnect, ValueError, KeyError):
            return
        finally:
            self._listeners.discard(listener)
            telling.cancel()

    def _subscribe(self, listener: Listener, asked: dict[str, Any]) -> dict[str, Any]:
        header, wanted = asked["header"], asked["body"]["input"]
        name, key = str(wanted["tr_id"]), str(wanted["tr_key"])
        code = self._judge(listener, str(header.get("approval_key")), str(header.get("tr_type")), (name, key))
        rt_cd, text = _CODES[code]
        body: dict[str, Any] = {"rt_cd": rt_cd, "msg_cd": code, "msg1": text}
        if code == "OPSP0000":
            body["output"] = {"iv": listener.iv, "key": listener.key}
        return {"header": {"tr_id": name, "tr_key": key, "encrypt": "N"}, "body": body}

    def _judge(self, listener: Listener, approval: str, tr_type: str, wanted: tuple[str, str]) -> str:
        appkey = self._approved.get(approval)
        if appkey is None:
            return "OPSP0011"
        if any(each.appkey == appkey for each in self._listeners - {listener}):
            return "OPSP8996"
        listener.appkey = appkey
        self._listeners.add(listener)
        if tr_type == "2":
            was_there = wanted in listener.wanted
            listener.wanted.discard(wanted)
            return "OPSP0001" if was_there else "OPSP0003"
        return self._refusal(listener, wanted) or self._added(listener, wanted)

    def _refusal(self, listener: Listener, wanted: tuple[str, str]) -> str:
        name, key = wanted
        if name not in NOTICES | set(MARKET):
            return "OPSP8991"
        if name in NOTICES and not key:
            return "OPSP0017"
        if wanted in listener.wanted:
            return "OPSP0002"
        return "OPSP0008" if len(listener.wanted) >= SUBSCRIPTIONS_MAX else ""

    def _added(self, listener: Listener, wanted: tuple[str, str]) -> str:
        listener.wanted.add(wanted)
        return "OPSP0000"

    async def _speak(self, socket: WebSocket, listener: Listener) -> None:
        while True:
            try:
                frame = await asyncio.wait_for(listener.queue.get(), PING_SECONDS)
            except TimeoutError:
                at = f"{self._clock().astimezone(SEOUL):%Y%m%d%H%M%S}"
                frame = json.dumps({"header": {"tr_id": "PINGPONG", "datetime": at}})
            if frame == HANG_UP:
                await socket.close()
                return
            await socket.send_text(frame)


def _sealed(text: str, listener: Listener) -> str:
    padder = PKCS7(algorithms.AES.block_size).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(listener.key.encode()), modes.CBC(listener.iv.encode())).encryptor()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def _fields(notice: Notice) -> list[str]:
    """The 26 fields of a notice."""
    slip, dealt = notice.slip, notice.dealt
    at = f"{(dealt.at if dealt else slip.at).astimezone(SEOUL):%H%M%S}"
    quantity = dealt.quantity if dealt else notice.quantity
    accepted = {"taken": "1", "changed": "2", "canceled": "3" if slip.action == "order" else "2", "expired": "3"}
    return [
        "EMULATED",
        slip.account,
        slip.number,
        slip.original or "0" * 10,
        "01" if slip.side == "sell" else "02",
        {"order": "0", "change": "1", "cancel": "2"}[slip.action],
        slip.kind,
        {"ioc": "1", "fok": "2"}.get(slip.time_in_force, "0"),
        slip.symbol,
        f"{quantity:010.0f}",
        f"{dealt.price if dealt else Decimal(0):09.0f}",
        at,
        "0",
        "2" if dealt else "1",
        "2" if dealt else accepted[notice.event],
        "00950",
        f"{slip.quantity:09.0f}",
        "",
        "",
        {"KRX": "1", "NXT": "2"}.get(slip.venue) or ("4" if slip.is_at_nxt else "3"),
        "Y",
        "",
        "00",
        "",
        slip.symbol,
        f"{slip.price:09.0f}",
    ]


def _trade(symbol: str, exchange: Exchange, tick: Tick, volume: Decimal) -> list[str]:
    """The 46 fields of a trade; what the house does not know is zero."""
    shown, at, price = exchange.outside, tick.at.astimezone(SEOUL), f"{tick.price:.0f}"
    fields = [symbol, f"{at:%H%M%S}", price, "3", "0", "0.00", price, price, price, price]
    fields += [f"{shown.ask or 0:.0f}", f"{shown.bid or 0:.0f}", f"{tick.quantity:.0f}", f"{volume:.0f}"]
    fields += ["0"] * (MARKET["H0STCNT0"] - len(fields))
    fields[_DAY] = f"{at:%Y%m%d}"
    return fields


def _book(symbol: str, exchange: Exchange, at: str) -> list[str]:
    """The 59 fields of a book with one level."""
    shown = exchange.outside
    asks, bids = [f"{shown.ask or 0:.0f}", *["0"] * 9], [f"{shown.bid or 0:.0f}", *["0"] * 9]
    sizes = [f"{shown.ask_size:.0f}", *["0"] * 9], [f"{shown.bid_size:.0f}", *["0"] * 9]
    fields = [symbol, at, "0", *asks, *bids, *sizes[0], *sizes[1], sizes[0][0], sizes[1][0]]
    return fields + ["0"] * (MARKET["H0STASP0"] - len(fields))
