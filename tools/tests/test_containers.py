"""The platform in containers, as far as it can be judged without an engine; tests/containers has the rest."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import container_files, containers, engines
from tools.native import layout as layouts
from tools.native.errors import StackError
from tools.native.layout import CONTAINERS, NATIVE, OFFLINE, ROOT, Layout
from tools.native.ports import SERVICES, Ports

COMPOSE: dict[str, Any] = yaml.safe_load(containers.COMPOSE_FILE.read_text())
HERE: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {name for name, container in HERE.items() if container.get("restart") == "no"}
STATE = "${EXODUS_STACK_DIR:?start it with make up}"
WRITABLE = {
    "postgres": ["postgres:/var/lib/postgresql/data"],
    "rabbitmq": ["rabbitmq:/var/lib/rabbitmq"],
    "auth-worker": [f"{STATE}/audit:/audit"],
    # nginx keeps its pid and its temporary files beside its settings
    "gateway": [f"{STATE}/secrets/containers/gateway:{STATE}/secrets/containers/gateway"],
}

SHARES_DEFAULT = 1024
"""Of processor time, as every engine has it."""

Engines = Callable[..., None]


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
    workers = {name for name in HERE if name.endswith(("-worker", "-compute"))}
    assert len(workers) == len(SERVICES) + 1
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


def test_monitoring_is_refused_at_once_where_its_images_cannot_be_had(
    stack: Layout, machine: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(docker="exit 0")
    monkeypatch.setenv("EXODUS_MONITORING", "1")
    stack.mode_file.write_text(OFFLINE)
    with pytest.raises(StackError, match="needs images from outside"):
        containers.up(stack)
    assert not stack.secrets.exists(), "nothing was begun"
