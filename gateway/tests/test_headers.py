"""What every answer carries, and what of a request's headers arrives at a service."""

import re

import pytest
from kit.traces import TRACEPARENT

from gateway.tests.edge import Edge, assert_problem

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
TOKEN = "with a token"

# (method, path, options, the status to expect): every kind of location with every status it can answer.
ANSWERS: list[tuple[str, str, dict[str, object], int]] = [
    ("GET", "/", {}, 200),
    ("HEAD", "/", {}, 200),
    ("POST", "/", {}, 405),
    ("GET", "/page.css", {}, 200),
    ("GET", "/missing.css", {}, 404),
    ("GET", "/docs", {}, 200),
    ("POST", "/docs", {}, 405),
    ("GET", "/docs/docs.js", {}, 200),
    ("GET", "/docs/missing.js", {}, 404),
    ("GET", "/health", {}, 200),
    ("GET", "/metrics", {}, 404),
    ("GET", "/internal/bars", {}, 404),
    ("GET", "/api/v1//x", {}, 400),
    ("PROPFIND", "/api/v1/udf/config", {}, 405),
    ("GET", "/.well-known/jwks.json", {}, 200),
    ("GET", "/api/v1/auth/openapi.json", {}, 200),
    ("GET", "/api/v1/market/health/ready?answer=503", {}, 503),
    ("POST", "/api/v1/auth/logout?answer=401", {}, 401),
    ("POST", "/api/v1/auth/refresh", {"content": bytes(2 << 20)}, 413),
    ("GET", "/api/v1/users/profile", {}, 401),
    ("GET", "/api/v1/users/profile", {"token": TOKEN}, 200),
    *(
        ("GET", f"{path}?answer={status}", {"token": TOKEN}, status)
        for path in (
            "/api/v1/trading/orders",
            "/api/v1/market/quotes",
            "/api/v1/backtest/runs",
            "/api/v1/broker/brokers",
            "/api/v1/notifications",
            "/api/v1/users/profile",
            "/api/v1/market/imports",
        )
        for status in (201, 301, 404, 409, 422, 429, 500, 502, 503)
    ),
    ("POST", "/api/v1/market/imports", {}, 401),
    ("GET", "/api/v1/udf/config?" + "x" * 9000, {}, 414),
    ("GET", "/api/v1/udf/config", {"headers": {"X-Long": "x" * 9000}}, 431),
    ("GET", "/ws/market", {"headers": {"Origin": "https://evil.example"}}, 403),
    ("GET", "/ws/account?token=x", {}, 400),
    ("GET", "/ws/account", {}, 200),
]


def assert_safe(headers: "dict[str, str]", policy: str = API_POLICY) -> None:
    assert headers["strict-transport-security"] == "max-age=63072000"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == policy
    assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])
    assert headers["server"] == "nginx"
    assert "x-powered-by" not in headers


@pytest.mark.requirement("R-51")
@pytest.mark.parametrize(("method", "path", "options", "status"), ANSWERS, ids=lambda value: str(value)[:60])
def test_every_location_sends_the_security_headers_with_every_status(
    edge: Edge, method: str, path: str, options: dict[str, object], status: int
) -> None:
    if options.get("token") == TOKEN:
        options = options | {"token": edge.issuer.token()}
    answer = edge.ask(method, path, **options)
    assert answer.status_code == status, answer.text
    multiple = [name for name, _ in answer.headers.multi_items() if name != "set-cookie"]
    assert len(multiple) == len(set(multiple)), "a header came twice"
    is_page = status == 200 and not path.startswith(("/api", "/health", "/.well-known", "/ws"))
    assert_safe(dict(answer.headers), answer.headers["content-security-policy"] if is_page else API_POLICY)
    for directive in ("frame-ancestors 'none'", "default-src"):
        assert directive in answer.headers["content-security-policy"]
    assert "'unsafe-inline'" not in re.sub(r"style-src [^;]*", "", answer.headers["content-security-policy"])


@pytest.mark.requirement("R-51")
def test_failures_of_a_service_are_problems_with_a_time_to_try_again(narrow_edge: Edge) -> None:
    token = narrow_edge.issuer.token()
    answer = narrow_edge.ask("GET", "/api/v1/broker/brokers", token=token)
    assert_problem(answer, 502, "service_unreachable")
    assert answer.headers["retry-after"] == "2"
    assert_safe(dict(answer.headers))
    answer = narrow_edge.ask("GET", "/api/v1/backtest/runs?wait=2", token=token)
    assert_problem(answer, 504, "service_timeout")
    assert answer.headers["retry-after"] == "2"
    assert_safe(dict(answer.headers))


def test_no_location_has_headers_of_its_own(edge: Edge) -> None:
    folder = edge.config.parent
    for path in [folder / "nginx.conf", *folder.glob("routes/*.conf"), *folder.glob("snippets/*.conf")]:
        if path.name != "headers.conf":
            assert not re.search(r"^\s*(add_header|more_set_headers)", path.read_text(), re.MULTILINE), path.name


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("0197-abc", True),
        ("6f1c2f2e-3b5a-7c31-9a57-0d4c7f6b8e21", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ('a"b', False),
        ("a;b", False),
        ("../x", False),
        ("\u00e9".encode(), False),
    ],
)
def test_a_request_id_is_kept_when_it_is_a_plain_word_and_replaced_otherwise(edge: Edge, sent: str, kept: bool) -> None:
    answer = edge.ask("GET", "/api/v1/udf/config", headers={"X-Request-ID": sent})
    passed_on = dict(answer.json()["headers"])["x-request-id"]
    assert answer.headers["x-request-id"] == passed_on
    assert (passed_on == sent) is kept
    assert kept or re.fullmatch(r"[0-9a-f]{32}", passed_on)


TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("sent", "trace"),
    [
        ({"traceparent": f"00-{TRACE}-{PARENT}-01"}, TRACE),
        ({"X-Request-ID": "0af76519-16cd-43dd-8448-eb211c80319c"}, "0af7651916cd43dd8448eb211c80319c"),
        ({"X-Request-ID": "mine"}, None),
        ({}, None),
        ({"traceparent": f"00-{'0' * 32}-{PARENT}-01"}, None),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, None),
        ({"traceparent": f"00-{TRACE.upper()}-{PARENT}-01"}, None),
        ({"traceparent": f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01"}, None),
    ],
)
def test_every_request_belongs_to_one_trace_its_own_or_the_clients(
    edge: Edge, sent: dict[str, str], trace: str | None
) -> None:
    answer = edge.ask("GET", "/api/v1/udf/config", headers=sent)
    given = TRACEPARENT.fullmatch(dict(answer.json()["headers"])["traceparent"])
    assert given is not None
    assert answer.headers["x-trace-id"] == given[1]
    assert trace is None or given[1] == trace
    assert given[2] == (PARENT if "traceparent" in sent and trace else given[1][:16])


def test_what_the_edge_refuses_says_its_trace_too(edge: Edge) -> None:
    refused = edge.ask("GET", "/api/v1/trading/orders", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert refused.status_code == 401
    assert refused.json()["trace_id"] == refused.headers["x-trace-id"] == TRACE


SPOOFS = [
    "X-User-ID: 1",
    "X-User-Id: 1",
    "x-user-id: 1",
    "X-USER-ID: 1",
    "X_User_ID: 1",
    "X-User_ID: 1",
    "X.User.ID: 1",
    "X-User-ID : 1",
    "X-User-ID\t: 1",
    "X-User: admin",
    "X-User-Role: admin",
    "X-Users: admin",
    "X-Role: admin",
    "X-Scopes: everything",
    "X-Tenant: other",
    "X-Tenant-ID: other",
    "X_Tenant_ID: other",
    "X-Owner-ID: other",
    "X-Identity: other",
    "X-Authenticated-User: other",
    "X-Remote-User: root",
    "Remote-User: root",
    "X-Real-IP: 6.6.6.6",
    "X_Real_IP: 6.6.6.6",
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-For: 6.6.6.6, 7.7.7.7",
    "X_Forwarded_For: 6.6.6.6",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Prefix: /internal",
    "X-Forwarded-User: root",
    "X-Forwarded-Email: root@example.com",
    "Forwarded: for=6.6.6.6",
    "X-Client-IP: 6.6.6.6",
    "True-Client-IP: 6.6.6.6",
    "CF-Connecting-IP: 6.6.6.6",
    "X-Cluster-Client-IP: 6.6.6.6",
    "X-Original-URL: /internal/bars",
    "X-Rewrite-URL: /internal/bars",
    "X-HTTP-Method: DELETE",
    "X-Accel-Redirect: /_token",
    "Token-User: 1",
    "Token-Verdict: ",
    "Proxy: http://6.6.6.6",
    "Connection: X-Request-ID, Authorization",
    "Upgrade: h2c",
    "TE: trailers",
    "Expect: 100-continue",
]


@pytest.mark.requirement("R-49")
@pytest.mark.parametrize("with_token", [False, True])
@pytest.mark.parametrize("line", SPOOFS)
def test_an_identity_that_a_client_claims_never_arrives(edge: Edge, line: str, with_token: bool) -> None:
    path = "/api/v1/trading/orders" if with_token else "/api/v1/udf/config"
    bearer = edge.issuer.token()
    token = f"Authorization: Bearer {bearer}\r\n" if with_token else ""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}{line}\r\n{line}\r\nConnection: close\r\n\r\n"
    answer = edge.raw(head.encode(), pause_seconds=0).decode()
    assert answer.startswith(("HTTP/1.1 200 ", "HTTP/1.1 400 "))
    # the token is echoed, and its random signature may spell any short word
    echoed = answer.partition("\r\n\r\n")[2].replace(bearer, "")
    for invented in ("6.6.6.6", "evil.example", "root", "other", "everything", "h2c", '"1"', "DELETE", "/internal"):
        assert invented not in echoed


@pytest.mark.requirement("R-49")
def test_only_headers_of_the_contract_arrive_and_the_edge_says_who_asks(edge: Edge) -> None:
    contract = {
        "Accept": "application/json",
        "Accept-Language": "ko",
        "Content-Type": "application/json",
        "Cookie": "refresh_token=1",
        "Idempotency-Key": "abc",
        "If-None-Match": '"1"',
        "User-Agent": "test",
        "X-Client": "web",
    }
    answer = edge.ask("POST", "/api/v1/udf/config", headers=contract | {"X-Anything": "else"}, content=b"{}")
    named_anew = {"x-request-id", "traceparent"}
    arrived = {name: value for name, value in answer.json()["headers"] if name not in named_anew}
    assert arrived == {name.lower(): value for name, value in contract.items()} | {
        "host": "127.0.0.1",
        "content-length": "2",
        "x-real-ip": "127.0.0.1",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": f"127.0.0.1:{edge.https_port}",
    }
