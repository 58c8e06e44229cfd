"""The dead-man ping: while all is well we say so outside, and somebody there notices when we stop."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
from kit.errors import Unavailable
from kit.observe import log

TIMEOUT_SECONDS = 10


class DeadMan:
    """Pings an address of the operator's for as long as the checks pass: silence is the alarm.

    The operator's word is trusted: the address is not held to the rules for those that users name. It is a secret, so
    no log has it.
    """

    def __init__(self, url: str, every_seconds: int, checks: Callable[[], Awaitable[None]]) -> None:
        self._url = url
        self._every_seconds = every_seconds
        self._checks = checks

    async def run(self) -> None:
        """Ping until cancelled."""
        while True:
            await self.ping()
            await asyncio.sleep(self._every_seconds)

    async def ping(self) -> bool:
        """Ping once if all is well; tell whether it was heard."""
        try:
            await self._checks()
            async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(self._url)
        except Unavailable as ill:
            log.warning("no dead-man ping, for all is not well", error=str(ill))
            return False
        except httpx.HTTPError as failed:
            log.warning("the dead-man ping was not heard", error=type(failed).__name__)
            return False
        if not answer.is_success:
            log.warning("the dead-man ping was refused", status=answer.status_code)
        return answer.is_success
