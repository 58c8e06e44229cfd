"""Whom the operator lets in at all, by address."""

from collections.abc import Iterator

import httpx
import pytest

from gateway.tests.edge import Edge, assert_problem, running_edge
from gateway.tests.stub_services import StubServices

# Loopback has one address only: the gateway believes this header about where a request comes from.
BELIEVES = {
    "nginx.conf": {
        "include upstreams.conf": "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address; include upstreams.conf"
    }
}


@pytest.fixture(scope="module")
def choosy_edge(services: StubServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    allowed = ("192.0.2.0/24", "2001:db8:7::/48", "198.51.100.7")
    folder = tmp_path_factory.mktemp("choosy")
    with running_edge(folder, services.upstreams, changes=BELIEVES, allowed=allowed) as running:
        yield running


def ask(edge: Edge, address: str, path: str = "/api/v1/udf/config") -> httpx.Response:
    return edge.ask("GET", path, headers={"X-Test-Address": address})


@pytest.mark.parametrize("address", ["192.0.2.9", "2001:db8:7::1", "198.51.100.7", "127.0.0.1"])
def test_who_is_named_comes_in(choosy_edge: Edge, address: str) -> None:
    assert ask(choosy_edge, address).status_code == httpx.codes.OK


@pytest.mark.parametrize("address", ["192.0.3.9", "2001:db8:8::1", "198.51.100.8"])
@pytest.mark.parametrize(
    "path", ["/", "/api/v1/udf/config", "/api/v1/trading/orders", "/health", "/docs", "//", "/ws/market"]
)
def test_who_is_not_named_is_refused_everywhere_and_no_service_hears_of_it(
    choosy_edge: Edge, services: StubServices, address: str, path: str
) -> None:
    services.seen.clear()
    assert_problem(ask(choosy_edge, address, path), 403, "address_not_allowed")
    assert services.seen == []


def test_over_plain_http_it_is_the_same(choosy_edge: Edge) -> None:
    answer = httpx.get(f"{choosy_edge.http}/", headers={"X-Test-Address": "192.0.3.9"}, trust_env=False)
    assert answer.status_code == httpx.codes.FORBIDDEN
