"""The platform in containers, seen working: the demo's story, what a container may do, and what survives a restart."""

import asyncio
import datetime as dt
import json
import subprocess
import time
from typing import Any

import httpx
import pytest
import yaml

from tests.containers.conftest import Contained
from tools import cli, containers, demo
from tools.backups import commands, log, proving, taking
from tools.backups.taking import Manifest
from tools.native import monitoring
from tools.native.ports import SERVICES
from tools.people import Refused, Trader

# The first of them waits for the images, which a busy machine builds for half an hour.
pytestmark = pytest.mark.timeout(2400)

SERVERS = ("postgres", "redis", "rabbitmq", "gateway", "backups-postgres")
PROCESSES = (
    *(f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")),
    "backtest-compute",
    "backups",
)
EVERYBODY = (*SERVERS, *PROCESSES)
TARGETS = monitoring.CONFIG / "targets.containers.json"
PATIENCE_SECONDS = 180
METRICS = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:18401/metrics').read().decode())"
ONE_SHOT = ("provision", *(f"{service}-migrate" for service in SERVICES))


async def test_the_story_holds_through_the_containers_gateway(contained: Contained) -> None:
    prices = demo.prices_from(None, contained.layout.directory / "demo")
    await demo.tell(demo.Story(cli.gateway_of(contained.layout), contained.layout, prices))


def test_everything_runs_and_what_runs_once_has_ended_well(contained: Contained) -> None:
    states = {name: one["State"] for name, one in contained.engine.containers(contained.project).items()}
    assert states.keys() == {*EVERYBODY, *ONE_SHOT}
    assert {name for name in EVERYBODY if not states[name]["Running"]} == set()
    assert {name: states[name]["ExitCode"] for name in ONE_SHOT} == dict.fromkeys(ONE_SHOT, 0)


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("name", [*EVERYBODY, *ONE_SHOT])
def test_a_running_container_is_as_small_as_it_was_described(contained: Contained, name: str) -> None:
    """What the engine really made of it, not what the file asks for."""
    one = contained.engine.containers(contained.project)[name]
    host = one["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert "no-new-privileges" in str(host["SecurityOpt"])
    assert host["Privileged"] is False
    assert 0 < host["PidsLimit"] <= 500
    assert 0 < host["Memory"] <= 2 << 30
    assert int(one["Config"]["User"].split(":")[0]) > 0
    assert not any("docker.sock" in str(mount) or "podman.sock" in str(mount) for mount in one["Mounts"])
    published = {port for port, bindings in (one["NetworkSettings"]["Ports"] or {}).items() if bindings}
    assert published == ({"8443/tcp", "8080/tcp"} if name == "gateway" else set())


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("name", EVERYBODY)
def test_inside_a_container_nobody_is_root_or_can_become_it(contained: Contained, name: str) -> None:
    status = _inside(contained, name, "cat", "/proc/1/status")
    assert status.returncode == 0, status.stderr
    facts = dict(line.split(":\t", 1) for line in status.stdout.splitlines() if ":\t" in line)
    assert "0" not in facts["Uid"].split()
    assert {facts[f"Cap{kind}"].strip("0 ") for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {""}
    assert facts["NoNewPrivs"] == "1"
    assert _inside(contained, name, "sh", "-c", "echo x > /etc/planted").returncode != 0


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("name", [name for name in EVERYBODY if name != "gateway"])
def test_only_the_gateway_can_reach_the_outside(contained: Contained, name: str) -> None:
    routes = _inside(contained, name, "cat", "/proc/net/route").stdout.splitlines()[1:]
    assert not [line for line in routes if line.split()[1] == "00000000"], "there is a way out of the house"


@pytest.mark.requirement("R-49")
async def test_a_service_sees_who_asks_and_not_the_gateway(contained: Contained) -> None:
    person = await Trader.sign_up(cli.gateway_of(contained.layout))
    sessions = (await person.call("GET", "/auth/sessions"))["items"]
    await person.leave()
    networks = contained.engine.containers(contained.project)["gateway"]["NetworkSettings"]["Networks"]
    assert {session["address"] for session in sessions}.isdisjoint(one["IPAddress"] for one in networks.values())


@pytest.mark.requirement("R-58")
def test_a_backup_is_taken_sealed_and_proved_by_restoring_it_inside(contained: Contained) -> None:
    """Twice, so that the log is seen to lead from the first to a moment before the second."""
    folder = commands.keep_inside(contained.layout, proving.KEEP_DEFAULT)
    assert Manifest.read(folder).verified_at is not None
    sealed = (folder / taking.CLUSTER).read_bytes()
    assert b"PG_VERSION" not in sealed
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (until := log.archived_until(contained.layout)) is None or until < dt.datetime.fromisoformat(
        Manifest.peek(folder).finished_at or ""
    ):
        assert time.monotonic() < deadline, f"the log is taken away until {until} only"
        time.sleep(2)
    again = commands.keep_inside(contained.layout, proving.KEEP_DEFAULT)
    assert again > folder
    told = _inside(contained, "backups", "python", "-c", METRICS).stdout
    assert "exodus_backup_proved_timestamp_seconds" in told
    assert "exodus_backup_log_proved_timestamp_seconds" in told
    assert "exodus_backup_failures_total 0" in told
    age = _inside(contained, "notification-worker", "cat", "/backups/counted_from")
    assert age.stdout == taking.counted_from(contained.layout).isoformat()


async def test_down_keeps_the_state_and_up_finds_it(contained: Contained) -> None:
    gateway = cli.gateway_of(contained.layout)
    before = await Trader.sign_up(gateway)
    await before.opens_account("KRW", demo.STARTING_CASH)
    await before.leave()

    containers.down(contained.layout)
    assert contained.engine.containers(contained.project) == {}
    assert len(contained.left_over("volume")) == 2

    containers.up(contained.layout)
    after = Trader.stranger(gateway, before.name, email=before.email, password=before.password)
    await logged_in(after)
    try:
        balance = await after.call("GET", f"/trading/accounts/{before.account_id}/balance")
    finally:
        await after.leave()
    assert [item["available"] for item in balance["items"]] == [str(demo.STARTING_CASH)]


async def logged_in(person: Trader) -> None:
    """Log in; a busy machine may say for a while that it cannot answer yet, as it is meant to."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await person.log_in()
        except Refused as refused:
            if refused.status != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                await person.leave()
                raise
        await asyncio.sleep(1)


def test_up_again_leaves_what_runs_alone(contained: Contained) -> None:
    before = _started(contained)
    containers.up(contained.layout)
    assert _started(contained) == before


def test_a_killed_service_comes_back(contained: Contained) -> None:
    before = _started(contained)["trading-api"]
    contained.engine.ask("kill", "--signal", "KILL", before[0])
    containers.up(contained.layout)
    after = _started(contained)["trading-api"]
    assert after[1] != before[1]
    assert containers.status(contained.layout)


def test_logs_are_json_of_every_service(contained: Contained, capfd: pytest.CaptureFixture[str]) -> None:
    containers.logs(contained.layout, ["trading-worker"], follow=False)
    shown = capfd.readouterr().out
    lines = [line[line.index("{") :] for line in shown.splitlines() if "{" in line]
    assert lines
    assert all(json.loads(line)["service"] == "trading" for line in lines)


def test_the_engine_keeps_what_the_gateway_was_asked(contained: Contained, capfd: pytest.CaptureFixture[str]) -> None:
    """And not a folder in the container's memory, which a busy week would fill."""
    containers.logs(contained.layout, ["gateway"], follow=False)
    shown = capfd.readouterr().out
    lines = [json.loads(line[line.index("{") :]) for line in shown.splitlines() if '"request_id"' in line]
    assert lines
    assert {line["status"] for line in lines if line["path"] == "/health"} <= {200, 503}
    assert _inside(contained, "gateway", "sh", "-c", "cat /tmp/gateway*").returncode != 0


@pytest.mark.parametrize("switch", containers.OVERLAYS)
def test_the_engine_understands_every_overlay(
    contained: Contained, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], switch: str
) -> None:
    monkeypatch.setenv(switch, "1")
    containers.compose(contained.layout, "config")
    merged = yaml.safe_load(capfd.readouterr().out)["services"]
    for name, one in containers.composed().items():
        assert merged[name]["healthcheck"] == one["healthcheck"] if "healthcheck" in one else name in ONE_SHOT
        assert set(one["networks"]) <= set(merged[name]["networks"])
        assert one.get("environment", {}).keys() <= merged[name].get("environment", {}).keys()


def test_what_watches_reaches_everything_it_asks(contained: Contained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXODUS_MONITORING", "1")
    containers.up(contained.layout)
    asking = (
        "import urllib.request as r; print(r.urlopen('http://prometheus:9090/api/v1/query?query=up').read().decode())"
    )
    wanted = {each["labels"]["job"] for each in json.loads(TARGETS.read_text())} | {"queues"}
    deadline, up = time.monotonic() + PATIENCE_SECONDS, {}
    while up != dict.fromkeys(wanted, "1"):
        assert time.monotonic() < deadline, up
        time.sleep(2)
        answer = _inside(contained, "market-api", "python", "-c", asking)
        found = json.loads(answer.stdout)["data"]["result"] if answer.returncode == 0 else []
        up = {one["metric"]["job"]: one["value"][1] for one in found}


def test_clean_leaves_nothing(contained: Contained) -> None:
    """Last in this file: what the other tests use is gone afterwards."""
    containers.clean(contained.layout)
    assert contained.engine.containers(contained.project) == {}
    assert contained.left_over("volume") == contained.left_over("network") == []
    images = contained.engine.ask("images", "--format", "{{.Repository}}:{{.Tag}}").stdout
    assert contained.project not in images


def _inside(contained: Contained, name: str, *command: str) -> subprocess.CompletedProcess[str]:
    return containers.execute(contained.layout, name, command)


def _started(contained: Contained) -> dict[str, tuple[Any, Any]]:
    """Id and time of start of everything that goes on running."""
    states = contained.engine.containers(contained.project)
    return {name: (states[name]["Id"], states[name]["State"]["StartedAt"]) for name in EVERYBODY}
