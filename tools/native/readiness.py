"""Waiting until processes are ready, and saying which one is not and why."""

import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.programs import Program
from tools.native.supervisor import Supervisor, log_file

# A small machine that is busy with something else takes minutes over a dozen interpreters that all begin at once.
READY_SECONDS_MAX = 300
POLL_SECONDS = 0.1
LOG_LINES_SHOWN = 20

# A process that had to be started this often while we wait will not get better by waiting.
STARTS_MAX = 5


def wait_until_ready(
    layout: Layout, supervisor: Supervisor, programs: Iterable[Program], seconds: float = READY_SECONDS_MAX
) -> None:
    """Returns when every program is ready; raises with the name, reason and last log lines of one that is not."""
    deadline = time.monotonic() + seconds
    waiting = {program.name: program for program in programs}
    starts: dict[str, set[int]] = defaultdict(set)
    while waiting:
        reasons = {name: reason for name, program in waiting.items() if (reason := program.why_not_ready())}
        waiting = {name: waiting[name] for name in reasons}
        for process in supervisor.processes() if waiting else ():
            starts[process["name"]].add(process["start"])
        for name, reason in reasons.items():
            if len(starts[name]) >= STARTS_MAX:
                raise StackError(_story(layout, name, f"{name} ends again and again ({reason})"))
            if time.monotonic() > deadline:
                raise StackError(_story(layout, name, f"{name} is not ready after {seconds:.0f} s ({reason})"))
        if waiting:
            time.sleep(POLL_SECONDS)


def _story(layout: Layout, name: str, headline: str) -> str:
    file = log_file(layout, name)
    return "\n".join([f"{headline}. The end of {file}:", *(f"  {line}" for line in last_lines(file))])


def last_lines(file: Path, count: int = LOG_LINES_SHOWN) -> list[str]:
    if not file.exists():
        return ["(nothing was logged)"]
    return file.read_text(errors="replace").splitlines()[-count:]
