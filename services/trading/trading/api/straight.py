"""The straight way to place an order: what `post_order` does, without what a framework looks up at every request.

Finding the route, solving its dependencies and checking its answer took a third of an order's time in this process. So
the one request that a trading day is made of is read here, by the same models and functions as on the ordinary way, and
`post_order` stays what it is: it is the contract, and it answers whatever is not plain here (a body that cannot be
read, a header out of the ordinary). Which way a request went cannot be seen in its answer; a test compares them.
"""

from fastapi import FastAPI, Request
from fastapi.security import HTTPAuthorizationCredentials
from kit.auth import current_user
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Message, Receive, Scope, Send

from trading.api.idempotency import Replay, claim_of
from trading.api.lanes import Lanes
from trading.api.order_shapes import PlaceOrder
from trading.api.orders import basis_of, judged_by, place, post_order, written
from trading.domain.order import Status
from trading.resources import Resources
from trading.usecases.place_in_account import Placed

PATH = "/api/v1/trading/orders"
HANDED_ON = "trading.handed_on"
"""In the scope of a request that goes on to the ordinary way."""
JSON = b"application/json"
BEARER = b"bearer "
UNUSUAL = frozenset({b"x-on-behalf-of", b"transfer-encoding"})


class StraightRoute(BaseRoute):
    """Comes before all other routes and takes a plain `POST /orders`."""

    path, name = PATH, post_order.__name__

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take a request that is plain, and was not handed on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST" or HANDED_ON in scope:
            return Match.NONE, {}
        headers = dict(scope["headers"])
        plain = headers.get(b"content-type") == JSON and not scope["query_string"] and not UNUSUAL & headers.keys()
        token = headers.get(b"authorization", b"")
        plain = plain and token[: len(BEARER)].lower() == BEARER and bool(token[len(BEARER) :].strip())
        return (Match.FULL, {"route": self}) if plain else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what says nothing that could be placed is answered on the ordinary way."""
        request = Request(scope, receive)
        body = await request.body()
        with self._lanes.admitted("orders"):
            try:
                asked = PlaceOrder.model_validate(await request.json())
            except (ValueError, RecursionError):
                asked = None
            response = None if asked is None else await self._answer(request, asked)
        if response is None:
            scope[HANDED_ON] = True
            await self._app.router(scope, _once_more(body, receive), send)
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request, asked: PlaceOrder) -> Response:
        """The answer, after the end of its transaction: a failed commit is a failed request."""
        resources: Resources = self._app.state.resources
        claim = await claim_of(request)
        _, _, token = request.headers["authorization"].partition(" ")
        user = await current_user(request, HTTPAuthorizationCredentials(scheme="Bearer", credentials=token.strip()))
        basis = await basis_of(asked.symbol, user, resources)
        if claim is None:
            placed = await resources.placer.place(user.user_id, judged_by(basis, asked))
            self._count(placed)
            return written(placed)
        try:
            async with resources.database.owned(user.user_id) as session:
                await claim.begin(session, user.user_id)
                placed = await place(session, user, asked, basis)
                response = written(placed)
                await claim.keep(response)
        except Replay as replay:
            return replay.response
        self._count(placed)
        return response

    @property
    def _lanes(self) -> Lanes:
        lanes: Lanes = self._app.state.lanes
        return lanes

    def _count(self, placed: Placed) -> None:
        """Count what goes to a broker now."""
        if placed.order.status is Status.SUBMITTED and not placed.replayed:
            self._lanes.backlog.add(placed.order)


def _once_more(body: bytes, receive: Receive) -> Receive:
    """A request's body, which was read already; then whatever follows it."""
    unread = True

    async def again() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again
