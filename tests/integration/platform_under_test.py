"""A running platform as the tests handle it: start, look into a service's database, kill a process."""

import os
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg
from kit.testing.otlp import Receiver, receiving

from tools import cli, private_stack, web
from tools.native import credentials, running
from tools.native.layout import Layout
from tools.native.ports import Ports
from tools.native.programs import Program
from tools.native.supervisor import Supervisor
from tools.people import Gateway

SYMBOL = private_stack.SYMBOLS[0]
US_CASH = Decimal(100_000)
PORT_BASE = int(os.environ.get("EXODUS_TEST_PORT_BASE", "16000"))
"""Platforms may be tested side by side, of one checkout or of two; each needs 700 ports of its own."""
PORTS = Ports(base=PORT_BASE, gateway=PORT_BASE + 443, gateway_http=PORT_BASE + 80)
READY_SECONDS_MAX = 60
LEFT_ALONE = {"helpers", "monitoring"}


@dataclass
class Platform:
    """Everything that one `make up` starts, in a folder of its own."""

    layout: Layout
    gateway: Gateway
    traces: Receiver
    """Where every process of the platform sends its spans."""
    open_until_the_end: ExitStack

    @classmethod
    def start(cls) -> "Platform":
        os.environ |= {"EXODUS_EMULATORS": "live", "EXODUS_MONITORING": "1", "EXODUS_OUTSIDE": "1"}
        open_until_the_end = ExitStack()
        traces = open_until_the_end.enter_context(receiving(PORT_BASE + 98))
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = traces.endpoint
        web.build()
        layout = private_stack.start(f".stack-integration-{PORT_BASE}", PORTS)
        return cls(layout, cli.gateway_of(layout), traces, open_until_the_end)

    def stop(self) -> None:
        """Stop everything; the folder stays until the next start, for whoever wants to read the logs."""
        running.down(self.layout)
        self.open_until_the_end.close()

    def processes(self) -> dict[str, dict[str, Any]]:
        """What the supervisor says of each process, by name."""
        return {process["name"]: process for process in Supervisor(self.layout).processes()}

    def programs(self) -> list[Program]:
        """What runs of the platform itself: neither what helps in tests nor what watches."""
        known = self.processes()
        ours = (program for program in running.programs(self.layout) if program.group not in LEFT_ALONE)
        return [program for program in ours if program.name in known]

    def kill(self, name: str) -> int:
        """Kill -9 a process by the pid its supervisor knows; return that pid."""
        pid = int(self.processes()[name]["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_back(self, name: str, killed: int) -> float:
        """Wait until the supervisor has started a process again; return the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < READY_SECONDS_MAX:
            process = self.processes()[name]
            if process["statename"] == "RUNNING" and process["pid"] not in (0, killed):
                return time.monotonic() - began
            time.sleep(0.1)
        raise AssertionError(f"{name} was not started again in {READY_SECONDS_MAX} s")

    async def rows(self, service: str, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Read a service's database as its superuser: for proofs, never for convenience."""
        passwords = credentials.open_passwords(self.layout)
        address = credentials.postgres_url(passwords, credentials.Addresses.native(self.layout).postgres)
        url = address.replace("postgresql+asyncpg://", "postgresql://").rsplit("/", 1)[0]
        connection = await asyncpg.connect(f"{url}/exodus_{service}")
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()
