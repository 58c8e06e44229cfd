"""Emulators in place of the brokers, when `EXODUS_EMULATORS` is 1 or `live`; natively on ports next to the services'.

With `live` two of them play their broker's real environment as well, at places of their own: with no money, and for
nobody before the operator's switch is on. So the whole way of a live order can be seen.
"""

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

LIVE: Final = "live"
FOLDERS: Final = ("libs/quant", "services/broker")


@dataclass(frozen=True)
class Emulator:
    """One broker's emulator: its port beside the base, where its notices are, and how often it may be called.

    `served_by` names the emulator that speaks for this one as well, on the same port. `live_offset` is where its real
    environment is played, if it is.
    """

    offset: int
    stream: str
    calls_per_second: int
    served_by: str = ""
    live_offset: int | None = None
    market_stream: str = ""
    """Where its market is told, if not where its notices are."""

    def port(self, layout: Layout) -> int:
        return layout.ports.base + self.offset

    def live_port(self, layout: Layout) -> int | None:
        return None if self.live_offset is None else layout.ports.base + self.live_offset


EMULATORS: Final = {
    "kis": Emulator(301, "/tryitout", 1, live_offset=321),
    "kis_us": Emulator(301, "/tryitout", 1, served_by="kis"),
    "ls": Emulator(302, "/websocket", 1),
    "kiwoom": Emulator(303, "/api/dostk/websocket", 1),
    "alpaca": Emulator(304, "/stream", 3, live_offset=324, market_stream="/v2/iex"),
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
    return os.environ.get("EXODUS_EMULATORS") in {"1", LIVE}


def live_are_wanted() -> bool:
    """Whether real environments are played as well."""
    return os.environ.get("EXODUS_EMULATORS") == LIVE


def programs(layout: Layout) -> list[Program]:
    """One process for each emulator."""
    if not are_wanted():
        return []
    wanted = [(name, "paper", each.port(layout)) for name, each in EMULATORS.items() if not each.served_by]
    wanted += [(name, "real", port) for name, port in _live_ports(layout).items()]
    return [_program(layout, *each) for each in wanted]


def _live_ports(layout: Layout) -> dict[str, int]:
    if not live_are_wanted():
        return {}
    return {name: port for name, each in EMULATORS.items() if (port := each.live_port(layout)) is not None}


def _program(layout: Layout, name: str, plays: str, port: int) -> Program:
    return Program(
        name=f"{name}-emulator" if plays == "paper" else f"{name}-live-emulator",
        group="helpers",
        command=(
            *(sys.executable, "-m", "uvicorn", f"emulators.{name}.server:{plays}", "--factory"),
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
    here = {name: f"127.0.0.1:{each.port(layout)}" for name, each in EMULATORS.items()}
    file.write_text(brokers_at(here, {name: f"127.0.0.1:{port}" for name, port in _live_ports(layout).items()}))
    return {"BROKER_BROKERS_FILE": str(file)} | FEED


def brokers_at(hosts: Mapping[str, str], live: Mapping[str, str] | None = None) -> str:
    """The list of brokers for the broker service, in JSON, which is YAML.

    Args:
        hosts: where each one's emulator is.
        live: where real environments are played.
    """
    apart = {"paper": hosts, "real": live or {}}
    brokers = {
        name: {
            environment: {
                "rest": f"http://{places[name]}",
                "calls_per_second": each.calls_per_second,
                "stream": f"ws://{places[name]}{each.stream}",
            }
            | ({"data_stream": f"ws://{places[name]}{each.market_stream}"} if each.market_stream else {})
            for environment, places in apart.items()
            if name in places
        }
        for name, each in EMULATORS.items()
    }
    return json.dumps(brokers, indent=1)
