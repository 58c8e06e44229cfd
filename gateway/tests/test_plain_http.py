"""The plain port shows browsers the way and refuses programs."""

import httpx
import pytest

from gateway.tests.edge import Edge, assert_problem
from gateway.tests.stub_services import StubServices


@pytest.mark.requirement("R-51")
@pytest.mark.parametrize("path", ["/", "/portfolio?tab=1", "/docs", "/docs/docs.js"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_over_plain_http_is_redirected(edge: Edge, method: str, path: str) -> None:
    answer = httpx.request(method, edge.http + path)
    assert (answer.status_code, answer.headers["location"]) == (301, edge.https + path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.requirement("R-51")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/trading/orders"),
        ("POST", "/api/v1/auth/login"),
        ("GET", "/API/v1/trading/orders"),
        ("GET", "/health"),
        ("GET", "/ws/market"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/internal/bars"),
        ("GET", "/metrics"),
        ("POST", "/"),
        ("DELETE", "/docs"),
    ],
)
def test_a_program_over_plain_http_is_refused_and_nothing_is_done(
    edge: Edge, services: StubServices, method: str, path: str
) -> None:
    services.seen.clear()
    answer = httpx.request(method, edge.http + path, headers={"Authorization": f"Bearer {edge.issuer.token()}"})
    assert_problem(answer, 403, "https_required")
    assert "location" not in answer.headers
    # RFC 6797, 7.2: never over a connection that is not secure.
    assert "strict-transport-security" not in answer.headers
    assert services.seen == []


@pytest.mark.requirement("R-51")
def test_plain_http_on_the_secure_port_is_refused(edge: Edge) -> None:
    answer = httpx.get(f"http://127.0.0.1:{edge.https_port}/api/v1/udf/config")
    assert_problem(answer, 400, "bad_request")
