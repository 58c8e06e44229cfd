"""What we ask every service, ourselves included: everything that is one person's."""

import zlib
from collections.abc import Callable, Mapping
from uuid import UUID

import httpx
from kit.errors import Unavailable

BYTES_MAX = 64 * 1024 * 1024
PORTION_BYTES = 1 << 16
TIMEOUTS = httpx.Timeout(30.0, connect=3.0)


class Belongings:
    """Reads one service's answer at a time, and keeps it compressed while it comes."""

    def __init__(self, http: httpx.AsyncClient, urls: Mapping[str, str], token: Callable[[], str]) -> None:
        """Ask by tokens that `token` makes: of auth itself, good for internal routes only."""
        self._http = http
        self._urls = urls
        self._token = token

    async def of(self, owner: UUID, service: str) -> bytes:
        """Return a service's JSON document, compressed by zlib.

        Raises:
            Unavailable: when the service does not answer with a whole document, in words for the owner.
        """
        if service not in self._urls:
            raise Unavailable(f"{service} is not set up to be asked.")
        url = f"{self._urls[service].rstrip('/')}/internal/belongings/{owner}"
        packer, packed, size = zlib.compressobj(), [], 0
        try:
            async with self._http.stream("GET", url, headers={"Authorization": f"Bearer {self._token()}"}) as answer:
                answer.raise_for_status()
                async for portion in answer.aiter_bytes(PORTION_BYTES):
                    size += len(portion)
                    if size > BYTES_MAX:
                        raise Unavailable(f"{service} holds more than an archive may: ask the operator.")
                    packed.append(packer.compress(portion))
        except httpx.HTTPError as failed:
            raise Unavailable(f"{service} does not answer at the moment.") from failed
        return b"".join((*packed, packer.flush()))
