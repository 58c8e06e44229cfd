"""Requests to addresses that users name: only to public ones, resolved once, never redirected, bounded in all ways."""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx
from kit.trust import trust

from notification.channels.port import Gone, NotNow, Refused

SECONDS_MAX: Final = 5
BYTES_MAX: Final = 65_536
URL_LENGTH_MAX: Final = 2_000
NOTHING_KEPT: Final = httpx.Limits(max_keepalive_connections=0)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NOT_OURS = tuple(ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23"))
"""IPv6 that stands for an IPv4 address (NAT64, 6to4) or a tunnel: it could lead back inside."""


class NotAllowed(Exception):
    """An address we do not send to; says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most 64 KiB of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_public(address: Address) -> bool:
    """Tell whether an address is of the open internet, and nothing but itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in NOT_OURS) or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@dataclass(frozen=True)
class Outward:
    """Sends. `loopback` is for tests alone: it lets http and this very machine through."""

    loopback: bool = False

    async def check(self, url: str) -> None:
        """Raise NotAllowed for what `post` would not send to; the same judgement at both times."""
        await self._resolve(self._parse(url))

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one request to the address its name has now.

        Raises:
            NotNow: nothing came back, too slowly, or too much.
            NotAllowed: for an address that is not public, or not https.
        """
        try:
            async with asyncio.timeout(SECONDS_MAX):
                target = self._parse(url)
                address = await self._resolve(target)
                return await self._exchange(target, address, content, headers)
        except TimeoutError:
            raise NotNow(f"no answer within {SECONDS_MAX} seconds") from None
        except httpx.HTTPError as failed:
            raise NotNow(f"no answer: {type(failed).__name__}") from None

    def _parse(self, url: str) -> httpx.URL:
        if len(url) > URL_LENGTH_MAX or not url.isprintable() or " " in url or "\\" in url:
            raise NotAllowed("this is not a web address")
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            raise NotAllowed("this is not a web address") from None
        if target.scheme != "https" and not (self.loopback and target.scheme == "http"):
            raise NotAllowed("the address must begin with https://")
        if target.userinfo:
            raise NotAllowed("the address must not hold a user name or password")
        if not target.host:
            raise NotAllowed("the address names no host")
        return target

    async def _resolve(self, target: httpx.URL) -> Address:
        """Find the one address to connect to; all that the name has must be public."""
        loop = asyncio.get_running_loop()
        name = target.raw_host.decode("ascii").strip("[]")
        try:
            async with asyncio.timeout(SECONDS_MAX):
                found = await loop.getaddrinfo(name, target.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            raise NotNow("the host's name is not known") from None
        addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
        for address in addresses:
            if not is_public(address) and not (self.loopback and address.is_loopback):
                raise NotAllowed("the host is not on the public internet")
        if not addresses:
            raise NotNow("the host's name is not known")
        return addresses[0]

    async def _exchange(
        self, target: httpx.URL, address: Address, content: bytes, headers: Mapping[str, str]
    ) -> Answer:
        host = target.netloc.decode("ascii")
        pinned = target.copy_with(host=str(address))
        known_as = {"sni_hostname": target.raw_host.decode("ascii")}
        # nothing is kept open: one address may serve many names, and a connection made for one is not another's
        client = httpx.AsyncClient(
            verify=trust(), follow_redirects=False, trust_env=False, timeout=SECONDS_MAX, limits=NOTHING_KEPT
        )
        sent = {"User-Agent": "exodus-notification", "Accept-Encoding": "identity", **headers, "Host": host}
        async with (
            client,
            client.stream("POST", pinned, content=content, headers=sent, extensions=known_as) as response,
        ):
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > BYTES_MAX:
                    raise NotNow(f"the answer was longer than {BYTES_MAX} bytes")
            return Answer(response.status_code, dict(response.headers), bytes(body))


def judge(answer: Answer) -> None:
    """Pass what was taken, and raise what an answer means otherwise."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in {404, 410}:
        raise Gone(f"the address does not exist any more (HTTP {status})")
    if status in {401, 403}:
        raise Gone(f"the address does not accept us any more (HTTP {status})")
    if status == 429 or status >= 500 or status in {408, 425}:
        raise NotNow(f"answered HTTP {status}", asked_pause(answer.headers))
    raise Refused(f"answered HTTP {status}" + (": redirects are not followed" if 300 <= status < 400 else ""))


def asked_pause(headers: Mapping[str, str]) -> timedelta | None:
    """Read `Retry-After` in seconds; a date is not worth the trouble."""
    text = headers.get("retry-after", "")
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else None
