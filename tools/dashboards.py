"""Writes Grafana's dashboards from the lists below: `python -m tools.dashboards [--check]`.

A dashboard is a title and rows of panels; a panel is a title, a unit and one or more queries with their legends. What
Grafana wants around that is the same for all of them, and said once.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "deploy" / "monitoring" / "grafana" / "dashboards"
COLUMNS: Final = 24
HEIGHT: Final = 8
PROMETHEUS: Final = {"type": "prometheus", "uid": "prometheus"}
FREE_DISK: Final = (
    'min by (mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay"} / node_filesystem_size_bytes)'
)
LOKI: Final = {"type": "loki", "uid": "loki"}


@dataclass(frozen=True)
class Panel:
    """One picture: `queries` are (PromQL, legend); `kind` is Grafana's name for how it is drawn."""

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    kind: str = "timeseries"
    bad_from: float | None = None
    """From here on a single figure is red."""


def quantiles(metric: str, by: str = "", where: str = "") -> list[tuple[str, str]]:
    """The middle and the slowest twentieth of a histogram."""
    split = f"{by}, le" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        (f"histogram_quantile({q}, sum by ({split}) (rate({metric}_bucket{where}[5m])))", f"{legend}p{int(q * 100)}")
        for q in (0.5, 0.95)
    ]


DASHBOARDS: Final[dict[str, tuple[str, Sequence[Sequence[Panel]]]]] = {
    "orders": (
        "Orders",
        [
            [
                Panel("Open orders", "short", [("max by (status) (orders_open)", "{{status}}")]),
                Panel("Longest in a status", "s", [("max by (status) (order_oldest_seconds)", "{{status}}")]),
            ],
            [
                Panel("From sending to the broker's first word", "s", quantiles("order_first_word_seconds")),
                Panel("First words", "ops", [("sum by (word) (rate(order_first_word_seconds_count[5m]))", "{{word}}")]),
            ],
            [
                Panel(
                    "Since the ledger was proved",
                    "s",
                    [('min(job_age_seconds{name="prove accounts"})', "")],
                    kind="stat",
                    bad_from=7500,
                ),
                Panel("Accounts proved", "short", [("max(ledger_accounts_proved)", "")], kind="stat"),
                Panel("Accounts disproved", "short", [("max(ledger_accounts_disproved)", "")], kind="stat", bad_from=1),
                Panel(
                    "Sent but not approved so",
                    "short",
                    [("sum(submits_mismatched_total) or vector(0)", "")],
                    kind="stat",
                    bad_from=1,
                ),
            ],
        ],
    ),
    "latency": (
        "Latency and the way of an order",
        [
            [
                Panel("Answers, slowest twentieth", "s", quantiles("http_request_seconds", "job")[1:]),
                Panel(
                    "Placing an order",
                    "s",
                    quantiles("http_request_seconds", where='{method="POST",route="/api/v1/trading/orders"}'),
                ),
            ],
            [
                Panel("From commit to the bus", "s", quantiles("event_publish_lag_seconds", "source")[1:]),
                Panel("Handling a message", "s", quantiles("message_seconds", "consumer")[1:]),
            ],
            [
                Panel("Requests", "reqps", [("sum by (job) (rate(http_requests_total[5m]))", "{{job}}")]),
                Panel(
                    "Failures of ours",
                    "reqps",
                    [('sum by (job) (rate(http_requests_total{status=~"5.."}[5m]))', "{{job}}")],
                ),
                Panel("Turned away", "reqps", [("sum by (lane) (rate(lane_requests_refused_total[5m]))", "{{lane}}")]),
            ],
        ],
    ),
    "outside": (
        "Feeds, brokers and clients",
        [
            [
                Panel(
                    "Since a feed was heard",
                    "s",
                    [("time() - max by (market, source) (feed_heard_timestamp_seconds)", "{{source}} {{market}}")],
                ),
                Panel("WebSocket clients", "short", [("sum by (hub) (websocket_clients)", "{{hub}}")]),
            ],
            [
                Panel(
                    "Calls of brokers",
                    "ops",
                    [("sum by (broker, outcome) (rate(broker_calls_total[5m]))", "{{broker}} {{outcome}}")],
                ),
                Panel(
                    "Keys left alone",
                    "short",
                    [
                        (
                            "sum by (broker, trouble) (increase(broker_breaker_openings_total[1h]))",
                            "{{broker}} {{trouble}}",
                        )
                    ],
                ),
            ],
            [
                Panel(
                    "Accounts read at brokers",
                    "ops",
                    [("sum by (broker, outcome) (rate(broker_accounts_read_total[5m]))", "{{broker}} {{outcome}}")],
                ),
                Panel("Minutes that wait for the database", "short", [("max(minutes_waiting)", "")]),
            ],
        ],
    ),
    "machine": (
        "Bus, servers and machine",
        [
            [
                Panel(
                    "Since everything was published",
                    "s",
                    [("time() - max by (source) (events_caught_up_timestamp_seconds)", "{{source}}")],
                ),
                Panel(
                    "Waiting messages", "short", [("max by (queue) (rabbitmq_detailed_queue_messages)", "{{queue}}")]
                ),
            ],
            [
                Panel(
                    "Connections of PostgreSQL", "short", [("sum by (datname) (pg_stat_activity_count)", "{{datname}}")]
                ),
                Panel(
                    "Transactions",
                    "ops",
                    [("sum by (datname) (rate(pg_stat_database_xact_commit[5m]))", "{{datname}}")],
                ),
                Panel("Memory of Redis", "bytes", [("max(redis_memory_used_bytes)", "used")]),
            ],
            [
                Panel("Memory of processes", "bytes", [("sum by (job) (process_resident_memory_bytes)", "{{job}}")]),
                Panel("Processors", "cores", [("sum by (job) (rate(process_cpu_seconds_total[5m]))", "{{job}}")]),
                Panel(
                    "Free disk",
                    "percentunit",
                    [
                        (
                            FREE_DISK,
                            "{{mountpoint}}",
                        )
                    ],
                ),
            ],
            [
                Panel(
                    "Age of the newest proved backup",
                    "s",
                    [("time() - max(exodus_backup_proved_timestamp_seconds)", "")],
                    kind="stat",
                    bad_from=26 * 3600,
                ),
                Panel(
                    "Age of what was taken away of the log",
                    "s",
                    [("time() - max(exodus_backup_log_archived_timestamp_seconds)", "")],
                    kind="stat",
                    bad_from=300,
                ),
                Panel("Does not answer", "short", [("count(up == 0) or vector(0)", "")], kind="stat", bad_from=1),
                Panel("Sounding alarms", "short", [('ALERTS{alertstate="firing"}', "{{alertname}}")], kind="table"),
            ],
        ],
    ),
}


def queries() -> Iterator[str]:
    """Every query of every dashboard."""
    for _, rows in DASHBOARDS.values():
        for panel in (panel for row in rows for panel in row):
            yield from (query for query, _ in panel.queries)


def written(name: str) -> str:
    """A dashboard as Grafana reads it."""
    title, rows = DASHBOARDS[name]
    panels: list[dict[str, Any]] = []
    for line, row in enumerate(rows):
        width = COLUMNS // len(row)
        for column, panel in enumerate(row):
            place = {"x": column * width, "y": line * HEIGHT, "w": width, "h": HEIGHT}
            panels.append(_panel(panel, len(panels) + 1, place))
    log = {"x": 0, "y": len(rows) * HEIGHT, "w": COLUMNS, "h": HEIGHT}
    panels.append(_log(len(panels) + 1, log))
    about = {"uid": f"exodus-{name}", "title": title, "tags": ["exodus"], "timezone": "browser", "schemaVersion": 39}
    what = {"refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "editable": False, "panels": panels}
    return json.dumps(about | what, indent=1) + "\n"


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": PROMETHEUS,
            "expr": query,
            "legendFormat": legend,
            "instant": panel.kind == "table",
        }
        for index, (query, legend) in enumerate(panel.queries)
    ]
    unit = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    about = {"id": number, "title": panel.title, "type": panel.kind, "gridPos": place, "datasource": PROMETHEUS}
    return about | {"fieldConfig": {"defaults": unit, "overrides": []}, "targets": targets}


def _log(number: int, place: dict[str, int]) -> dict[str, Any]:
    """What went wrong at the same time, in the services' own words."""
    target = {"refId": "A", "datasource": LOKI, "expr": '{service=~".+",level=~"warning|error|critical"}'}
    about = {"id": number, "title": "Warnings and errors", "type": "logs", "gridPos": place, "datasource": LOKI}
    return about | {"targets": [target]}


def main(arguments: Sequence[str]) -> int:
    """Write the files, or only say which are not as they should be."""
    stale = [name for name in DASHBOARDS if not _is_fresh(name)]
    if "--check" in arguments:
        for name in stale:
            print(f"deploy/monitoring/grafana/dashboards/{name}.json is stale: python -m tools.dashboards")
        return 1 if stale else 0
    for name in stale:
        _file(name).write_text(written(name))
    return 0


def _file(name: str) -> Path:
    return FOLDER / f"{name}.json"


def _is_fresh(name: str) -> bool:
    return _file(name).exists() and _file(name).read_text() == written(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
