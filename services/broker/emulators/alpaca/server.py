"""The emulator of Alpaca: `paper()` for uvicorn; admin routes under /_emulator move the market and switch faults.

Run alone: `uvicorn emulators.alpaca.server:paper --factory --port 34993`, with libs/quant and services/broker on the
path. The stream of trade updates is at /stream on the same port, that of the market at /v2/iex and /v2/sip.
"""

import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, Response
from quant.markets.calendar import NEW_YORK

from emulators.alpaca import rows
from emulators.alpaca.desk import Desk, Refused
from emulators.alpaca.market_stream import MarketStream
from emulators.alpaca.stream import Stream
from emulators.faults import AFTER, BEFORE, Fault, Faults, add_admin, broken
from emulators.house import House, Place

CALLS_PER_MINUTE: Final = 200
_PROBLEMS: Final[dict[str, tuple[int, dict[str, Any]]]] = {
    "rate_limit": (429, {"code": 42910000, "message": "too many requests."}),
    "server_error": (500, {"code": 50010000, "message": "internal server error occurred"}),
    "ledger_timeout": (504, {"code": 50010000, "message": "request timed out"}),
    "token_expired": (401, {"code": 40110000, "message": "request is not authorized"}),
}
_REFUSALS: Final[dict[str, tuple[int, int, str]]] = {
    "unknown_symbol": (422, 42210000, 'asset "{symbol}" not found'),
    "insufficient_cash": (403, 40310000, "insufficient buying power"),
    "insufficient_shares": (403, 40310000, "insufficient qty available for order"),
    "price_off_tick": (422, 42210000, "invalid limit_price: sub-penny increment does not fulfill pricing criteria"),
    "quantity_off_lot": (422, 42210000, "asset is not fractionable"),
    "market_closed": (422, 42210000, "market is closed"),
    "trading_halted": (422, 42210000, "trading is halted"),
    "order_type_not_allowed": (422, 42210000, "invalid order type for this session"),
    "order_not_found": (404, 40410000, "order not found"),
    "not_open": (422, 42210000, "order is not cancelable or replaceable"),
    "not_unique": (422, 40010001, "client_order_id must be unique"),
    "malformed": (400, 40010000, "request body format is invalid"),
    "parameter": (422, 40010001, "a parameter is missing or out of range"),
    "no_position": (404, 40410000, "position does not exist"),
}  # fmt: skip


def create_app(clock: Callable[[], datetime]) -> FastAPI:
    """An emulator with an empty ledger."""
    place = Place(
        "US", NEW_YORK, Decimal(1_000_000), lambda _: str(uuid.uuid4()), counts_anew=False, changes_whole=True
    )
    house, faults = House(clock, place), Faults()
    app = FastAPI(openapi_url=None)
    app.state.keys = {}
    stream = Stream(faults, app.state.keys)
    desk = Desk(house, stream)
    stream.show = desk.show
    house.tell = stream.tell
    app.state.house, app.state.faults, app.state.desk, app.state.stream = house, faults, desk, stream
    app.state.calls, app.state.lists, app.state.calls_per_minute = [], {}, CALLS_PER_MINUTE
    app.state.counted = {}

    app.state.market_stream = market = MarketStream(faults, app.state.keys, clock)
    house.show, house.print, stream.hang_up_as_well = market.show, market.print, market.hang_up

    @app.websocket("/v2/{feed}")
    async def listen_to_the_market(socket: WebSocket, feed: str) -> None:
        await market.serve(socket, feed)

    @app.websocket("/stream")
    async def listen(socket: WebSocket) -> None:
        await stream.serve(socket)

    @app.api_route("/v2/{path:path}", methods=["GET", "POST", "PATCH", "DELETE"])
    async def call(request: Request, path: str) -> Response:
        return await _answer(app, request, path)

    add_admin(app, house, faults)
    return app


async def _answer(app: FastAPI, request: Request, path: str) -> Response:
    faults: Faults = app.state.faults
    name = f"{request.method} {path.split('/', maxsplit=1)[0]}"
    if fault := faults.take(name, *BEFORE):
        return await _broken(fault)
    if faults.take(name, "token_expired"):
        return await _broken("token_expired")
    if stopped := _at_the_gate(app, request):
        return stopped
    account = f"PA{uuid.uuid5(uuid.NAMESPACE_OID, request.headers['apca-api-key-id']).hex[:10].upper()}"
    try:
        asked = await request.json() if request.method in {"POST", "PATCH"} else {}
        status, body = _do(app.state.desk, account, request, path, asked)
    except Refused as refused:
        status, code, text = _REFUSALS[refused.reason]
        body = {"code": code, "message": text.format(symbol=str(asked.get("symbol", "")))}
    except (KeyError, ValueError, TypeError, InvalidOperation):
        status, body = 400, {"code": 40010000, "message": _REFUSALS["malformed"][2]}
    app.state.calls.append((name, path))
    if faults.take(name, "stale_list"):
        body = app.state.lists.get(name, body)
    app.state.lists[name] = body
    if fault := faults.take(name, *AFTER):
        return await _broken(fault)
    headers = {"X-Request-ID": uuid.uuid4().hex}
    return Response(status_code=204, headers=headers) if status == 204 else JSONResponse(body, status, headers)


def _at_the_gate(app: FastAPI, request: Request) -> Response | None:
    key, secret = request.headers.get("apca-api-key-id", ""), request.headers.get("apca-api-secret-key", "")
    if not key or not secret or (app.state.keys and app.state.keys.get(key) != secret):
        return JSONResponse({"message": "unauthorized."}, 401)
    now = app.state.house.clock()
    counted: deque[datetime] = app.state.counted.setdefault(key, deque())
    while counted and now - counted[0] >= timedelta(minutes=1):
        counted.popleft()
    if len(counted) >= app.state.calls_per_minute:
        return JSONResponse(_PROBLEMS["rate_limit"][1], 429, {"X-RateLimit-Remaining": "0"})
    counted.append(now)
    return None


Call = Callable[["Desk", str, list[str], dict[str, str], dict[str, Any]], tuple[int, Any]]


def _do(desk: Desk, account: str, request: Request, path: str, asked: dict[str, Any]) -> tuple[int, Any]:
    """What a route answers; a part of the path that is in no route is an argument."""
    parts = path.split("/")
    for (method, pattern), answer in _ROUTES.items():
        words = pattern.split("/")
        if method == request.method and len(words) == len(parts) and all(map(_matches, words, parts)):
            return answer(desk, account, parts, dict(request.query_params), asked)
    return 404, {"code": 40410000, "message": "endpoint not found."}


def _matches(word: str, part: str) -> bool:
    return word in {"*", part}


def _canceled(desk: Desk, account: str, number: str) -> tuple[int, None]:
    desk.cancel(account, number)
    return 204, None


def _asset(desk: Desk, symbol: str) -> dict[str, Any]:
    desk.quote(symbol)
    return rows.asset(symbol)


def _clock(desk: Desk) -> dict[str, Any]:
    now = desk.house.clock().astimezone(NEW_YORK)
    is_open = any(exchange.phase == "continuous" for exchange in desk.house.exchanges.values())
    times = {"next_open": (now + timedelta(days=1)).isoformat(), "next_close": now.isoformat()}
    return {"timestamp": now.isoformat(), "is_open": is_open} | times


_ROUTES: Final[dict[tuple[str, str], Call]] = {
    ("GET", "account"): lambda desk, who, _, __, ___: (200, desk.account(who)),
    ("GET", "account/activities"): lambda desk, who, _, query, __: (200, desk.activities(who, query)),
    ("GET", "account/activities/*"): lambda desk, who, _, query, __: (200, desk.activities(who, query)),
    ("POST", "orders"): lambda desk, who, _, __, asked: (200, desk.place(who, asked)),
    ("GET", "orders"): lambda desk, who, _, query, __: (200, desk.orders(who, query)),
    ("DELETE", "orders"): lambda desk, who, _, __, ___: (
        207,
        [_cancel_one(desk, who, slip.number) for slip in desk.mine(who) if slip.open],
    ),
    ("GET", "orders:by_client_order_id"): lambda desk, who, _, query, __: (
        200,
        desk.find_by_key(who, query["client_order_id"]),
    ),
    ("GET", "orders/*"): lambda desk, who, parts, _, __: (200, desk.shown(who, parts[1])),
    ("PATCH", "orders/*"): lambda desk, who, parts, _, asked: (200, desk.replace(who, parts[1], asked)),
    ("DELETE", "orders/*"): lambda desk, who, parts, _, __: _canceled(desk, who, parts[1]),
    ("GET", "positions"): lambda desk, who, _, __, ___: (200, desk.positions(who)),
    ("GET", "positions/*"): lambda desk, who, parts, _, __: (200, desk.position(who, parts[1])),
    ("DELETE", "positions"): lambda desk, who, _, __, ___: (
        207,
        [_close_one(desk, who, row["symbol"]) for row in desk.positions(who)],
    ),
    ("DELETE", "positions/*"): lambda desk, who, parts, query, __: (200, desk.close(who, parts[1], query)),
    ("GET", "assets"): lambda desk, _, __, ___, ____: (200, [rows.asset(symbol) for symbol in desk.house.exchanges]),
    ("GET", "assets/*"): lambda desk, _, parts, __, ___: (200, _asset(desk, parts[1])),
    ("GET", "clock"): lambda desk, _, __, ___, ____: (200, _clock(desk)),
    ("GET", "stocks/snapshots"): lambda desk, _, __, query, ___: (200, desk.market.snapshots(query)),
    ("GET", "stocks/quotes/latest"): lambda desk, _, __, query, ___: (
        200,
        desk.market.newest(query, "quotes", desk.market.quote),
    ),
    ("GET", "stocks/trades/latest"): lambda desk, _, __, query, ___: (
        200,
        desk.market.newest(query, "trades", desk.market.trade),
    ),
    ("GET", "stocks/bars"): lambda desk, _, __, query, ___: (200, desk.market.bars_of_several(query)),
    ("GET", "stocks/*/bars"): lambda desk, _, parts, query, __: (200, desk.market.bars(parts[1], query)),
    ("GET", "stocks/*/quotes/latest"): lambda desk, _, parts, __, ___: (
        200,
        {"symbol": parts[1], "quote": desk.quote(parts[1])},
    ),
}


def _cancel_one(desk: Desk, account: str, number: str) -> dict[str, Any]:
    desk.cancel(account, number)
    return {"id": number, "status": 200, "body": desk.shown(account, number)}


def _close_one(desk: Desk, account: str, symbol: str) -> dict[str, Any]:
    return {"symbol": symbol, "status": 200, "body": desk.close(account, symbol, {})}


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


def real() -> FastAPI:
    """The real environment, which speaks no differently; no money is in it either."""
    return create_app(_now)
