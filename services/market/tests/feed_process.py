"""A process that tells live prices, for tests that stop it: `python feed_process.py URL URL REDIS CHANNEL MOMENT`.

Its clock stands still at a moment of its own, by which its quotes are told from another's.
"""

import asyncio
import sys
from datetime import datetime

from kit import cache
from kit.db import Database
from kit.observe import configure_logging
from market import lease, live
from market.live import LivePrices

LEASE_SECONDS = 2


async def main(url: str, system_url: str, redis_url: str, channel: str, moment: str) -> None:
    """Tell prices until killed."""
    configure_logging("market")
    lease.SILENCE_SECONDS_MAX = LEASE_SECONDS
    lease.BEAT_SECONDS = lease.RETRY_SECONDS = lease.RESTART_SECONDS = 0.2
    live.CHANNEL, live.LOOK_SECONDS = channel, 0.1  # type: ignore[misc]
    database = Database(url, system_url, pool_size=2, application="market")
    now = datetime.fromisoformat(moment)
    await LivePrices(database, cache.connect(redis_url), system_url, lambda: now).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
