"""The conformance table, `docs/conformance.md`: which case runs on which broker's connector, and that all of them pass.

`python -m tools.conformance` runs the suite and writes the table if everything passed; `--check` compares the table
with the cases that there are, without running them.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SUITE: Final = "services/broker/tests/conformance"
TABLE: Final = ROOT / "docs" / "conformance.md"
NODE: Final = re.compile(r"::test_(bc|fm)_([0-9]{2})_(\w+?)(?:\[(.+)\])?$")
BROKERS: Final = ("simulator", "kis", "kis_us", "ls", "kiwoom", "alpaca", "kis_real", "kis_us_real", "kiwoom_real")
HEAD: Final = """# Conformance of the brokers' connectors

Written by `python -m tools.conformance` after a run in which every case passed; `make check` fails when the cases and
this table differ. Each case is a test of that number in `services/broker/tests/conformance`: on the simulator itself,
or on a real line to that broker's emulator (`services/broker/emulators`). A dash: not among the connector's
capabilities, or, in the fault matrix, a line that cannot break because there is none. The last three columns
are environments with real money, of brokers that are asked otherwise there: what differs is tried on them, and that an
order lives and ends there.
"""
GROUPS: Final = {"bc": "What every connector does", "fm": "Fault matrix"}


def render(nodes: Iterable[str]) -> str:
    """The table of the cases that pytest collected, given by their node ids."""
    cases: dict[tuple[str, str, str], set[str]] = {}
    for node in nodes:
        if found := NODE.search(node.strip()):
            group, number, name, parameters = found.groups()
            where = cases.setdefault((group, number, name.replace("_", " ")), set())
            where.update({*(parameters or "").split("-")} & {*BROKERS} if parameters else BROKERS)
    brokers = [broker for broker in BROKERS if any(broker in where for key, where in cases.items() if key[1] != "01")]
    lines = [HEAD]
    for group, title in GROUPS.items():
        lines += [f"## {title}", "", f"| | | {' | '.join(brokers)} |", f"|---|---|{'---|' * len(brokers)}"]
        for (kind, number, name), where in sorted(cases.items()):
            if kind == group:
                marks = " | ".join("yes" if broker in where else "-" for broker in brokers)
                lines.append(f"| {kind.upper()}-{number} | {name} | {marks} |")
        lines.append("")
    return "\n".join(lines)


def collected() -> list[str]:
    """The node ids of the suite."""
    found = _pytest("--collect-only", "--quiet")
    if found.returncode:
        raise SystemExit(found.stdout + found.stderr)
    return found.stdout.splitlines()


def _pytest(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", SUITE, "-p", "no:xdist", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def main(arguments: list[str]) -> int:
    """Write the table, or compare it."""
    table = render(collected())
    if arguments == ["--check"]:
        if not TABLE.exists() or TABLE.read_text() != table:
            print("docs/conformance.md is not what the suite says: run `python -m tools.conformance`")
            return 1
        return 0
    run = _pytest("--quiet")
    print(run.stdout.splitlines()[-1] if run.stdout else run.stderr)
    if run.returncode:
        print(run.stdout)
        return 1
    TABLE.write_text(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
