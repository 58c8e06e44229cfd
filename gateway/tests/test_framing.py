"""Requests whose end can be read in two ways: refused, or read the one right way; never turned into two."""

import pytest

from gateway.tests.edge import Edge, statuses
from gateway.tests.stub_services import StubServices

PUBLIC = "/api/v1/udf/config"
HIDDEN = "GET /api/v1/udf/time HTTP/1.1\r\nHost: localhost\r\nX-User-ID: 1\r\n\r\n"
POST = f"POST {PUBLIC} HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
END = "0\r\n\r\n"

# (what is tried, the bytes). All of them must be refused, or end the connection, without a second request arriving.
REFUSED = [
    ("CL.TE", f"{POST}Content-Length: {len(END + HIDDEN)}\r\n{CHUNKED}\r\n{END}{HIDDEN}"),
    ("TE.CL", f"{POST}{CHUNKED}Content-Length: 4\r\n\r\n{len(HIDDEN):x}\r\n{HIDDEN}\r\n{END}"),
    ("CL zero and TE", f"{POST}Content-Length: 0\r\n{CHUNKED}\r\n{END}{HIDDEN}"),
    ("two lengths that differ", f"{POST}Content-Length: 0\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}"),
    ("two lengths that agree", f"{POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}"),
    ("two lengths in one", f"{POST}Content-Length: 0, {len(HIDDEN)}\r\n\r\n{HIDDEN}"),
    ("a length with a sign", f"{POST}Content-Length: +2\r\n\r\n{{}}"),
    ("a negative length", f"{POST}Content-Length: -1\r\n\r\n{HIDDEN}"),
    ("a hexadecimal length", f"{POST}Content-Length: 0x2\r\n\r\n{{}}"),
    ("a length with letters", f"{POST}Content-Length: 2abc\r\n\r\n{{}}"),
    ("a length beyond all numbers", f"{POST}Content-Length: 99999999999999999999999\r\n\r\n{{}}"),
    ("an empty length", f"{POST}Content-Length: \r\n\r\n{HIDDEN}"),
    ("an unknown encoding", f"{POST}Transfer-Encoding: xchunked\r\n\r\n{END}{HIDDEN}"),
    ("identity", f"{POST}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{{}}"),
    ("chunked twice", f"{POST}Transfer-Encoding: chunked, chunked\r\n\r\n{END}{HIDDEN}"),
    ("two encodings", f"{POST}{CHUNKED}Transfer-Encoding: identity\r\n\r\n{END}{HIDDEN}"),
    ("chunked behind another", f"{POST}Transfer-Encoding: gzip, chunked\r\n\r\n{END}{HIDDEN}"),
    ("a vertical tab before chunked", f"{POST}Transfer-Encoding: \x0bchunked\r\n\r\n{END}{HIDDEN}"),
    ("quoted", f'{POST}Transfer-Encoding: "chunked"\r\n\r\n{END}{HIDDEN}'),
    ("chunked in HTTP/1.0", f"POST {PUBLIC} HTTP/1.0\r\nHost: localhost\r\n{CHUNKED}\r\n{END}{HIDDEN}"),
    ("a chunk size of no digits", f"{POST}{CHUNKED}\r\n\r\n{HIDDEN}"),
    ("a chunk size with a sign", f"{POST}{CHUNKED}\r\n-1\r\n{HIDDEN}"),
    ("a chunk size of 0x2", f"{POST}{CHUNKED}\r\n0x2\r\n{{}}\r\n{END}{HIDDEN}"),
    ("a chunk size beyond all numbers", f"{POST}{CHUNKED}\r\nffffffffffffffffff\r\n{HIDDEN}"),
    ("a chunk longer than it says", f"{POST}{CHUNKED}\r\n1\r\n{{}}\r\n{END}{HIDDEN}"),
    ("no host", f"GET {PUBLIC} HTTP/1.1\r\n\r\n"),
    ("two hosts", f"GET {PUBLIC} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
    ("a host with a path", f"GET {PUBLIC} HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
    ("a NUL in a header", f"GET {PUBLIC} HTTP/1.1\r\nHost: localhost\r\nAccept: a\x00b\r\n\r\n"),
    ("a bare CR in a header", f"GET {PUBLIC} HTTP/1.1\r\nHost: localhost\r\nAccept: a\rX-User-ID: 1\r\n\r\n"),
    ("a space before the colon", f"{POST}Content-Length : {len(HIDDEN)}\r\n\r\n{HIDDEN}"),
    ("HTTP/3.0", f"GET {PUBLIC} HTTP/3.0\r\nHost: localhost\r\n\r\n"),
    ("HTTP/1.10", f"GET {PUBLIC} HTTP/1.10\r\nHost: localhost\r\n\r\n"),
    ("no version and a host", f"GET {PUBLIC}\r\nHost: localhost\r\n\r\n"),
    ("a folded line", f"{POST}Accept: a\r\n X-User-ID: 1\r\nContent-Length: 2\r\n\r\n{{}}"),
    ("a folded encoding", f"{POST}Accept: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{{}}"),
    ("HTTP/0.9 around the path check", "GET /api/v1//udf/config\r\n"),
    ("a line of NULs", "\x00" * 100 + "\r\n\r\n"),
]

# (what is tried, the bytes, the size of the one body that arrives)
READ_ONE_WAY = [
    ("chunks", f"{POST}{CHUNKED}\r\n2\r\n{{}}\r\n{END}", 2),
    ("CHUNKED in capitals", f"{POST}transfer-encoding: CHUNKED\r\n\r\n2\r\n{{}}\r\n{END}", 2),
    ("a chunk extension", f"{POST}{CHUNKED}\r\n2;a=b\r\n{{}}\r\n{END}", 2),
    ("a chunk extension with a quoted end", f'{POST}{CHUNKED}\r\n2;a="0"\r\n{{}}\r\n{END}', 2),
    ("a trailer", f"{POST}{CHUNKED}\r\n2\r\n{{}}\r\n0\r\nX-User-ID: 1\r\n\r\n", 2),
    ("a length with zeros in front", f"{POST}Content-Length: 0002\r\n\r\n{{}}", 2),
    ("bare line feeds", f"{POST}Content-Length: 2\r\n\r\n".replace("\r\n", "\n") + "{}", 2),
    (
        "a body with a GET",
        f"GET {PUBLIC} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
        len(HIDDEN),
    ),
    ("an underscore in the length", f"{POST}Content_Length: 50\r\nContent-Length: 2\r\n\r\n{{}}", 2),
    ("an underscore in the encoding", f"{POST}Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\n{{}}", 2),
    ("an expectation", f"{POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}", 2),
]


@pytest.mark.requirement("R-50")
@pytest.mark.parametrize(("trick", "sent"), REFUSED, ids=[name for name, _ in REFUSED])
def test_an_ambiguous_frame_is_refused_and_nothing_arrives(
    edge: Edge, services: StubServices, trick: str, sent: str
) -> None:
    services.seen.clear()
    answer = edge.raw(sent.encode("latin-1"))
    assert statuses(answer) in ([400], [501], [505], []), trick
    assert services.seen == [], trick
    assert b"application/problem+json" in answer or b"urn:exodus:problem:" in answer


@pytest.mark.requirement("R-50")
@pytest.mark.parametrize(("trick", "sent", "size"), READ_ONE_WAY, ids=[name for name, _, _ in READ_ONE_WAY])
def test_an_odd_frame_is_one_request_and_the_next_one_on_the_line_is_the_next(
    edge: Edge, services: StubServices, trick: str, sent: str, size: int
) -> None:
    services.seen.clear()
    following = "GET /api/v1/udf/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = edge.raw((sent + following).encode("latin-1"), pause_seconds=0)
    assert [status for status in statuses(answer) if status != 100] == [200, 200], trick
    assert [(request["path"], request["body_bytes"]) for request in services.seen] == [
        (PUBLIC, size),
        ("/api/v1/udf/search", 0),
    ]
    for request in services.seen:
        assert {"x-user-id", "transfer-encoding", "expect"}.isdisjoint(dict(request["headers"]))


@pytest.mark.requirement("R-50")
def test_bytes_after_a_refusal_are_not_a_request(edge: Edge, services: StubServices) -> None:
    services.seen.clear()
    for refused in (
        f"{POST}Content-Length: x\r\n\r\n",
        f"POST {PUBLIC} HTTP/1.1\r\nHost: l\r\nContent-Length: 2000000\r\n\r\n",
    ):
        assert len(statuses(edge.raw((refused + HIDDEN).encode()))) == 1
    assert services.seen == []
