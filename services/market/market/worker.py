"""The worker process: publishes events, plays replays, tells live prices, rolls minutes and runs pipelines."""

import sys

import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.observe import configure_logging
from kit.relay import Relay
from kit.settings import load
from kit.worker import run_tasks

from market.config import Settings
from market.live import LivePrices
from market.pipelines.figures import Figures
from market.pipelines.minutes import Minutes
from market.pipelines.runner import PipelineRunner, Sources
from market.providers.catalogue import Catalogue, SettingMissing, open_catalogue
from market.providers.failover import Failover
from market.replayer import Replayer
from market.resources import open_resources
from market.roller import MinuteRoller
from market.subscriptions import subscriptions


async def main() -> None:
    """Run until told to stop."""
    configure_logging("market")
    settings = load(Settings)
    system_url = settings.system_database_url.get_secret_value()
    async with open_resources(settings) as resources:
        relay = Relay(settings, resources.database, "market")
        replayer = Replayer(resources.database, resources.cache, system_url, now)
        roller = MinuteRoller(resources.database, resources.cache, system_url, now)
        live = LivePrices(resources.database, resources.cache, system_url, now)
        consumer = Consumer(subscriptions, resources, settings.amqp_url.get_secret_value())
        sources = _sources(settings)
        minutes = Minutes(sources.minutes, settings.minute_symbols)
        figures = Figures(sources.portal, sources.dart)
        asked = Sources(Failover(sources.providers, now), figures, sources.yahoo, minutes, sources.kis)
        runner = PipelineRunner(resources.database, resources.panels, asked, system_url, now)
        try:
            tasks = [relay.run(), replayer.run(), roller.run(), live.run(), runner.run(), consumer.run()]
            await run_tasks(resources, settings.worker_port, tasks, settings.worker_host)
        finally:
            await sources.close()


def _sources(settings: Settings) -> Catalogue:
    """The sources of the settings; without a key that one of them needs the process ends, and says which."""
    try:
        return open_catalogue(settings, now)
    except SettingMissing as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    uvloop.run(main())
