"""Prometheus beside a real platform: every target answers, every figure that an alarm or a dashboard names exists."""

import asyncio
import re
import time
from typing import Any

import httpx
import pytest
import yaml

from tests.integration.platform_under_test import Platform
from tools import dashboards
from tools.native import monitoring
from tools.people import Trader

SECONDS_MAX = 60
"""A scrape takes turns of 15 seconds."""
NAMES = re.compile(r"[a-zA-Z_:][\w:]*")
NOT_FIGURES = (
    re.compile(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|\b(?:by|on) *\([^)]*\)|\boffset \w+|\bor\b"),
    re.compile(r"\b\w+\s*(?=\()"),
)
"""First what belongs to others, then functions, which are followed by what they are given."""


def figures_of(query: str) -> set[str]:
    """The names of the figures in a query: what is left without functions, labels, ranges and words."""
    for other in NOT_FIGURES:
        query = other.sub(" ", query)
    return set(NAMES.findall(query))


@pytest.mark.parametrize(
    ("query", "figures"),
    [
        ('time() - max by (source) (caught_up{job="a"}) > 60', {"caught_up"}),
        ("sum(a_total) - (sum(a_total offset 5m) or sum(a_total) * 0) > 0", {"a_total"}),
        ("histogram_quantile(0.95, sum by (job, le) (rate(took_bucket[5m]))) > 0.2", {"took_bucket"}),
        ('label_replace(pg_up, "server", "PostgreSQL", "", "") == 0', {"pg_up"}),
    ],
)
def test_a_query_is_read_for_the_figures_it_names(query: str, figures: set[str]) -> None:
    assert figures_of(query) == figures


async def ask(platform: Platform, path: str, **query: str) -> Any:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{platform.layout.ports.prometheus}") as prometheus:
        answer = await prometheus.get(f"/api/v1/{path}", params=query)
    answer.raise_for_status()
    return answer.json()["data"]


async def known_figures(platform: Platform) -> set[str]:
    """What was scraped, and what is announced though nothing has happened yet that would be counted."""
    seen = set(await ask(platform, "label/__name__/values"))
    announced = await ask(platform, "metadata")
    histograms = {name for name, about in announced.items() if about[0]["type"] == "histogram"}
    return seen | announced.keys() | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


async def test_every_target_answers_and_every_figure_of_alarms_and_dashboards_exists(
    platform: Platform, trader: Trader
) -> None:
    # What the keeper of backups tells, which does not run here.
    for figure in ("proved", "log_archived", "log_proved"):
        told = f"exodus_backup_{figure}_timestamp_seconds {time.time():.0f}\n"
        (platform.layout.metrics / f"backup_{figure}.prom").write_text(told)
    wanted = {each["labels"]["job"] for each in monitoring.targets(platform.layout)} | {"queues"}
    rules = yaml.safe_load((monitoring.CONFIG / "rules.yml").read_text())
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    named = set().union(*map(figures_of, [*expressions, *dashboards.queries()])) - {"ALERTS"}
    assert len(named) > 30
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        samples = (await ask(platform, "query", query="up"))["result"]
        up = {sample["metric"]["job"]: sample["value"][1] for sample in samples}
        missing = named - await known_figures(platform)
        if up == dict.fromkeys(wanted, "1") and not missing:
            break
        assert time.monotonic() < deadline, f"{up}; there is no figure {missing or 'missing'}"
        await asyncio.sleep(1)
    known = (await ask(platform, "alertmanagers"))["activeAlertmanagers"]
    assert [each["url"] for each in known] == [
        f"http://127.0.0.1:{platform.layout.ports.exporter('alarms')}/api/v2/alerts"
    ], "whom an alarm is told"
    assert (await trader.http.get(f"{platform.gateway.url}/_status")).status_code == httpx.codes.NOT_FOUND, (
        "the edge tells nobody how busy it is"
    )
