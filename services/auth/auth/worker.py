"""The worker: publishes, listens, sends mails, forgets. Run: `python -m auth.worker`."""

import asyncio
from pathlib import Path
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
from kit.trust import trust
from kit.worker import run_tasks
from sqlalchemy.exc import DBAPIError

from auth.anchors import anchor_forever, heads_to_cut
from auth.clients.belongings import TIMEOUTS, Belongings
from auth.collector import collect_forever
from auth.config import Settings
from auth.domain.audit import Flawed
from auth.mailer import send_mails_forever
from auth.resources import Resources, open_resources
from auth.store import audit, proposals
from auth.subscriptions import subscriptions
from auth.tokens import Claims
from auth.usecases.cut_audit import cut_audit
from auth.usecases.forget_expired import forget_expired
from auth.usecases.put_rights_in_force import put_rights_in_force

FORGET_EVERY_SECONDS = 600
CUT_EVERY_SECONDS = 86_400
RIGHTS_EVERY_SECONDS = 60


async def forget_forever(database: Database) -> None:
    """Throw away what has expired, every ten minutes; while the database is away there is no hurry."""
    while True:
        try:
            async with database.system() as session:
                await forget_expired(session, now())
        except Unavailable as down:
            log.warning("nothing forgotten", error=str(down))
        await asyncio.sleep(FORGET_EVERY_SECONDS)


async def cut_audit_once(database: Database, anchors: Path | None) -> None:
    """Cut off what the audit log has kept long enough; where no heads are written down, it keeps all."""
    try:
        async with database.system() as session:
            first = await audit.find_first(session)
        heads = await asyncio.to_thread(heads_to_cut, anchors, first or 1, now())
        async with database.system() as session:
            if removed := await cut_audit(session, heads, now()):
                log.info("the audit log is cut", entries=removed)
    except Flawed as flaw:
        log.error("the audit log is not what was written, and is kept", flaw=str(flaw))
    except (Unavailable, OSError, DBAPIError) as failed:
        log.warning("the audit log is not cut", error=str(failed))


async def cut_audit_forever(database: Database, anchors: Path | None) -> None:
    """Look every day."""
    while True:
        await cut_audit_once(database, anchors)
        await asyncio.sleep(CUT_EVERY_SECONDS)


async def put_rights_in_force_forever(database: Database) -> None:
    """Let rights count whose day has passed; the day is long enough for a minute more."""
    while True:
        try:
            async with database.system() as session:
                due = await proposals.list_due(session, now())
            for user_id in due:
                async with database.system() as session:
                    await put_rights_in_force(session, user_id, now())
        except Unavailable as down:
            log.warning("no rights put in force", error=str(down))
        await asyncio.sleep(RIGHTS_EVERY_SECONDS)


async def collect(resources: Resources) -> None:
    """Collect exports from every service, by tokens of our own."""
    subject = uuid5(NAMESPACE_DNS, "auth.exodus.internal")

    def token() -> str:
        claims = Claims(subject, new_id(), new_id(), role="service", name="auth")
        return resources.signer.sign(claims, now())

    async with httpx.AsyncClient(verify=trust(), timeout=TIMEOUTS) as http:
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
        tasks.append(put_rights_in_force_forever(resources.database))
        tasks.append(cut_audit_forever(resources.database, settings.audit_anchor_file))
        if settings.sends_mail:
            tasks.append(send_mails_forever(resources.database, settings))
        await run_tasks(resources, settings.worker_port, tasks, settings.worker_host)


if __name__ == "__main__":
    uvloop.run(main())
