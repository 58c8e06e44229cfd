"""The platform in containers, as far as it can be judged without an engine; tests/containers has the rest."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import container_files, containers, engines
from tools.backups import nightly
from tools.native import layout as layouts
from tools.native.errors import StackError
from tools.native.layout import CONTAINERS, NATIVE, OFFLINE, ROOT, Layout
from tools.native.ports import SERVICES, Ports

COMPOSE: dict[str, Any] = yaml.safe_load(containers.COMPOSE_FILE.read_text())
HERE: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {name for name, container in HERE.items() if container.get("restart") == "no"}
STATE = "${EXODUS_STACK_DIR:?start it with make up}"
KEPT = {"log": "postgres/log", "backups": "backups", "metrics": "metrics", "scratch": "scratch"}
WRITABLE = {
    "postgres": ["postgres:/var/lib/postgresql/data", f"{STATE}/log:/log"],
    "backups": [f"{STATE}/{name}:/stack/{at}" for name, at in KEPT.items()],
    "backups-postgres": [f"{STATE}/scratch:/stack/scratch"],
    "rabbitmq": ["rabbitmq:/var/lib/rabbitmq"],
    "auth-worker": [f"{STATE}/audit:/audit"],
    # nginx keeps its pid and its temporary files beside its settings
    "gateway": [f"{STATE}/secrets/containers/gateway:{STATE}/secrets/containers/gateway"],
}

SHARES_DEFAULT = 1024
"""Of processor time, as every engine has it."""

Engines = Callable[..., None]
Asked = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(layouts, "UNREACHABLE_STATE_PARENT", tmp_path)
    return Layout(layouts.settle(tmp_path / "a stack"), Ports(base=38000))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engines:
    """A machine whose path holds nothing but the programs it is given: name → shell script."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def with_programs(**scripts: str) -> None:
        for name, script in scripts.items():
            file = programs / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)

    return with_programs


# --- R-56, as a lint over docker-compose.yml


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("name", HERE)
def test_a_container_can_do_no_more_than_it_needs(name: str) -> None:
    container = HERE[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert {"pids_limit", "mem_limit", "cpus"} <= container.keys()
    assert int(container["user"].split(":")[0]) > 0
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & container.keys()
    assert ("ports" in container) == (name == "gateway")
    assert container["networks"].keys() == ({"inside", "outside"} if name == "gateway" else {"inside"})
    assert name in ONE_SHOT or "healthcheck" in container


@pytest.mark.requirement("R-40")
def test_when_the_processor_is_short_who_waits_for_an_answer_goes_before_workers_and_hashing() -> None:
    shares = {name: container.get("cpu_shares", SHARES_DEFAULT) for name, container in HERE.items()}
    workers = {name for name in HERE if name.endswith(("-worker", "-compute")) or name.startswith("backups")}
    assert len(workers) == len(SERVICES) + 3
    assert all(share <= SHARES_DEFAULT / 10 for name, share in shares.items() if name in workers | {"auth-api"})
    assert all(share == SHARES_DEFAULT for name, share in shares.items() if name not in workers | {"auth-api"})


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("name", HERE)
def test_a_container_writes_only_what_it_keeps(name: str) -> None:
    volumes = [str(volume) for volume in HERE[name].get("volumes", ())]
    assert [volume for volume in volumes if not volume.endswith(":ro")] == WRITABLE.get(name, [])
    assert not any("docker.sock" in volume or "podman.sock" in volume for volume in volumes)


@pytest.mark.requirement("R-56")
def test_only_the_gateways_network_has_a_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.requirement("R-49")
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_believes_the_gateway_about_who_asks(service: str) -> None:
    """Otherwise everybody has one address: for guesses of passwords, lists of addresses and the audit log."""
    api = HERE[f"{service}-api"]
    assert api["networks"].keys() == {"inside"}
    assert api["environment"]["FORWARDED_ALLOW_IPS"] == "*"


@pytest.mark.requirement("R-60")
@pytest.mark.parametrize("image", containers.official_images())
def test_an_image_from_outside_is_named_with_its_registry_and_a_version(image: str) -> None:
    assert re.fullmatch(r"docker\.io/[a-z]+/[a-z]+:\d[\w.\-]+", image)


def test_the_message_broker_keeps_its_name_because_its_data_belongs_to_it() -> None:
    assert HERE["rabbitmq"]["hostname"] == "rabbitmq"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_an_api_a_worker_and_a_migration_from_one_image(service: str) -> None:
    ours = [HERE[f"{service}-{kind}"] for kind in ("migrate", "api", "worker")]
    assert {container["image"] for container in ours} == {f"exodus-{service}:${{EXODUS_PROJECT:-local}}"}
    assert ours[0]["build"]["args"] == {"SERVICE": service}
    for container in ours:
        assert container["volumes"][0] == f"{STATE}/secrets/{service}:/run/secrets:ro"


def test_every_image_of_ours_is_one_that_a_migration_of_this_stack_builds() -> None:
    built = {container["image"] for container in HERE.values() if "build" in container}
    assert {container["image"] for container in HERE.values() if container["image"].startswith("exodus-")} == built


# --- the images that stand in for the official ones


def test_the_stand_ins_replace_every_image_from_outside_and_change_nothing_else() -> None:
    overlay = containers.described(containers.OFFLINE_FILE)
    replaced = {name for name, changes in overlay.items() if "image" in changes}
    assert replaced == {name for name, one in HERE.items() if not one["image"].startswith("exodus-")}
    assert {key for changes in overlay.values() for key in changes} == {"image", "build", "pull_policy", "networks"}


@pytest.mark.parametrize("folder", ["postgres", "redis", "rabbitmq", "nginx"])
def test_a_stand_in_runs_as_the_account_that_the_official_image_has(folder: str) -> None:
    name = "gateway" if folder == "nginx" else folder
    dockerfile = (ROOT / "deploy" / "offline" / folder / "Dockerfile").read_text()
    assert f"\nUSER {HERE[name]['user']}\n" in dockerfile


def test_the_gateway_is_told_the_addresses_that_the_stand_ins_overlay_gives(stack: Layout) -> None:
    stack.mode_file.write_text(OFFLINE)
    overlay = containers.described(containers.OFFLINE_FILE)
    given = {
        service: overlay[f"{service}-api"]["networks"]["inside"]["ipv4_address"].replace(
            "${EXODUS_SUBNET}", container_files.subnet(stack)
        )
        for service in SERVICES
    }
    assert container_files.upstreams(stack) == {service: f"{address}:8000" for service, address in given.items()}
    assert "timescaledb" not in container_files.postgres_settings(stack)


def test_with_the_official_images_the_gateway_follows_names_and_bars_are_timescales(stack: Layout) -> None:
    stack.mode_file.write_text(CONTAINERS)
    assert container_files.upstreams(stack)["auth"] == "auth-api:8000"
    assert "shared_preload_libraries = 'timescaledb'" in container_files.postgres_settings(stack)


# --- backups


def test_the_database_keeps_its_log_for_a_keeper_and_for_nobody_else(
    stack: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(nightly.AT_VARIABLE, raising=False)
    assert "archive_command = 'cp -p %p /log/.%f &&" in container_files.postgres_settings(stack)
    monkeypatch.setenv(nightly.AT_VARIABLE, nightly.OFF)
    assert "archive_mode = off" in container_files.postgres_settings(stack)


def test_what_takes_backups_away_belongs_to_the_machine_and_not_into_a_container(
    stack: Layout, machine: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(docker="exit 0")
    monkeypatch.setenv("EXODUS_BACKUP_COPY", "rclone")
    stack.mode_file.write_text(CONTAINERS)
    with pytest.raises(StackError, match=r"EXODUS_BACKUP_COPY has no way out of a container.*backups away"):
        containers.up(stack)


# --- overlays


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The containers that somebody gets who sets these variables and no others."""
    for variable in containers.OVERLAYS:
        monkeypatch.delenv(variable, raising=False)

    def by(**variables: str) -> dict[str, dict[str, Any]]:
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        return containers.composed()

    return by


def test_an_overlay_changes_what_is_there_and_nothing_is_laid_over_by_itself(asked: Asked) -> None:
    assert asked() == asked(EXODUS_OUTBOUND="0") == HERE
    for file in containers.OVERLAYS.values():
        known = HERE.keys() | {name for name in containers.described(file) if name.endswith("-emulator")}
        assert containers.described(file).keys() <= known, file


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("switch", containers.OVERLAYS)
def test_no_overlay_lets_anybody_in_or_gives_a_container_more_power(asked: Asked, switch: str) -> None:
    for name, one in asked(**{switch: "1"}).items():
        assert one["read_only"] is True, name
        assert (one["cap_drop"], one["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
        assert {"pids_limit", "mem_limit", "cpus", "user"} <= one.keys(), name
        assert ("ports" in one) == (name == "gateway"), name
        assert one.get("network_mode") is None, name
        assert name in ONE_SHOT or "healthcheck" in one, name


def test_only_who_speaks_to_the_world_outside_gets_a_way_out(asked: Asked) -> None:
    went_out = {name for name, one in asked(EXODUS_OUTBOUND="1").items() if "outside" in one["networks"]}
    assert went_out == {
        *("gateway", "auth-api", "auth-worker", "market-worker", "broker-api", "broker-worker"),
        *("notification-api", "notification-worker"),
    }


def test_with_little_memory_a_service_is_one_container_that_answers_to_all_its_names(asked: Asked) -> None:
    small = asked(EXODUS_LOW_MEMORY="1")
    assert {name for name in small if name.startswith("backtest-")} == {"backtest-migrate", "backtest-api"}
    for name in HERE.keys() - small.keys():
        whole = small[f"{name.partition('-')[0]}-api"]
        assert name in whole["networks"]["inside"]["aliases"]
        assert "together.py" in str(whole["command"])
        assert HERE[name]["environment"]["HEALTH_PORTS"] in whole["environment"]["HEALTH_PORTS"].split()
    assert any(str(volume).endswith("/audit:/audit") for volume in small["auth-api"]["volumes"])


def test_every_broker_has_an_emulator_that_the_broker_service_finds(asked: Asked) -> None:
    found = asked(EXODUS_EMULATORS="1")
    assert {address.partition(":")[0] for address in container_files.EMULATED.values()} == found.keys() - HERE.keys()
    for kind in ("api", "worker"):
        assert found[f"broker-{kind}"]["environment"]["BROKER_BROKERS_FILE"] == "/run/secrets/emulators.json"


@pytest.mark.parametrize(
    ("mode", "variables", "why"),
    [
        (OFFLINE, {"EXODUS_REPLICAS": "2"}, "follows names"),
        (CONTAINERS, {"EXODUS_REPLICAS": "2", "EXODUS_LOW_MEMORY": "1"}, "saves the memory"),
    ],
)
def test_overlays_that_cannot_hold_together_are_refused_before_anything_begins(
    stack: Layout, machine: Engines, asked: Asked, mode: str, variables: dict[str, str], why: str
) -> None:
    machine(docker="exit 0")
    asked(**variables)
    stack.mode_file.write_text(mode)
    with pytest.raises(StackError, match=why):
        containers.up(stack)
    assert not stack.secrets.exists()


def test_who_changes_a_switch_gets_containers_made_anew(stack: Layout, asked: Asked) -> None:
    plain = containers.version(stack)
    asked(EXODUS_LOW_MEMORY="1")
    assert containers.version(stack) != plain


# --- which way a new stack runs


def test_without_an_engine_processes_run_on_the_machine(machine: Engines) -> None:
    machine(docker="exit 1")  # a client whose engine does not answer
    assert engines.find() is None
    assert containers.best_mode({}) == NATIVE


def test_with_an_engine_and_its_images_containers_run(machine: Engines) -> None:
    machine(docker="exit 0")
    assert containers.best_mode({}) == CONTAINERS


def test_podman_counts_only_with_its_compose_command(machine: Engines) -> None:
    machine(podman="exit 0")
    assert engines.find() is None
    machine(podman_compose="exit 0")
    found = engines.find()
    assert found is not None
    assert found.program == "podman"


def test_an_engine_without_a_registry_says_so_and_processes_run(
    machine: Engines, capsys: pytest.CaptureFixture[str]
) -> None:
    machine(docker='case "$1" in info|compose) exit 0;; *) echo "no such host" >&2; exit 125;; esac')
    assert containers.best_mode({}) == NATIVE
    said = capsys.readouterr().out
    assert "docker cannot fetch docker.io/" in said
    assert "no such host" in said
    assert "up --offline" in said


def test_asked_for_containers_without_a_registry_up_names_the_two_other_ways(machine: Engines, stack: Layout) -> None:
    machine(docker='case "$1" in info|compose) exit 0;; *) echo "no such host" >&2; exit 125;; esac')
    stack.mode_file.write_text(CONTAINERS)
    with pytest.raises(StackError, match="no such host") as refused:
        containers.up(stack)
    assert "--native" in str(refused.value)
    assert "--offline" in str(refused.value)
    assert not stack.secrets.exists()


def test_the_stand_ins_are_chosen_by_name() -> None:
    assert containers.best_mode({"EXODUS_IMAGES": "offline"}) == OFFLINE
    with pytest.raises(StackError, match="EXODUS_IMAGES=debian is neither official nor offline"):
        containers.best_mode({"EXODUS_IMAGES": "debian"})


# --- the order of things


def test_containers_start_after_what_they_depend_on() -> None:
    order = list(containers.stages(HERE))
    place = {name: number for number, names in enumerate(order) for name in names}
    assert sorted(place) == sorted(HERE)
    assert all(place[needed] < place[name] for name, one in HERE.items() for needed in one.get("depends_on", ()))
    assert order[-1] == ["gateway"]


def test_containers_that_wait_for_one_another_are_refused_by_name() -> None:
    ring = {"egg": {"depends_on": {"hen": {}}}, "hen": {"depends_on": {"egg": {}}}, "farm": {}}
    with pytest.raises(StackError, match="egg, hen"):
        list(containers.stages(ring))


def test_two_checkouts_have_containers_of_their_own(tmp_path: Path) -> None:
    one, other = (Layout(tmp_path / name, Ports()) for name in ("one", "other"))
    assert containers.project(one) != containers.project(other)


def test_a_change_of_code_or_ports_makes_containers_anew(stack: Layout) -> None:
    moved = Layout(stack.directory, Ports(base=39000))
    assert containers.version(stack) == containers.version(stack) != containers.version(moved)


def test_without_a_registry_debian_watches_with_everything_that_it_has() -> None:
    watching, stand_ins = (
        containers.described(file) for file in (containers.MONITORING_FILE, containers.OFFLINE_MONITORING_FILE)
    )
    assert watching.keys() - stand_ins.keys() == {"grafana", "loki", "alloy"}
    assert {key for changes in stand_ins.values() for key in changes} == {"image", "build", "pull_policy", "entrypoint"}
