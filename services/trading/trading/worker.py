"""The working side of trading: publishes events, applies the broker's, watches stops. `python -m trading.worker`."""

import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.observe import configure_logging
from kit.relay import Relay
from kit.settings import load
from kit.worker import run_tasks

from trading.automator import Automator
from trading.booker import ACCEPTED, Booker
from trading.census import keep_census
from trading.config import Settings
from trading.days import KEEP_EVERY, keep_days
from trading.jobs import (
    ERASE_EVERY,
    FORGET_EVERY,
    PROVE_EVERY,
    SETTLE_EVERY,
    SNAPSHOTS_EVERY,
    WATCH,
    WATCH_EVERY,
    Job,
    erase_leavers,
    forget_old_books,
    prove_accounts,
    run_job,
    settle_accounts,
    take_snapshots,
    watch_orders,
)
from trading.learning import keep_learning
from trading.resources import open_resources
from trading.stops import StopWatcher, forget_keys
from trading.subscriptions import EXECUTED, subscriptions
from trading.switches import keep_switches
from trading.wants import tell_wants

JOBS = (
    Job(WATCH, WATCH_EVERY, watch_orders),
    Job("settle accounts", SETTLE_EVERY, settle_accounts),
    Job("take snapshots", SNAPSHOTS_EVERY, take_snapshots),
    Job("prove accounts", PROVE_EVERY, prove_accounts),
    Job("erase leavers", ERASE_EVERY, erase_leavers),
    Job("forget old books", FORGET_EVERY, forget_old_books),
    Job("keep days", KEEP_EVERY, keep_days),
)


async def main() -> None:
    """Run until told to stop."""
    configure_logging("trading")
    settings = load(Settings)
    amqp_url = settings.amqp_url.get_secret_value()
    async with open_resources(settings) as resources:
        relay = Relay(settings, resources.database, "trading")
        subscriptions.gathers = (EXECUTED, ACCEPTED)
        subscriptions.gathered = Booker(resources.database, now).book
        consumer = Consumer(subscriptions, resources, amqp_url)
        stops = StopWatcher(settings, resources, now)
        chores = [run_job(resources, job, now) for job in JOBS]
        switches, automator = keep_switches(resources, now), Automator(settings, resources, now)
        census = keep_census(resources, now)
        always = [relay.run(), consumer.run(), stops.run(), switches, automator.run(), forget_keys(resources, now)]
        assert resources.progress is not None
        always += [census, tell_wants(resources), keep_learning(resources.database), resources.progress.tell_forever()]
        await run_tasks(resources, settings.worker_port, [*always, *chores], settings.worker_host)


if __name__ == "__main__":
    uvloop.run(main())
