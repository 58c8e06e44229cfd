"""WebSockets through the edge: where they end, whose pages may open them, and how many."""

import contextlib
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.sync.client import ClientConnection, connect

from gateway.tests.edge import Edge, assert_problem
from gateway.tests.stub_services import StubServices

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def open_socket(edge: Edge, path: str, **options: object) -> ClientConnection:
    """Open a WebSocket, by TLS 1.2.

    The client reads in one thread while it writes in another. With TLS 1.3 the tickets that follow a handshake are read
    while the request is written, which Python's ssl lets collide (measured: 6 of 1,309 handshakes lost, none of 4,097
    by TLS 1.2, where nothing follows a handshake).
    """
    context = ssl.create_default_context(cafile=str(edge.certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return connect(f"wss://localhost:{edge.https_port}{path}", ssl=context, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "service"),
    [("/ws/market", "market"), ("/ws/account", "notification"), ("/ws/backtest", "backtest")],
)
def test_messages_go_both_ways(edge: Edge, services: StubServices, path: str, service: str) -> None:
    services.seen.clear()
    with open_socket(edge, path) as connection:
        connection.send('{"action":"ping"}')
        assert connection.recv(timeout=30) == '{"action":"ping"}'
    assert (services.seen[0]["service"], services.seen[0]["path"]) == (service, path)


@pytest.mark.requirement("R-34")
def test_compression_is_off_and_the_bearer_subprotocol_arrives(edge: Edge, services: StubServices) -> None:
    services.seen.clear()
    with open_socket(edge, "/ws/account", subprotocols=["bearer", "a.b.c"]) as connection:
        assert connection.subprotocol == "bearer"
        assert "Sec-WebSocket-Extensions" not in connection.response.headers
    headers = dict(services.seen[0]["headers"])
    assert headers["sec-websocket-protocol"] == "bearer, a.b.c"
    assert "sec-websocket-extensions" not in headers


@pytest.mark.requirement("R-34")
def test_our_own_page_may_open_a_websocket(edge: Edge) -> None:
    with open_socket(edge, "/ws/market", origin=f"https://localhost:{edge.https_port}") as connection:
        connection.send("x")
        assert connection.recv(timeout=30) == "x"


@pytest.mark.requirement("R-34")
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1:{port}",
        "https://127.0.0.1",
        "https://127.0.0.1:{port}.evil.example",
        "https://evil.example/https://127.0.0.1:{port}",
        "https://evil.127.0.0.1:{port}",
        "https://127.0.0.1:{port}@evil.example",
        "https://127.0.0.1:1{port}",
        "file://",
    ],
)
def test_a_page_of_another_site_may_not(edge: Edge, services: StubServices, origin: str) -> None:
    services.seen.clear()
    headers = HANDSHAKE | {"Origin": origin.format(port=edge.https_port)}
    assert_problem(edge.ask("GET", "/ws/market", headers=headers), 403, "origin_not_allowed")
    assert services.seen == []


@pytest.mark.requirement("R-34")
@pytest.mark.parametrize("query", ["?token=abc", "?access_token=abc", "?a=1&TOKEN=abc"])
def test_a_token_in_the_address_is_refused(edge: Edge, services: StubServices, query: str) -> None:
    services.seen.clear()
    assert_problem(edge.ask("GET", f"/ws/account{query}", headers=HANDSHAKE), 400, "token_in_address")
    assert services.seen == []


@pytest.mark.requirement("R-34")
def test_one_address_has_a_bounded_number_of_websockets(narrow_edge: Edge) -> None:
    with contextlib.ExitStack() as opened:
        for address in ("192.0.2.40", "192.0.2.40", "192.0.2.40", "192.0.2.41"):
            headers = {"X-Test-Address": address}
            opened.enter_context(open_socket(narrow_edge, "/ws/market", additional_headers=headers))
        refused = narrow_edge.ask("GET", "/ws/market", headers=HANDSHAKE | {"X-Test-Address": "192.0.2.40"})
        assert_problem(refused, 429, "rate_limit")


@pytest.mark.requirement("R-32", "R-34")
def test_who_tries_without_end_is_refused_before_a_service_hears_of_it(
    narrow_edge: Edge, services: StubServices
) -> None:
    headers = {"X-Test-Address": "192.0.2.50"}
    for _ in range(6):
        with open_socket(narrow_edge, "/ws/market", additional_headers=headers):
            pass
    services.seen.clear()
    refused = narrow_edge.ask("GET", "/ws/account", headers=HANDSHAKE | headers)
    assert_problem(refused, 429, "rate_limit")
    assert (refused.headers["x-ratelimit-limit"], refused.headers["retry-after"]) == ("20", "1")
    assert services.seen == []
    with open_socket(narrow_edge, "/ws/market", additional_headers={"X-Test-Address": "192.0.2.51"}) as others:
        others.send("x")
        assert others.recv(timeout=30) == "x"


@pytest.mark.requirement("R-32", "R-34")
def test_many_who_come_at_once_from_one_address_wait_for_their_turn_and_are_served(edge: Edge) -> None:
    """Ten and one begin at once, then one each 100 ms: 40 take some three seconds."""

    def enter(_: int) -> float:
        with open_socket(edge, "/ws/market") as connection:
            connection.send("x")
            assert connection.recv(timeout=30) == "x"
        return time.monotonic()

    began = time.monotonic()
    with ThreadPoolExecutor(40) as office:
        served = sorted(moment - began for moment in office.map(enter, range(40)))
    assert served[-1] >= 2.8
    assert time.monotonic() - began < 10
