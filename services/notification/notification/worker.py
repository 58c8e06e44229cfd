"""The worker: tells owners what others announce, and watches prices and rules. Run: `python -m notification.worker`."""

import asyncio
from datetime import timedelta
from functools import partial

import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.db import Database
from kit.errors import Unavailable
from kit.observe import configure_logging, log
from kit.relay import Relay
from kit.settings import load
from kit.worker import run_tasks

from notification.config import Settings
from notification.dead_man import DeadMan, require_young_backup
from notification.resources import open_resources
from notification.rule_watcher import RuleWatcher
from notification.sender import Sender
from notification.subscriptions import TELLINGS, subscribe, told_of
from notification.telegram_reader import TelegramReader
from notification.teller import Teller
from notification.usecases.forget_old import Keeping, forget_old
from notification.wants import tell_wants
from notification.watcher import Watcher

FORGET_EVERY_SECONDS = 60


async def forget_forever(database: Database, keeping: Keeping) -> None:
    """Throw away what is too old, a portion at a time, and at once the next while there is more."""
    while True:
        try:
            async with database.system() as session:
                deleted = await forget_old(session, keeping, now())
        except Unavailable as down:
            log.warning("nothing forgotten", error=str(down))
            deleted = 0
        if deleted == 0:
            await asyncio.sleep(FORGET_EVERY_SECONDS)


async def check_all(database: Database, settings: Settings) -> None:
    """See that the database answers, and that the newest backup is young.

    Raises:
        Unavailable: with what is not well.
    """
    await database.ping()
    if settings.backup_counted_from_file is not None:
        require_young_backup(settings.backup_counted_from_file, settings.backup_age_hours_max, now())


async def main() -> None:
    """Run until told to stop."""
    configure_logging("notification")
    settings = load(Settings)
    amqp_url = settings.amqp_url.get_secret_value()
    understand = partial(told_of, settings.restored_at)
    keeping = Keeping(*(timedelta(days=each) for each in settings.days_kept))
    async with open_resources(settings) as resources:
        subscriptions = subscribe(resources.hints.owner_was_told, settings.restored_at)
        teller = Teller(resources.database, understand, resources.hints.owner_was_told, now)
        subscriptions.gathered, subscriptions.gathers = teller.tell, TELLINGS.keys()
        tasks = [
            Relay(settings, resources.database, "notification").run(),
            Consumer(subscriptions, resources, amqp_url).run(),
            Watcher(resources, settings.redis_url.get_secret_value(), now).run(),
            RuleWatcher(resources, now).run(),
            tell_wants(resources),
            Sender(resources, resources.catalogue.ports, now).run(),
            forget_forever(resources.database, keeping),
        ]
        if resources.catalogue.bot is not None:
            tasks.append(TelegramReader(resources, resources.catalogue.bot, now).run())
        if settings.dead_man_url is not None:
            url = settings.dead_man_url.get_secret_value()
            tasks.append(
                DeadMan(url, settings.dead_man_seconds, partial(check_all, resources.database, settings)).run()
            )
        await run_tasks(resources, settings.worker_port, tasks, settings.worker_host)


if __name__ == "__main__":
    uvloop.run(main())
