"""What the edge speaks below HTTP/1.1: TLS versions, and HTTP/2 with requests that would fall apart as HTTP/1.1."""

import json
import socket
import ssl
import struct
import time
import warnings

import pytest

from gateway.tests.edge import Edge
from gateway.tests.stub_services import StubServices

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
LINE_SECONDS_MAX = 30


def handshake(edge: Edge, version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    with (
        socket.create_connection(("127.0.0.1", edge.https_port), timeout=5) as plain,
        context.wrap_socket(plain) as connection,
    ):
        return connection.version()


@pytest.mark.requirement("R-51")
def test_tls_1_2_and_1_3_are_spoken(edge: Edge) -> None:
    assert handshake(edge, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert handshake(edge, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"


@pytest.mark.requirement("R-51")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(edge: Edge, version: ssl.TLSVersion) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(edge, version)


@pytest.mark.requirement("R-51")
@pytest.mark.parametrize("ciphers", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "NULL", "DHE-RSA-AES256-SHA"])
def test_weak_ciphers_are_refused(edge: Edge, ciphers: str) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(edge, ssl.TLSVersion.TLSv1_2, f"{ciphers}:@SECLEVEL=0")


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header_block(*fields: tuple[bytes, bytes]) -> bytes:
    """HPACK without its table: every field spelt out."""
    return b"".join(b"\x00" + _hpack_text(name) + _hpack_text(value) for name, value in fields)


def _hpack_text(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, encoded = len(text) - 127, b"\x7f"
    while rest >= 128:
        encoded += bytes([rest % 128 + 128])
        rest //= 128
    return encoded + bytes([rest]) + text


def ask_http2(edge: Edge, *fields: tuple[bytes, bytes], body: bytes = b"") -> list[tuple[int, bytes]]:
    """Send one request and return the frames that come back: (kind, payload)."""
    flags = END_HEADERS | (0 if body else END_STREAM)
    with edge.connect("h2") as connection:
        assert connection.selected_alpn_protocol() == "h2"
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, flags, 1, header_block(*fields)))
        if body:
            connection.sendall(frame(DATA, END_STREAM, 1, body))
        connection.settimeout(0.4)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError, ssl.SSLError):
            pass
    frames = []
    while len(received) >= 9:
        length = int.from_bytes(received[:3], "big")
        frames.append((received[3], received[9 : 9 + length]))
        received = received[9 + length :]
    return frames


def pseudo(method: bytes, path: bytes) -> list[tuple[bytes, bytes]]:
    return [(b":method", method), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", path)]


def test_http_2_reaches_a_service_with_the_same_checks(edge: Edge, services: StubServices) -> None:
    services.seen.clear()
    frames = ask_http2(edge, *pseudo(b"GET", b"/api/v1/udf/config"), (b"x-user-id", b"1"), (b"x-tenant-id", b"1"))
    assert any(kind == DATA and b'"service": "market"' in payload for kind, payload in frames)
    frames = ask_http2(edge, *pseudo(b"GET", b"/api/v1/trading/orders"))
    assert any(kind == DATA and b"token_missing" in payload for kind, payload in frames)
    token = f"Bearer {edge.issuer.token()}".encode()
    ask_http2(edge, *pseudo(b"GET", b"/api/v1/trading/orders"), (b"authorization", token))
    assert [request["path"] for request in services.seen] == ["/api/v1/udf/config", "/api/v1/trading/orders"]
    assert "x-tenant-id" not in dict(services.seen[0]["headers"])


SMUGGLED = b"GET /internal/bars HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.requirement("R-50")
@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([*pseudo(b"POST", b"/api/v1/udf/config"), (b"content-length", b"0")], SMUGGLED),
        ([*pseudo(b"POST", b"/api/v1/udf/config"), (b"content-length", b"5")], SMUGGLED),
        ([*pseudo(b"POST", b"/api/v1/udf/config"), (b"content-length", b"500")], SMUGGLED),
        ([*pseudo(b"POST", b"/api/v1/udf/config"), (b"transfer-encoding", b"chunked")], b"0\r\n\r\n" + SMUGGLED),
        ([*pseudo(b"GET", b"/api/v1/udf/config"), (b"accept", b"a\r\ntransfer-encoding: chunked")], b""),
        ([*pseudo(b"GET", b"/api/v1/udf/config"), (b"accept", b"a\r\n\r\n" + SMUGGLED)], b""),
        ([*pseudo(b"GET", b"/api/v1/udf/config"), (b"accept\r\nx-user-id: 1\r\nb", b"a")], b""),
        (pseudo(b"GET", b"/api/v1/udf/config HTTP/1.1\r\nx-user-id: 1\r\nb: /"), b""),
        (pseudo(b"GET /internal/bars HTTP/1.1\r\nb: ", b"/api/v1/udf/config"), b""),
        ([*pseudo(b"GET", b"/api/v1/udf/config"), (b":path", b"/internal/bars")], b""),
        ([*pseudo(b"GET", b"/api/v1/udf/config"), (b"Host", b"evil.example")], b""),
        ([*pseudo(b"GET", b"/api/v1/udf/config"), (b"connection", b"upgrade"), (b"upgrade", b"h2c")], b""),
    ],
)
def test_an_http_2_request_never_becomes_two_requests(
    edge: Edge, services: StubServices, fields: list[tuple[bytes, bytes]], body: bytes
) -> None:
    services.seen.clear()
    ask_http2(edge, *fields, body=body)
    assert len(services.seen) <= 1
    for request in services.seen:
        assert request["path"] == "/api/v1/udf/config"
        assert {"x-user-id", "upgrade", "transfer-encoding"}.isdisjoint(dict(request["headers"]))


def test_a_line_of_what_never_became_a_request_can_be_read_as_all_others_can(edge: Edge) -> None:
    log, path = edge.config.parent.parent / "log" / "gateway-access.log", "/api/v1/udf/never"
    ask_http2(edge, *pseudo(b"GET", path.encode()), (b"accept\r\nx-user-id: 1\r\nb", b"a"))
    told, deadline = list[str](), time.monotonic() + LINE_SECONDS_MAX
    while not told:
        assert time.monotonic() < deadline, "nothing was written of it"
        time.sleep(0.1)  # nginx keeps lines back for a second, and tells nobody when it writes them
        told = [line for line in log.read_text().splitlines(keepends=True) if path in line and line[-1] == "\n"]
    assert [json.loads(line)["status"] for line in told] == [0]
