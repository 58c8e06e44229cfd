"""A restored platform comes up in quarantine: people can look, and nothing goes out, until somebody releases it.

What the backup does not know has happened all the same: orders were sent, mails arrived, tokens were revoked. So

- no worker runs: they alone publish, send orders and write messages;
- the broker service opens no line to any broker, whatever a person asks it for (`BROKER_QUARANTINED`);
- automations are stopped and their open signals ended, and accounts at real brokers are halted one by one: what a
  signal or a waiting stop leads to may have happened already. Their owners look, and start them again;
- new orders are denied (the platform's kill switch), every session has ended (and no token of one is good: the key that
  signs them is a new one), and what waited to be told to people is not told any more: it most likely was;
- the facts of the last hour are published again after the release, because the bus was lost with the rest and an inbox
  takes each fact once. An order among them may be at its broker already: it is looked for, never sent
  (`BROKER_RESTORED_AT`), and no fact from before is told to people (`NOTIFICATION_RESTORED_AT`).
"""

import datetime as dt
import json
import uuid
from dataclasses import asdict, dataclass
from typing import Final

import asyncpg

from tools.backups.inventory import Server
from tools.native.accounts import write_private
from tools.native.credentials import database
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import SERVICES

REASON: Final = "restored from a backup"
NOBODY: Final = uuid.UUID(int=0)
LOST_WITH_THE_BUS: Final = dt.timedelta(hours=1)
"""Longer than any message waits on a healthy bus; alerts say so long before (deploy/prometheus/alerts.yml)."""

PUBLISH_AGAIN: Final = "UPDATE events SET published_at = NULL, retry_at = NULL WHERE occurred_at >= $1"
END: Final = {
    "auth": (
        "UPDATE sessions SET ended_at = $1, ended_because = 'restored' WHERE ended_at IS NULL",
        "DELETE FROM refresh_tokens",
        "DELETE FROM mails WHERE sent_at IS NULL",
    ),
    "trading": (
        "UPDATE accounts SET trading_halted = true WHERE connection_id IS NOT NULL",
        """INSERT INTO halts (owner_id, scope, scope_id, mode, reason, halted_at)
           SELECT owner_id, 'account', id, 'halted', 'restored from a backup', $1
             FROM accounts WHERE connection_id IS NOT NULL
           ON CONFLICT DO NOTHING""",
        "UPDATE automations SET status = 'stopped', reason = 'restored', changed_at = $1 WHERE status <> 'stopped'",
        """UPDATE automation_runs SET status = 'skipped', outcome = '{"why": "restored"}', settled_at = $1
            WHERE status = 'due'""",
        """UPDATE signals SET status = 'expired', detail = 'restored from a backup', settled_at = $1
            WHERE status IN ('asked', 'waiting')""",
        """UPDATE hook_alerts SET status = 'refused', detail = 'restored from a backup', settled_at = $1
            WHERE status = 'queued'""",
    ),
    "notification": (
        "UPDATE deliveries SET status = 'dropped', error = 'restored', settled_at = $1 WHERE status = 'waiting'",
    ),
}
HALT: Final = """
INSERT INTO platform_halt (mode, reason, halted_by, halted_at) VALUES ('halted', $1, $2, $3) ON CONFLICT DO NOTHING
"""
RELEASE: Final = "DELETE FROM platform_halt WHERE reason = $1 AND halted_by = $2"


@dataclass(frozen=True)
class Quarantine:
    """Since when a stack is in quarantine, and what it was restored from."""

    restored_at: str
    made_at: str
    backup: str


def current(layout: Layout) -> Quarantine | None:
    """The quarantine a stack is in, None when it is in none."""
    file = layout.quarantine_file
    return Quarantine(**json.loads(file.read_text())) if file.exists() else None


async def enter(layout: Layout, server: Server, quarantine: Quarantine) -> None:
    """Put a restored cluster into quarantine, before any service sees it; safe to repeat."""
    moment = dt.datetime.fromisoformat(quarantine.restored_at)
    since = dt.datetime.fromisoformat(quarantine.made_at) - LOST_WITH_THE_BUS
    for service in SERVICES:
        connection = await asyncpg.connect(server.url(database(service)), timeout=10)
        try:
            async with connection.transaction():
                await connection.execute(PUBLISH_AGAIN, since)
                for statement in END.get(service, ()):
                    await connection.execute(statement, *([moment] if "$1" in statement else []))
                if service == "trading":
                    await connection.execute(HALT, REASON, NOBODY, moment)
        finally:
            await connection.close()
    for service in ("broker", "notification"):
        write_private(layout.secrets / service / f"{service}_restored_at", quarantine.restored_at)
    write_private(layout.quarantine_file, json.dumps(asdict(quarantine), indent=1))


async def leave(layout: Layout, server: Server) -> Quarantine:
    """Let orders in again, unless somebody halted the platform besides; the next `up` starts the workers.

    Raises:
        StackError: when the stack is in no quarantine.
    """
    quarantine = current(layout)
    if quarantine is None:
        raise StackError("this stack is in no quarantine")
    connection = await asyncpg.connect(server.url(database("trading")), timeout=10)
    try:
        await connection.execute(RELEASE, REASON, NOBODY)
    finally:
        await connection.close()
    layout.quarantine_file.unlink()
    return quarantine
