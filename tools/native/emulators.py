"""Emulators in place of the brokers, when `EXODUS_EMULATORS=1`: native only, on ports next to the services'."""

import json
import os
import sys
from pathlib import Path
from typing import Final

from tools.native.layout import ROOT, Layout
from tools.native.probes import why_not_ready
from tools.native.programs import Program

KIS_OFFSET: Final = 301
CALLS_PER_SECOND: Final = 1
"""As the built-in list has it: the emulator, like KIS on paper, counts two in any second."""
FOLDERS: Final = ("libs/quant", "services/broker")


def are_wanted() -> bool:
    """Whether `make up` was asked for them."""
    return os.environ.get("EXODUS_EMULATORS") == "1"


def programs(layout: Layout) -> list[Program]:
    """One process for each emulator."""
    if not are_wanted():
        return []
    port = layout.ports.base + KIS_OFFSET
    return [
        Program(
            name="kis-emulator",
            group="services",
            command=(
                *(sys.executable, "-m", "uvicorn", "emulators.kis.server:paper", "--factory"),
                *("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--no-server-header"),
            ),
            directory=layout.directory,
            why_not_ready=lambda: why_not_ready(port, "/_emulator/ready"),
            environment={
                "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in FOLDERS),
                "PYTHONUNBUFFERED": "1",
            },
            depends_on=tuple(sorted((ROOT / "services/broker/emulators").glob("**/*.py"))),
        )
    ]


def settings(layout: Layout) -> dict[str, str]:
    """What the broker service is told, so that it speaks to the emulators: a list of brokers with their addresses."""
    if not are_wanted():
        return {}
    file: Path = layout.directory / "brokers.yaml"
    line = {"rest": f"http://127.0.0.1:{layout.ports.base + KIS_OFFSET}", "calls_per_second": CALLS_PER_SECOND}
    file.write_text(json.dumps({"kis": {"paper": line}}, indent=1))
    return {"BROKER_BROKERS_FILE": str(file)}
