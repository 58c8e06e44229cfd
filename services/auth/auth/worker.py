"""The worker: publishes, listens, sends mails, forgets. Run: `python -m auth.worker`."""

import asyncio

import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.db import Database
from kit.errors import Unavailable
from kit.observe import configure_logging, log
from kit.relay import Relay
from kit.settings import load
from kit.worker import run_tasks

from auth.anchors import anchor_forever
from auth.config import Settings
from auth.mailer import send_mails_forever
from auth.resources import open_resources
from auth.subscriptions import subscriptions
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


async def main() -> None:
    """Run until told to stop."""
    configure_logging("auth")
    settings = load(Settings)
    async with open_resources(settings) as resources:
        where = (settings.audit_anchor_file, settings.audit_anchor_command)
        anchors = anchor_forever(resources.database, *where, now)
        relay = Relay(settings, resources.database, "auth")
        consumer = Consumer(subscriptions, resources, settings.amqp_url.get_secret_value())
        tasks = [relay.run(), consumer.run(), forget_forever(resources.database), anchors]
        if settings.sends_mail:
            tasks.append(send_mails_forever(resources.database, settings))
        await run_tasks(resources, settings.worker_port, tasks)


if __name__ == "__main__":
    uvloop.run(main())
