"""Which request reaches which service, and who may send it."""

import json

import pytest

from gateway.render import SERVICES
from gateway.tests.edge import Edge, assert_problem, statuses
from gateway.tests.stub_services import StubServices

PUBLIC = [
    ("POST", "/api/v1/auth/register", "auth"),
    ("POST", "/api/v1/auth/login", "auth"),
    ("POST", "/api/v1/auth/refresh", "auth"),
    ("POST", "/api/v1/auth/logout", "auth"),
    ("POST", "/api/v1/auth/email/verify", "auth"),
    ("POST", "/api/v1/auth/password/forgot", "auth"),
    ("POST", "/api/v1/auth/password/reset", "auth"),
    ("GET", "/api/v1/auth/oauth/providers", "auth"),
    ("GET", "/api/v1/auth/oauth/kakao/start", "auth"),
    ("GET", "/api/v1/auth/oauth/kakao/callback?code=1", "auth"),
    ("POST", "/api/v1/auth/passkeys/login/options", "auth"),
    ("POST", "/api/v1/auth/passkeys/login/verify", "auth"),
    ("POST", "/api/v1/auth/oauth/finish", "auth"),
    ("GET", "/.well-known/jwks.json", "auth"),
    ("POST", "/api/v1/hooks/tradingview/7Qx-1_a", "trading"),
    ("GET", "/api/v1/udf/config", "market"),
    ("GET", "/api/v1/udf/history?symbol=005930", "market"),
    *(("GET", f"/api/v1/{name}/health/{kind}", name) for name in SERVICES for kind in ("live", "ready")),
    *(("GET", f"/api/v1/{name}/openapi.json", name) for name in SERVICES),
]

PROTECTED = [
    ("POST", "/api/v1/auth/logout-all", "auth"),
    ("POST", "/api/v1/auth/password/change", "auth"),
    ("POST", "/api/v1/auth/2fa/recovery-codes", "auth"),
    ("POST", "/api/v1/auth/step-up", "auth"),
    ("POST", "/api/v1/auth/2fa/enroll", "auth"),
    ("GET", "/api/v1/auth/passkeys", "auth"),
    ("POST", "/api/v1/auth/passkeys/register/options", "auth"),
    ("POST", "/api/v1/auth/passkeys/step-up/verify", "auth"),
    ("POST", "/api/v1/auth/oauth/kakao/link", "auth"),
    ("GET", "/api/v1/auth/sessions", "auth"),
    ("GET", "/api/v1/auth", "auth"),
    ("GET", "/api/v1/auth/login/", "auth"),
    ("GET", "/api/v1/users/profile", "auth"),
    ("DELETE", "/api/v1/users/me", "auth"),
    ("GET", "/api/v1/admin/users", "auth"),
    ("POST", "/api/v1/trading/orders", "trading"),
    ("DELETE", "/api/v1/trading/orders?account_id=1", "trading"),
    ("PATCH", "/api/v1/trading/orders/1", "trading"),
    ("GET", "/api/v1/portfolio/summary", "trading"),
    ("GET", "/api/v1/trading/health", "trading"),
    ("GET", "/api/v1/market/stocks?query=%EC%82%BC%EC%84%B1", "market"),
    ("GET", "/api/v1/market/quotes/KRX%3A005930", "market"),
    ("GET", "/api/v1/market/charts/005930.KS?interval=1d", "market"),
    ("POST", "/api/v1/market/imports", "market"),
    ("POST", "/api/v1/market/replays", "market"),
    ("POST", "/api/v1/backtest/run", "backtest"),
    ("PUT", "/api/v1/backtest/strategies/1", "backtest"),
    ("GET", "/api/v1/broker/brokers", "broker"),
    ("GET", "/api/v1/notifications", "notification"),
    ("POST", "/api/v1/notifications/read", "notification"),
    ("GET", "/api/v1/alerts", "notification"),
    ("DELETE", "/api/v1/alerts/1", "notification"),
]

UNKNOWN = [
    "/internal/service-token",
    "/internal/bars",
    "/internal",
    "/metrics",
    "/openapi.json",
    "/api",
    "/api/v1",
    "/api/v1/",
    "/api/v2/trading/orders",
    "/api/v1/tradingx/orders",
    "/api/v1/internal/bars",
    "/api/v1/hooks/tradingview/",
    "/api/v1/hooks/other/1",
    "/api/v1/udf/secrets",
    "/API/v1/trading/orders",
    "/Api/V1/trading/orders",
    "/api/v1/Trading/orders",
    "/INTERNAL/bars",
    "/Metrics",
    "/health/ready",
    "/health/live",
    "/ws",
    "/ws/other",
    "/ws/market/",
    "/.well-known/openid-configuration",
    "/.env",
    "/docs/.git/config",
    "/docs/missing.js",
    "/_token",
    "/_signature",
    "/_judge",
    "/_problem",
    "/_ready/auth",
    "/wp-login.php",
    "/nginx.conf",
]

AMBIGUOUS = [
    "//api/v1/trading/orders",
    "/api/v1//trading/orders",
    "/api/v1/auth/login//",
    "/api/v1/auth/../trading/orders",
    "/api/v1/auth/login/../../trading/orders",
    "/api/v1/./trading/orders",
    "/api/v1/trading/orders/.",
    "/api/v1/trading/orders/..",
    "/api/v1/auth/login/..;/trading/orders",
    "/api/v1/auth/login;/../../trading/orders",
    "/api/v1/trading;x=1/orders",
    "/api/v1%2ftrading/orders",
    "/api/v1/auth/login%2F..%2F..%2Ftrading%2Forders",
    "/api/v1/auth/%2e%2e/trading/orders",
    "/api/v1/auth/%2E./trading/orders",
    "/api/v1/auth/..%2f..%2finternal/bars",
    "/api/v1/trading%5corders",
    "/api/v1/trading\\orders",
    "/api/v1/auth/login%00/trading",
    "/api/v1/auth/login%0a",
    "/api/v1/auth/login%0d%0aX: y",
    "/api/v1/auth/login%09",
    "/api/v1/auth/login%3bx",
    "/api/v1/auth/login%252f",
    "/api/v1/auth/login%7f",
    "/api/v1/auth/login%",
    "/api/v1/auth/login%2",
    "/api/v1/auth/login%zz",
    "/api/v1/auth/login%u002f",
    "/api/v1/trading/\xe2\x80\xa5/orders",
    "/../../etc/passwd",
    "/docs/../../nginx.conf",
    "/api/v1/auth/login#/../orders",
    "*",
    "api/v1/trading/orders",
    "http://evil.example/../api",
]


@pytest.mark.parametrize(("method", "path", "service"), PUBLIC, ids=str)
def test_a_public_route_reaches_its_service_without_a_token(edge: Edge, method: str, path: str, service: str) -> None:
    answer = edge.ask(method, path, headers={"X-Test-Address": "::1"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["service"] == service
    assert answer.json()["path"] == path.partition("?")[0]


@pytest.mark.requirement("R-49")
@pytest.mark.parametrize(("method", "path", "service"), PROTECTED, ids=str)
def test_a_protected_route_wants_a_token_and_then_reaches_its_service(
    edge: Edge, services: StubServices, method: str, path: str, service: str
) -> None:
    services.seen.clear()
    assert_problem(edge.ask(method, path), 401, "token_missing")
    assert services.seen == []
    answer = edge.ask(method, path, token=edge.issuer.token())
    assert answer.status_code == 200, answer.text
    assert (answer.json()["service"], answer.json()["method"]) == (service, method)
    assert answer.json()["path"] == path.partition("?")[0]


@pytest.mark.requirement("R-49")
@pytest.mark.parametrize("path", UNKNOWN)
def test_what_no_route_names_does_not_exist_even_with_a_token(edge: Edge, services: StubServices, path: str) -> None:
    services.seen.clear()
    assert_problem(edge.ask("GET", path, token=edge.issuer.token()), 404, "not_found")
    assert services.seen == []


@pytest.mark.requirement("R-50")
@pytest.mark.parametrize("path", AMBIGUOUS)
def test_a_path_that_can_be_read_in_two_ways_is_refused_before_any_service(
    edge: Edge, services: StubServices, path: str
) -> None:
    services.seen.clear()
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {edge.issuer.token()}\r\n\r\n"
    answer = edge.raw(head.encode("latin-1"))
    assert statuses(answer) == [400]
    assert services.seen == []
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["code"] in {"ambiguous_path", "bad_request"}


@pytest.mark.requirement("R-50")
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG", "get", "GETS"])
def test_a_method_that_no_route_has_is_refused(edge: Edge, services: StubServices, method: str) -> None:
    services.seen.clear()
    target = "localhost:443" if method == "CONNECT" else "/api/v1/auth/login"
    answer = edge.raw(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert statuses(answer) in ([405], [400])
    assert b"application/problem+json" in answer
    assert services.seen == []


@pytest.mark.requirement("R-49")
def test_a_method_override_header_changes_nothing(edge: Edge) -> None:
    answer = edge.ask(
        "GET", "/api/v1/udf/config", headers={"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/internal"}
    )
    assert answer.json()["method"] == "GET"
    assert {name for name, _ in answer.json()["headers"]}.isdisjoint({"x-http-method-override", "x-original-url"})


@pytest.mark.requirement("R-35")
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/v1/trading/orders", 1 << 20, 200),
        ("/api/v1/trading/orders", (1 << 20) + 1, 413),
        ("/api/v1/auth/login", (1 << 20) + 1, 413),
        ("/api/v1/market/imports", 5 << 20, 200),
        ("/api/v1/market/imports", (64 << 20) + 1, 413),
    ],
)
def test_a_body_has_a_limit(edge: Edge, path: str, size: int, status: int) -> None:
    answer = edge.ask("POST", path, token=edge.issuer.token(), content=bytes(size))
    if status == 413:
        assert_problem(answer, 413, "body_too_large")
    else:
        assert answer.json()["body_bytes"] == size


@pytest.mark.requirement("R-35")
def test_a_body_of_unknown_length_has_the_same_limit(edge: Edge) -> None:
    def endless() -> "list[bytes]":
        return [bytes(1 << 16)] * 20

    answer = edge.ask("POST", "/api/v1/trading/orders", token=edge.issuer.token(), content=iter(endless()))
    assert_problem(answer, 413, "body_too_large")


@pytest.mark.requirement("R-35")
def test_headers_have_a_limit(edge: Edge) -> None:
    assert_problem(edge.ask("GET", "/api/v1/udf/config", headers={"X-Long": "x" * 9000}), 431, "headers_too_large")
    assert_problem(edge.ask("GET", "/api/v1/udf/config?" + "x" * 9000), 414, "address_too_long")


def test_large_answers_are_compressed_but_never_those_that_hold_tokens(edge: Edge) -> None:
    assert edge.ask("GET", "/api/v1/udf/config?padding=5000").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in edge.ask("POST", "/api/v1/auth/refresh?padding=5000").headers
