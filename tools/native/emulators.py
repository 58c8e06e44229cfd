"""Emulators in place of the brokers, when `EXODUS_EMULATORS=1`; natively on ports next to the services'."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.native.layout import ROOT, Layout
from tools.native.probes import why_not_ready
from tools.native.programs import Program

FOLDERS: Final = ("libs/quant", "services/broker")


@dataclass(frozen=True)
class Emulator:
    """One broker's emulator: its port beside the base, where its notices are, and how often it may be called.

    `served_by` names the emulator that speaks for this one as well, on the same port.
    """

    offset: int
    stream: str
    calls_per_second: int
    served_by: str = ""
    market_stream: str = ""
    """Where its market is told, if not where its notices are."""

    def port(self, layout: Layout) -> int:
        return layout.ports.base + self.offset


EMULATORS: Final = {
    "kis": Emulator(301, "/tryitout", 1),
    "kis_us": Emulator(301, "/tryitout", 1, served_by="kis"),
    "ls": Emulator(302, "/websocket", 1),
    "kiwoom": Emulator(303, "/api/dostk/websocket", 1),
    "alpaca": Emulator(304, "/stream", 3, market_stream="/v2/iex"),
}
"""Calls a second are those of the built-in list; the emulators count as their brokers do."""
FEED: Final = {
    "BROKER_FEED_BROKER": "kis",
    "BROKER_FEED_KEY": "F" * 36,
    "BROKER_FEED_SECRET": "F" * 180,
    "BROKER_US_FEED_BROKER": "alpaca",
    "BROKER_US_FEED_KEY": "PK" + "F" * 18,
    "BROKER_US_FEED_SECRET": "F" * 40,
}
"""Live prices come from KIS's and Alpaca's emulators then, with keys that open nothing else: they let every pair in."""


def are_wanted() -> bool:
    """Whether `make up` was asked for them."""
    return os.environ.get("EXODUS_EMULATORS") == "1"


def programs(layout: Layout) -> list[Program]:
    """One process for each emulator."""
    if not are_wanted():
        return []
    return [_program(layout, name, each.port(layout)) for name, each in EMULATORS.items() if not each.served_by]


def _program(layout: Layout, name: str, port: int) -> Program:
    return Program(
        name=f"{name}-emulator",
        group="helpers",
        command=(
            *(sys.executable, "-m", "uvicorn", f"emulators.{name}.server:paper", "--factory"),
            *("--timeout-keep-alive", "10", "--host", "127.0.0.1", "--port", str(port)),
            *("--no-access-log", "--no-server-header"),
        ),
        directory=layout.directory,
        why_not_ready=lambda: why_not_ready(port, "/_emulator/ready"),
        environment={
            "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in FOLDERS),
            "PYTHONUNBUFFERED": "1",
        },
        depends_on=tuple(sorted((ROOT / "services/broker/emulators").glob("**/*.py"))),
    )


def settings(layout: Layout) -> dict[str, str]:
    """What the broker service is told, so that it speaks to the emulators: a list of brokers with their addresses."""
    if not are_wanted():
        return {}
    file: Path = layout.directory / "brokers.yaml"
    file.write_text(brokers_at({name: f"127.0.0.1:{each.port(layout)}" for name, each in EMULATORS.items()}))
    return {"BROKER_BROKERS_FILE": str(file)} | FEED


def brokers_at(hosts: Mapping[str, str]) -> str:
    """The list of brokers for the broker service, in JSON, which is YAML; `hosts` is where each one's emulator is."""
    brokers = {
        name: {
            "paper": {
                "rest": f"http://{hosts[name]}",
                "calls_per_second": each.calls_per_second,
                "stream": f"ws://{hosts[name]}{each.stream}",
            }
            | ({"data_stream": f"ws://{hosts[name]}{each.market_stream}"} if each.market_stream else {})
        }
        for name, each in EMULATORS.items()
    }
    return json.dumps(brokers, indent=1)
