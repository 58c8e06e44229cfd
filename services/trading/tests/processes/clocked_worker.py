"""A worker by the machine's clock, told over its input what to do: for tests in which that clock is wrong."""

import asyncio
import json
import os
import sys
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from kit.auth import TokenVerifier, Unauthenticated
from kit.clock import now
from kit.settings import load
from kit.testing.tokens import KEY_ID
from trading.automator import Automator
from trading.config import Settings
from trading.jobs import Job, run_if_due, settle_accounts
from trading.resources import Resources, open_resources

SETTLE = Job("settle accounts", timedelta(minutes=1), settle_accounts)


async def obey(what: str, argument: str, resources: Resources, automator: Automator) -> object:
    """Do one thing, and say what came of it."""
    if what == "settle":
        return await run_if_due(resources, SETTLE, now)
    if what == "keep":
        return await automator.keep_appointments()
    if what == "verify":
        key = load_pem_public_key(os.environ["TOKEN_KEY"].encode())
        assert isinstance(key, EllipticCurvePublicKey)
        try:
            await TokenVerifier(issuer="exodus", audience="exodus", keys={KEY_ID: key}).verify(argument)
        except Unauthenticated as refused:
            return refused.code
        return "accepted"
    return now().isoformat()


async def main() -> None:
    """Obey until the input ends."""
    settings = load(Settings)
    async with open_resources(settings) as resources:
        automator = Automator(settings, resources, now)
        while line := await asyncio.to_thread(sys.stdin.readline):
            what, _, argument = line.strip().partition(" ")
            print(">", json.dumps(await obey(what, argument, resources, automator)), flush=True)  # noqa: T201


asyncio.run(main())
