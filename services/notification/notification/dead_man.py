"""The dead-man ping: while all is well we say so outside, and somebody there notices when we stop."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from kit.errors import Unavailable
from kit.observe import log
from kit.trust import trust

TIMEOUT_SECONDS = 10


def require_young_backup(counted_from: Path, hours_max: int, now: datetime) -> None:
    """See that the newest proved backup is young enough.

    Args:
        counted_from: the file that says from when the age of backups counts (ISO 8601).
        hours_max: the age that still is well.
        now: the present moment.

    Raises:
        Unavailable: when the backup is older, or the file says nothing: what is not known is not well.
    """
    try:
        age = now - datetime.fromisoformat(counted_from.read_text().strip())
    except (OSError, ValueError, TypeError) as unknown:
        raise Unavailable(f"The age of the backups is not known: {type(unknown).__name__}.") from unknown
    if age > timedelta(hours=hours_max):
        raise Unavailable(f"The newest proved backup is {age.total_seconds() / 3600:.0f} hours old.")


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
            async with httpx.AsyncClient(verify=trust(), trust_env=False, timeout=TIMEOUT_SECONDS) as client:
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
