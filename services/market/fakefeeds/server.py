"""The fake sources as one ASGI application: `uvicorn fakefeeds.server:create_app --factory` on loopback.

Each source lives under its own path: /krx, /krxapi, /naver, /yahoo, /av, /kis, /dart.
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fakefeeds import charts, filings, krx
from fakefeeds.world import DELAY_SECONDS, Fault, World

Handler = Callable[[World, Request, Fault | None], Awaitable[Response]]
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>로그인</title></head><body>Log in</body></html>"

ROUTES: tuple[tuple[str, str, list[str], Handler], ...] = (
    ("krx.login_page", "/krx/contents/MDC/COMS/client/MDCCOMS001.cmd", ["GET"], krx.show_login),
    ("krx.login_page", "/krx/contents/MDC/COMS/client/view/login.jsp", ["GET"], krx.show_login),
    ("krx.login", "/krx/contents/MDC/COMS/client/MDCCOMS001D1.cmd", ["POST"], krx.log_in),
    ("krx", "/krx/comm/bldAttendant/getJsonData.cmd", ["POST"], krx.portal),
    ("krxapi", "/krxapi/svc/apis/{category}/{api}.json", ["GET"], krx.open_api),
    ("naver", "/naver/sise.nhn", ["GET"], charts.naver),
    ("yahoo", "/yahoo/v8/finance/chart/{symbol}", ["GET"], charts.yahoo),
    ("av", "/av/query", ["GET"], charts.alpha_vantage),
    ("kis.token", "/kis/oauth2/tokenP", ["POST"], charts.kis_token),
    (
        "kis",
        "/kis/uapi/domestic-stock/v1/quotations/inquire-daily-itemchartprice",
        ["GET"],
        charts.kis,
    ),
    ("kis.ksd", "/kis/uapi/domestic-stock/v1/ksdinfo/{name}", ["GET"], charts.kis_announced),
    ("dart", "/dart/api/{name}.json", ["GET"], filings.dart),
)


def create_app(world: World | None = None) -> Starlette:
    """Build the sources of a world."""
    known = world or World()
    return Starlette(
        routes=[
            Route(path, _endpoint(known, name, handler), methods=methods) for name, path, methods, handler in ROUTES
        ]
    )


def _endpoint(world: World, name: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        match fault := world.fault_of(name):
            case "429":
                return PlainTextResponse("Too Many Requests", 429)
            case "500":
                return PlainTextResponse("Internal Server Error", 500)
            case "403":
                return PlainTextResponse("Forbidden", 403)
            case "login_page":
                return Response(LOGIN_PAGE, media_type="text/html; charset=utf-8")
            case "delay":
                await asyncio.sleep(DELAY_SECONDS)
        response = await handler(world, request, fault)
        if fault == "truncated":
            body = bytes(response.body)
            return Response(body[: len(body) // 2], response.status_code, media_type=response.media_type)
        return response

    return answer
