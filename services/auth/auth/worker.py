"""The worker: publishes, listens, sends mails, forgets. Run: `python -m auth.worker`."""

import asyncio
from uuid import NAMESPACE_DNS, uuid5

import httpx
import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.db import Database
from kit.errors import Unavailable
from kit.ids import new_id
from kit.observe import configure_logging, log
from kit.relay import Relay
from kit.settings import load
from kit.worker import run_tasks

from auth.anchors import anchor_forever
from auth.clients.belongings import TIMEOUTS, Belongings
from auth.collector import collect_forever
from auth.config import Settings
from auth.mailer import send_mails_forever
from auth.resources import Resources, open_resources
from auth.subscriptions import subscriptions
from auth.tokens import Claims
from auth.usecases.forget_expired import forget_expired

FORGET_EVERY_SECONDS = 600


async def forget_forever(database: Database) -> None:
    """Throw away what has expired, every ten minutes; while the database is away there is no hurry."""
    while True:
        try:
            async with database.system() as session:
                await forget_expired(session, now())
        except Unavailable as down:
            log.warning("nothing forgotten", error=str(down))
        await asyncio.sleep(FORGET_EVERY_SECONDS)


async def collect(resources: Resources) -> None:
    """Collect exports from every service, by tokens of our own."""
    subject = uuid5(NAMESPACE_DNS, "auth.exodus.internal")

    def token() -> str:
        claims = Claims(subject, new_id(), new_id(), role="service", name="auth")
        return resources.signer.sign(claims, now())

    async with httpx.AsyncClient(timeout=TIMEOUTS) as http:
        belongings = Belongings(http, resources.settings.url_of, token)
        await collect_forever(resources.database, belongings, now)


async def main() -> None:
    """Run until told to stop."""
    configure_logging("auth")
    settings = load(Settings)
    async with open_resources(settings) as resources:
        where = (settings.audit_anchor_file, settings.audit_anchor_command)
        anchors = anchor_forever(resources.database, *where, now)
        relay = Relay(settings, resources.database, "auth")
        consumer = Consumer(subscriptions, resources, settings.amqp_url.get_secret_value())
        tasks = [relay.run(), consumer.run(), forget_forever(resources.database), anchors, collect(resources)]
        if settings.sends_mail:
            tasks.append(send_mails_forever(resources.database, settings))
        await run_tasks(resources, settings.worker_port, tasks)


if __name__ == "__main__":
    uvloop.run(main())
