"""Addresses that users name: nothing but the open internet, once resolved, and never more than a bounded answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import pytest
from notification.channels.outward import BYTES_MAX, SECONDS_MAX, Answer, NotAllowed, Outward, is_public, judge
from notification.channels.port import Gone, NotNow, Refused

FORBIDDEN = [
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1.2.3/",
    "https://127.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://0.0.0.0/",
    "https://0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.0.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001::1]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://user:secret@127.0.0.1/",
    "https://example.com@127.0.0.1/",
    "http://example.com/",
    "http://127.0.0.1/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "https://",
    "https:///hook",
    "https://exa mple.com/",
    "https://example.com\\@127.0.0.1/",
    "https://１２７.０.０.１/",
    "nonsense",
    "https://" + "a" * 3_000,
]


@pytest.mark.requirement("R-55")
@pytest.mark.parametrize("url", FORBIDDEN)
async def test_no_address_inside_is_accepted_neither_when_named_nor_when_sent_to(url: str) -> None:
    outward = Outward()
    with pytest.raises((NotAllowed, NotNow)):
        await outward.check(url)
    with pytest.raises((NotAllowed, NotNow)):
        await outward.post(url, b"", {})


@pytest.mark.requirement("R-55")
@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", False)],
)
def test_only_an_address_that_is_nothing_but_itself_is_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiver(respond: Respond) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that reads a request's head, keeps it, and answers as told."""
    heads: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            await respond(writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heads


@pytest.mark.requirement("R-55")
async def test_a_redirect_is_not_followed() -> None:
    async def redirects(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /secret\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with receiver(redirects) as (port, heads):
        answer = await Outward(loopback=True).post(f"http://localhost:{port}/hook", b"{}", {})
        assert answer.status == 302
        with pytest.raises(Refused, match="redirects are not followed"):
            judge(answer)
    assert len(heads) == 1
    assert b"POST /hook " in heads[0]
    assert f"Host: localhost:{port}".encode() in heads[0], (
        "the name is kept, though the address is what is connected to"
    )


async def takes(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    await writer.drain()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the world's name service says, one answer after the other."""
    left: list[list[str]] = []

    def resolve(_name: str, port: int, *_more: int, **_named: int) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return left


@pytest.mark.requirement("R-55")
async def test_a_name_that_moves_inside_after_it_was_checked_is_not_sent_to(answers: list[list[str]]) -> None:
    async with receiver(takes) as (port, heads):
        answers += [["8.8.8.8"], ["127.0.0.1"]]
        await Outward().check(f"https://moving.example:{port}/")
        with pytest.raises(NotAllowed):
            await Outward().post(f"https://moving.example:{port}/", b"", {})
        answers += [["8.8.8.8", "127.0.0.1"]]
        with pytest.raises(NotAllowed):
            await Outward().check(f"https://moving.example:{port}/")
    assert heads == []


@pytest.mark.requirement("R-55")
async def test_a_name_is_resolved_once_and_the_connection_goes_where_that_led(answers: list[list[str]]) -> None:
    async with receiver(takes) as (port, heads):
        answers += [["127.0.0.1"], ["8.8.8.8"]]
        answer = await Outward(loopback=True).post(f"http://moving.example:{port}/", b"", {})
    assert (answer.status, len(heads)) == (204, 1)
    assert f"Host: moving.example:{port}".encode() in heads[0]
    assert answers == [["8.8.8.8"]]


@pytest.mark.requirement("R-55")
async def test_an_endless_answer_is_cut_off() -> None:
    async def floods(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
        while True:
            writer.write(b"x" * BYTES_MAX)
            await writer.drain()

    async with receiver(floods) as (port, _heads):
        with pytest.raises(NotNow, match="longer than"):
            await Outward(loopback=True).post(f"http://127.0.0.1:{port}/", b"{}", {})


@pytest.mark.requirement("R-55")
async def test_an_answer_that_trickles_is_given_up_after_five_seconds() -> None:
    async def trickles(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)

    async with receiver(trickles) as (port, _heads):
        began = asyncio.get_running_loop().time()
        with pytest.raises(NotNow, match="within 5 seconds"):
            await Outward(loopback=True).post(f"http://127.0.0.1:{port}/", b"{}", {})
        assert asyncio.get_running_loop().time() - began < SECONDS_MAX + 2


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(404, Gone), (410, Gone), (403, Gone), (401, Gone), (429, NotNow), (500, NotNow), (408, NotNow), (400, Refused)],
)
def test_an_answer_says_whether_to_try_again(status: int, meaning: type[Exception]) -> None:
    with pytest.raises(meaning):
        judge(Answer(status, {}, b""))
