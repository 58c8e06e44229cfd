"""What can be made to go wrong at an emulator, once for each time it was asked for; admin routes move its market."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from quant.matching import Outside

from emulators.house import House, No

HANG_SECONDS: Final = 30
Fault = Literal[
    "hang_before", "hang_after", "reset_before", "reset_after", "server_error", "html", "empty", "rate_limit",
    "ledger_timeout", "token_expired", "paging_cut", "stale_list", "notice_lost", "notice_twice", "grown_frame",
    "shrunk_frame",
]  # fmt: skip
BEFORE: Final[tuple[Fault, ...]] = ("hang_before", "reset_before", "server_error", "html", "empty", "rate_limit")
"""These happen before the house has seen anything."""
AFTER: Final[tuple[Fault, ...]] = ("hang_after", "reset_after", "ledger_timeout")
"""These happen when the house has done what was asked."""


class Faults:
    """The faults that an operator has switched on; `*` stands for every call."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Fault]] = []

    def add(self, call: str, fault: Fault, times: int = 1) -> None:
        self.waiting += [(call, fault)] * times

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, call: str, *kinds: Fault) -> Fault | None:
        """The next fault for this call of one of these kinds, which happens once."""
        for fault in self.waiting:
            if fault[0] in {call, "*"} and fault[1] in kinds:
                self.waiting.remove(fault)
                return fault[1]
        return None


def reshaped(faults: Faults, fields: Mapping[Any, Any]) -> dict[Any, Any]:
    """The fields of a notice, unless a fault has it grown by one or shrunk by its last."""
    if faults.take("stream", "grown_frame"):
        return {**fields, "new_field": "1"}
    if faults.take("stream", "shrunk_frame"):
        return dict(list(fields.items())[:-1])
    return dict(fields)


async def broken(fault: Fault) -> Response:
    """What comes instead of an answer, for faults that look alike at every broker."""
    if fault in {"hang_before", "hang_after"}:
        await asyncio.sleep(HANG_SECONDS)
        return Response(status_code=504)
    if fault in {"reset_before", "reset_after"}:
        return StreamingResponse(_cut_off(), headers={"content-length": "1000"})
    if fault == "html":
        return HTMLResponse("<html><body>502 Bad Gateway</body></html>", status_code=502)
    return Response(status_code=200)


async def _cut_off() -> AsyncIterator[bytes]:
    yield b'{"rt_cd"'
    raise ConnectionResetError("the emulator hangs up, as it was told to")


def add_admin(app: FastAPI, home: House, faults: Faults, abroad: House | None = None) -> None:
    """Routes under /_emulator: readiness, faults, quotes, trades of others, orders of the customer who came last.

    A symbol of letters belongs to the house abroad, where there is one.
    """

    def house_of(symbol: str) -> House:
        return abroad if abroad is not None and symbol.isalpha() else home

    @app.get("/_emulator/ready")
    async def ready() -> Response:
        return JSONResponse({"orders": len(home.slips)})

    @app.post("/_emulator/faults")
    async def fault(request: Request) -> Response:
        asked = await request.json()
        faults.add(asked["call"], asked["fault"], int(asked.get("times", 1)))
        return JSONResponse({"faults": len(faults.waiting)})

    @app.post("/_emulator/quotes")
    async def quote(request: Request) -> Response:
        asked = await request.json()
        house = house_of(asked["symbol"])
        if asked["symbol"] not in house.exchanges:
            house.list_symbol(asked["symbol"], Decimal(asked["base"]))
        shown = Outside(**{name: Decimal(asked[name]) for name in ("bid", "bid_size", "ask", "ask_size")})
        (house.quote_nxt if asked.get("venue") == "NXT" else house.quote)(asked["symbol"], shown)
        return JSONResponse({"symbol": asked["symbol"]})

    @app.post("/_emulator/trades")
    async def trade(request: Request) -> Response:
        asked = await request.json()
        house_of(asked["symbol"]).trade(asked["symbol"], Decimal(asked["price"]), Decimal(asked["quantity"]))
        return JSONResponse({"symbol": asked["symbol"]})

    @app.post("/_emulator/orders")
    async def order(request: Request) -> Response:
        asked = await request.json()
        figures = (Decimal(asked["quantity"]), Decimal(asked["price"]))
        taken = house_of(asked["symbol"]).take_from_its_own_app(asked["symbol"], asked["side"], *figures, asked["kind"])
        if isinstance(taken, No):
            return JSONResponse({"refused": taken.reason}, 422)
        return JSONResponse({"number": taken.number})
