"""What deploy/monitoring asks, alarms at and shows: judged by Prometheus' own tools, without a platform.

tests/integration/journeys/test_monitoring.py has the rest: that every target answers and every figure exists.
"""

import json
import queue
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from kit.testing.serving import free_port

from tools import containers, dashboards
from tools.native import monitoring, packages
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import Ports
from tools.native.probes import why_not_ready
from tools.tests.alarms import CASES, Case

FOLDER = monitoring.CONFIG
PATIENCE_SECONDS = 60
OVERLAY = containers.described(containers.MONITORING_FILE)
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
}


@pytest.fixture(scope="module")
def promtool() -> Path:
    return packages.ensure_monitoring()["prometheus"].with_name("promtool")


def said_by(promtool: Path, *arguments: object) -> str:
    """What promtool says; it has to be content."""
    done = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_and_its_rules_are_sound(promtool: Path, tmp_path: Path) -> None:
    for name in monitoring.SHARED_FILES:
        (tmp_path / name).write_text((FOLDER / name).read_text())
    layout = Layout(tmp_path, Ports(base=38000))
    (tmp_path / monitoring.TARGETS).write_text(json.dumps(list(monitoring.targets(layout))))
    (tmp_path / monitoring.ALERTMANAGERS).write_text((FOLDER / "alertmanagers.containers.json").read_text())
    assert f"SUCCESS: {len(RULES)} rules found" in said_by(promtool, "check", "config", tmp_path / "prometheus.yml")


def test_natively_and_in_containers_the_same_are_asked(tmp_path: Path) -> None:
    natively = {each["labels"]["job"] for each in monitoring.targets(Layout(tmp_path, Ports(base=38000)))}
    contained = json.loads((FOLDER / "targets.containers.json").read_text())
    assert natively == {each["labels"]["job"] for each in contained}
    known = OVERLAY.keys() | containers.described(containers.COMPOSE_FILE).keys()
    assert {address.split(":")[0] for each in contained for address in each["targets"]} <= known


def test_the_dashboards_are_written_from_their_lists() -> None:
    assert dashboards.main(["--check"]) == 0


@pytest.mark.requirement("R-56")
def test_what_watches_can_do_no_more_than_it_needs() -> None:
    for name, one in OVERLAY.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert {"pids_limit", "mem_limit", "cpus", "user"} <= one.keys(), name
        assert re.fullmatch(r"docker\.io/[\w-]+/[\w-]+:v?\d[\w.]+", one["image"]), name
        assert not any(".sock" in volume for volume in one.get("volumes", ())), name
        assert one.get("ports", []) == (["127.0.0.1:${EXODUS_GRAFANA_PORT:-3000}:3000"] if name == "grafana" else []), (
            name
        )


# --- how an alarm leaves


class Outside(BaseHTTPRequestHandler):
    """Whoever the operator named: takes what is told, and keeps it."""

    heard: Final[queue.Queue[dict[str, Any]]] = queue.Queue()

    def do_POST(self) -> None:
        self.heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(HTTPStatus.OK)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody wants to read who asked."""


@pytest.fixture
def operator() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alarm"
    server.shutdown()
    server.server_close()


@pytest.fixture
def alertmanager(tmp_path: Path, operator: str) -> Iterator[str]:
    """It runs, and tells the operator; its address."""
    told = tmp_path / "alarms.yml"
    told.write_text(yaml.safe_dump({"webhook_configs": [{"url": operator}]}))
    settings = tmp_path / "alertmanager.yml"
    settings.write_text(monitoring.alarms_go_to(told))
    port = free_port()
    command = (
        *(str(packages.ensure_monitoring()["alarms"]), f"--config.file={settings}", f"--storage.path={tmp_path}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn"),
    )
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while why_not_ready(port, "/-/ready"):
            assert process.poll() is None, (tmp_path / "said").read_text()
            assert time.monotonic() < deadline, (tmp_path / "said").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def test_an_alarm_that_pages_leaves_at_once_and_says_what_to_do(alertmanager: str) -> None:
    rule = RULES["LedgerDisproved"]
    alarm = {"labels": {"alertname": "LedgerDisproved", **rule["labels"]}, "annotations": rule["annotations"]}
    httpx.post(f"{alertmanager}/api/v2/alerts", json=[alarm], trust_env=False).raise_for_status()
    told = Outside.heard.get(timeout=PATIENCE_SECONDS)
    assert (told["receiver"], told["status"]) == (monitoring.RECEIVER, "firing")
    assert told["alerts"][0]["annotations"] == rule["annotations"]


def test_whom_alarms_go_to_is_the_operators_and_may_be_nobody(tmp_path: Path) -> None:
    amtool = packages.ensure_monitoring()["alarms"].with_name("amtool")
    told = tmp_path / "alarms.yml"
    for receivers in (
        None,
        "telegram_configs: [{bot_token: 'a:b', chat_id: 7}]",
        "webhook_configs: [{url: 'http://a'}]",
    ):
        if receivers is not None:
            told.write_text(receivers)
        settings = tmp_path / "alertmanager.yml"
        settings.write_text(monitoring.alarms_go_to(told))
        checked = subprocess.run([amtool, "check-config", settings], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
    for wrong in ("[me@example.com]", "webhook: http://a"):
        told.write_text(wrong)
        with pytest.raises(StackError, match="has to hold what a receiver"):
            monitoring.alarms_go_to(told)


# --- the alarms


def test_every_alarm_says_how_grave_it_is_and_what_to_do() -> None:
    for name, rule in RULES.items():
        assert rule["labels"].keys() == {"severity"}, name
        assert rule["labels"]["severity"] in {"page", "look"}, name
        assert rule["annotations"].keys() == {"summary", "todo"}, name


def _promtool_test(name: str, case: Case) -> dict[str, Any]:
    sounding = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    expected = [{"labels": "{}", "value": case.alarms}] if case.alarms else []
    return {
        "interval": f"{case.step_seconds}s",
        "input_series": [{"series": series, "values": values} for series, values in case.figures.items()],
        "promql_expr_test": [{"expr": sounding, "eval_time": f"{case.seconds}s", "exp_samples": expected}],
    }


def test_every_alarm_sounds_when_it_must_and_not_when_it_is_only_nearly_so(promtool: Path, tmp_path: Path) -> None:
    assert CASES.keys() == RULES.keys()
    by_step: dict[int, list[dict[str, Any]]] = {}
    for name, cases in CASES.items():
        for case in cases:
            by_step.setdefault(case.step_seconds, []).append(_promtool_test(name, case))
    for step, tests in by_step.items():
        told = {"rule_files": [str(FOLDER / "rules.yml")], "evaluation_interval": f"{step}s", "tests": tests}
        file = tmp_path / f"rules.{step}.test.yml"
        file.write_text(yaml.safe_dump(told))
        said_by(promtool, "test", "rules", file)
