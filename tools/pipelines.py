"""Back-fill from the command line: ask for runs, and show a bar for each until all have ended."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tools.people import Trader

USUAL = ("collect", "adjust", "figures", "screens", "clean_up")
LOOK_SECONDS = 1.0
RUNS_SHOWN_MAX = 100
WINDOW = timedelta(days=27)
ENDED = frozenset({"finished", "failed"})

Run = Mapping[str, Any]


def line_of(run: Run) -> str:
    """One run in one line: what, for which day, how it ended or when it is tried again."""
    said = run["error"] or ", ".join(f"{key} {value}" for key, value in run["report"].items() if isinstance(value, int))
    when = f", again at {run['not_before']}" if run["status"] == "waiting" and run["attempts"] else ""
    return f"{run['day']}  {run['market']:<4}{run['pipeline']:<9}{run['status']}{when}  {said}"


def windows(first: date, last: date) -> Iterator[tuple[date, date]]:
    """A span in pieces that are asked for and watched one after another, oldest first."""
    while first <= last:
        end = min(first + WINDOW - timedelta(days=1), last)
        yield first, end
        first = end + timedelta(days=1)


async def back_fill(person: Trader, market: str, days: tuple[date, date], pipelines: list[str]) -> bool:
    """Have pipelines run for days, both included; True when all of them finished.

    A run that waits for another attempt is not waited for: it is told with its reason, and the worker goes on by
    itself.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    unfinished: list[Run] = []
    with Progress(*columns) as shown:
        for first, last in windows(*days):
            asked = {"market": market, "first": str(first), "last": str(last)}
            accepted = await person.call("POST", "/market/pipelines", **asked, pipelines=pipelines)
            if accepted["runs"]:
                whole = shown.add_task(f"{market} {first} to {last}", total=accepted["runs"])
                unfinished += await _watch(person, asked, pipelines, (shown, whole))
        for run in unfinished:
            shown.console.print(line_of(run))
    return not unfinished


async def _watch(
    person: Trader, asked: Mapping[str, str], pipelines: list[str], bar: tuple[Progress, TaskID]
) -> list[Run]:
    """Show how far the runs are until all have ended or one has to wait; return those that did not finish."""
    shown, whole = bar
    path = f"/market/pipelines?limit={RUNS_SHOWN_MAX}&" + "&".join(f"{name}={value}" for name, value in asked.items())
    running: dict[str, TaskID] = {}
    while True:
        found = (await person.call("GET", path))["items"]
        runs: list[Run] = [run for run in found if run["pipeline"] in pipelines]
        for run in runs:
            if run["status"] == "running" and run["total"]:
                if run["id"] not in running:
                    running[run["id"]] = shown.add_task(f"{run['day']} {run['pipeline']}", total=run["total"])
                shown.update(running[run["id"]], completed=run["done"], total=run["total"])
        going_on = [run for run in runs if run["status"] not in ENDED]
        shown.update(whole, completed=len(runs) - len(going_on))
        if not going_on or any(run["status"] == "waiting" and run["attempts"] for run in going_on):
            for task in running.values():
                shown.remove_task(task)
            return [run for run in runs if run["status"] != "finished"]
        await asyncio.sleep(LOOK_SECONDS)
