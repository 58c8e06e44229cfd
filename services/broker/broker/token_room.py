"""The one token of a key for every process: PostgreSQL says who may ask the broker, and keeps what it answered, sealed.

Asking is claimed before it is done and the claim is committed, so ten restarts within a minute ask once. Who finds the
claim taken waits a little for the token that the other one is getting.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from kit.db import Database

from broker.adapters.line import TOKEN_EVERY, TOKEN_MARGIN, Issue
from broker.adapters.port import NotSent
from broker.store.tokens import claim_token, find_token, save_token
from broker.vault import Vault

WAIT_SECONDS: Final = 0.1
WAITS_MAX: Final = 15


class TokenRoom:
    """Shared by all tokens of a process."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def current(
        self, key_print: bytes, refused: str, clock: Callable[[], datetime], issue: Issue
    ) -> tuple[str, datetime]:
        """The token of a key, other than one that the broker has refused; and until when it lives.

        Raises:
            NotSent: when there is none, and it is too soon to ask again.
        """
        for _ in range(WAITS_MAX):
            if (found := await self._find(key_print, refused, clock())) is not None:
                return found
            async with self._database.public() as session:
                is_mine = await claim_token(session, key_print, clock(), TOKEN_EVERY)
            if is_mine:
                return await self._ask(key_print, issue)
            await asyncio.sleep(WAIT_SECONDS)
        raise NotSent("the broker is asked for one token a minute, and the last one is not valid any more")

    async def _find(self, key_print: bytes, refused: str, now: datetime) -> tuple[str, datetime] | None:
        async with self._database.public() as session:
            found = await find_token(session, key_print)
        if found is None or found.box is None or found.until is None or found.until - TOKEN_MARGIN <= now:
            return None
        text = self._vault.open_token(key_print, found.box)
        return None if text == refused else (text, found.until)

    async def _ask(self, key_print: bytes, issue: Issue) -> tuple[str, datetime]:
        text, until = await issue()
        async with self._database.public() as session:
            await save_token(session, key_print, until, self._vault.seal_token(key_print, text))
        return text, until
