"""One nginx before six stub services for the whole run, and a second one whose limits are small enough to reach."""

import gzip
from collections.abc import Iterator

import pytest
from kit.testing.serving import free_port

from gateway.tests.edge import Edge, running_edge
from gateway.tests.stub_services import StubServices, running_stubs

NARROW = {
    "snippets/limits.conf": {
        "zone=user:8m rate=1000r/s": "zone=user:8m rate=1r/s",
        "zone=user burst=1000": "zone=user burst=9",
        "zone=address:8m rate=2000r/s": "zone=address:8m rate=1r/s",
        "zone=address burst=4000": "zone=address burst=19",
        "limit_conn websockets 1000": "limit_conn websockets 3",
        "zone=handshakes:8m rate=10r/s": "zone=handshakes:8m rate=1r/m",
        "zone=handshakes burst=100 delay=10": "zone=handshakes burst=5 nodelay",
        "limit_conn under_way 32": "limit_conn under_way 2",
    },
    "nginx.conf": {
        "proxy_read_timeout 60s": "proxy_read_timeout 1s",
        "client_header_timeout 10s": "client_header_timeout 1s",
        "client_body_timeout 15s": "client_body_timeout 1s",
        "include upstreams.conf": "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address; include upstreams.conf",
    },
}


@pytest.fixture(scope="session")
def services() -> Iterator[StubServices]:
    with running_stubs() as stubs:
        yield stubs


@pytest.fixture(scope="session")
def edge(services: StubServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with running_edge(tmp_path_factory.mktemp("edge"), services.upstreams) as running:
        yield running


@pytest.fixture(scope="session")
def narrow_edge(services: StubServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """A gateway with small limits and short patience, and no broker behind it.

    It believes X-Test-Address about where a request comes from: loopback has one address only.
    """
    folder = tmp_path_factory.mktemp("narrow")
    web_root = folder / "web"
    (web_root / "assets").mkdir(parents=True)
    (web_root / "index.html").write_text("<!doctype html><title>client</title>")
    (web_root / "assets" / "app.js").write_text("export {};")
    (web_root / "assets" / "app.js.gz").write_bytes(gzip.compress(b"export {};"))
    (web_root / ".env").write_text("SECRET=1")
    upstreams = services.upstreams | {"broker": f"127.0.0.1:{free_port()}"}
    with running_edge(folder, upstreams, changes=NARROW, web_root=web_root) as running:
        yield running
