"""The HTTP shell of a service: ids, logs, metrics, limits, health and errors are the same in all six."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import context, traces
from kit.auth import TokenVerifier
from kit.errors import EVERYWHERE, Problem, bug, install_error_handlers, problem
from kit.health import health_router, settle_memory
from kit.ids import new_id
from kit.json import dumps
from kit.observe import configure_logging, http_requests, http_seconds
from kit.settings import ServiceSettings

BODY_BYTES_MAX = 1 << 20
REQUEST_ID_LENGTH_MAX = 64
SLOW_SECONDS = 1.0

log = structlog.get_logger()

OpenResources = Callable[[Any], AbstractAsyncContextManager[Any]]


def create_service(
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    *,
    name: str,
    open_resources: OpenResources,
    body_bytes_max: int = BODY_BYTES_MAX,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    """Build a service's application. Nothing is connected before its lifespan begins.

    Args:
        settings: the service's own settings.
        routers: its routes, with their full public paths.
        name: `trading`; health and OpenAPI are also served under /api/v1/<name>.
        open_resources: `async with open_resources(settings) as resources` connects and disconnects everything.
        body_bytes_max: larger requests are refused with 413.
        verifier: another token verifier than the one for settings.jwks_url (auth verifies with its own keys).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(name)
        async with open_resources(settings) as resources:
            app.state.resources = resources
            settle_memory()
            yield

    app = FastAPI(
        title=f"Exodus {name}",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=EVERYWHERE,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.verifier = verifier or TokenVerifier(
        issuer=settings.token_issuer, audience=settings.token_audience, jwks_url=settings.jwks_url
    )
    # a service that differs says so; see kit.auth
    app.state.write_scope, app.state.lends, app.state.viewers_change = "write", False, ()
    install_error_handlers(app)
    for router in routers:
        app.include_router(router)
    health = health_router(("", f"/api/v1/{name}"), keys=app.state.verifier.keys)
    app.include_router(health, include_in_schema=False)
    app.include_router(_openapi_router(name), include_in_schema=False)
    _describe_problems(app)
    app.add_middleware(Edge, body_bytes_max=body_bytes_max)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the Problem schema into the OpenAPI document once; routes refer to it."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = schema.setdefault("components", {}).setdefault("schemas", {})
            described = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            components.update(described.pop("$defs", {}))
            components["Problem"] = described
            for unused in ("HTTPValidationError", "ValidationError"):
                components.pop(unused, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _openapi_router(name: str) -> APIRouter:
    router = APIRouter()

    async def openapi_document(request: Request) -> Response:
        return Response(dumps(request.app.openapi()), media_type="application/json")

    for path in ("/openapi.json", f"/api/v1/{name}/openapi.json"):
        router.add_api_route(path, openapi_document)
    return router


class Edge:
    """The outermost layer: names the request, bounds its body, times it, and logs what failed or was slow."""

    def __init__(self, app: ASGIApp, body_bytes_max: int) -> None:
        self._app = app
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        name_request(
            headers.get(b"x-request-id", b"").decode("latin-1"), headers.get(b"traceparent", b"").decode("latin-1")
        )
        context.address.set((scope.get("client") or ("",))[0])
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if int_or_zero(headers.get(b"content-length", b"0")) > self._body_bytes_max:
            await problem(413, "body_too_large", f"A body may have {self._body_bytes_max} bytes.")(scope, receive, send)
            return
        await self._timed(scope, self._bounded(receive), send)

    def _bounded(self, receive: Receive) -> Receive:
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._body_bytes_max:
                raise HTTPException(413, f"A body may have {self._body_bytes_max} bytes.")
            return message

        return bounded

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", (context.request.get() or "").encode()),
                    (b"x-trace-id", context.trace_id().encode()),
                    (b"cache-control", b"no-store"),
                ]
            await send(message)

        try:
            with traces.span(scope["method"], traces.SERVER) as span:
                try:
                    await self._app(scope, receive, watched)
                finally:
                    if span is not None:
                        span.name = f"{scope['method']} {route_of(scope)}"
                        span.attributes["http.response.status_code"] = str(status or 500)
        except Exception as error:
            if status:
                raise  # half an answer is out: cutting the connection is the honest end
            await bug(error)(scope, receive, watched)
        finally:
            route = route_of(scope)
            seconds = time.perf_counter() - began
            http_requests.labels(scope["method"], route, str(status)).inc()
            http_seconds.labels(scope["method"], route).observe(seconds)
            if status // 100 in (4, 5) or seconds > SLOW_SECONDS:  # the gateway has a line about each request
                asked = {"method": scope["method"], "path": scope["path"]}
                log.info("answered", **asked, status=status, ms=round(seconds * 1e3, 1))


def route_of(scope: Scope) -> str:
    """The pattern of the path, of which there are few."""
    return getattr(scope.get("route"), "path", "unmatched")


def int_or_zero(text: bytes) -> int:
    """Read a header's number; what is no number counts as nothing and is bounded while it is read."""
    return int(text) if text.isdigit() else 0


def name_request(given: str, traceparent: str = "") -> None:
    """Take the gateway's request id, or make one; everything that this request causes refers to its trace."""
    fine = 0 < len(given) <= REQUEST_ID_LENGTH_MAX and given.replace("-", "").isalnum() and given.isascii()
    identifier = new_id()
    context.request.set(given if fine else str(identifier))
    context.causation.set(None)
    traces.remote_parent.set("")
    if traced := traces.TRACEPARENT.fullmatch(traceparent):
        context.correlation.set(UUID(traced[1]))
        traces.remote_parent.set("" if traced[1].startswith(traced[2]) else traced[2])  # see gateway/snippets
        return
    try:
        context.correlation.set(UUID(given))
    except ValueError:
        context.correlation.set(identifier)
