"""The parts of the stack that need no server: ports, folders, secrets, generated configuration."""

import base64
import configparser
import datetime as dt
import hashlib
import json
import os
import re
import socket
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from broker.brokers import read_brokers
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key
from jwt.algorithms import ECAlgorithm
from kit import amqp
from kit.settings import strong
from supervisor.datatypes import dict_of_key_value_pairs, list_of_strings

from tools import container_files
from tools.native import (
    accounts,
    credentials,
    emulators,
    layout,
    packages,
    ports,
    rabbitmq,
    rotating_keys,
    services,
    signing_keys,
    supervisor,
)
from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout
from tools.native.ports import SERVICES, Ports
from tools.native.programs import Program
from tools.stack import main

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
MOVES = re.compile("(127.0.0.1:|port=)38")


@pytest.fixture(autouse=True)
def nothing_is_left_in_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "UNREACHABLE_STATE_PARENT", tmp_path)


@pytest.fixture
def stack(tmp_path: Path) -> Layout:
    return Layout(layout.settle(tmp_path / "a stack"), Ports(base=38000))


def a_program(**changes: Any) -> Program:
    values = {"name": "one", "group": "servers", "command": ("true",), "directory": Path("/"), **changes}
    return Program(why_not_ready=lambda: None, **values)


# --- ports


def test_every_port_derives_from_one_base_and_none_twice() -> None:
    named = Ports.from_environment({"EXODUS_PORT_BASE": "20000"})
    numbers = [port for port, _, _ in (*named.servers(), *named.helpers(), *named.services(), *named.edge())]
    assert (named.api("auth"), named.worker("notification"), named.postgres) == (20101, 20206, 20432)
    assert len(numbers) == len(set(numbers)) == 21


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1", "64999"])
def test_a_port_that_is_none_is_refused_by_the_name_of_its_variable(text: str) -> None:
    with pytest.raises(StackError, match="EXODUS_PORT_BASE"):
        Ports.from_environment({"EXODUS_PORT_BASE": text})


def test_a_taken_port_is_reported_with_its_owner_and_the_variable_that_moves_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} for X is taken by .*pid {os.getpid()}.*set EXODUS_X"):
            ports.require_free(iter([(port, "X", "EXODUS_X")]))
    ports.require_free(iter([(port, "X", "EXODUS_X")]))


# --- folders


def test_a_folder_that_holds_other_things_is_never_taken_for_a_stack(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StackError, match="holds other things"):
        layout.settle(tmp_path)


def test_a_long_path_gets_a_short_socket_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    short, long, longer = Path("/srv/stack"), tmp_path / ("x" * 120), tmp_path / ("y" * 120)
    assert layout.socket_path(short).is_relative_to(short)
    assert layout.socket_path(long).is_relative_to("/run/user/1")
    assert layout.socket_path(long) != layout.socket_path(longer)
    assert len(os.fsencode(layout.socket_path(long))) <= layout.SOCKET_PATH_BYTES_MAX


@pytest.mark.skipif(not accounts.is_root(), reason="only root starts servers under accounts other than its own")
def test_a_clone_where_the_servers_cannot_go_keeps_its_state_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    settled = layout.settle(closed / ".stack")
    assert settled.parent == tmp_path
    assert (closed / ".stack").resolve() == settled == layout.settle(closed / ".stack")


def test_stopping_and_removing_what_is_not_there_is_no_failure_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXODUS_STACK_DIR", str(tmp_path / "none"))
    assert [main([name]) for name in ("down", "clean", "status")] == [0, 0, 1]
    assert not (tmp_path / "none").exists()


# --- the address people are told


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, "https://localhost:8443"),
        ({"EXODUS_GATEWAY_PORT": "19443"}, "https://localhost:19443"),
        ({"EXODUS_GATEWAY_PORT": "443"}, "https://localhost"),
        ({"EXODUS_GATEWAY_PORT": "19443", "EXODUS_PUBLIC_URL": "https://exodus.example/"}, "https://exodus.example"),
    ],
)
def test_who_writes_to_people_links_to_where_the_gateway_is(
    tmp_path: Path, environment: dict[str, str], address: str
) -> None:
    moved = Layout.from_environment({"EXODUS_STACK_DIR": str(tmp_path / "moved"), **environment})
    for service in ("auth", "notification"):
        told = services.environment(moved, service)[f"{service.upper()}_PUBLIC_URL"]
        assert told == container_files.settings_of(moved, service)[f"{service}_public_url"] == address


# --- packages


def test_installing_a_package_does_not_start_its_server_and_the_old_policy_comes_back(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with packages.servers_stay_off(policy):
        assert "exit 101" in policy.read_text()
    assert not policy.exists()
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o700)
    with pytest.raises(ZeroDivisionError), packages.servers_stay_off(policy):
        _ = 1 / 0
    assert (policy.read_text(), stat.S_IMODE(policy.stat().st_mode)) == ("#!/bin/sh\nexit 0\n", 0o700)


# --- emulators


def test_emulators_run_only_when_asked_for_and_the_broker_service_is_pointed_at_them(
    stack: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXODUS_EMULATORS", raising=False)
    assert (emulators.programs(stack), emulators.settings(stack)) == ([], {})
    monkeypatch.setenv("EXODUS_EMULATORS", "1")
    ports = {name: str(each.port(stack)) for name, each in emulators.EMULATORS.items()}
    assert {program.name: program.command[-3] for program in emulators.programs(stack)} == {
        f"{name}-emulator": port for name, port in ports.items() if not emulators.EMULATORS[name].served_by
    }
    lines = read_brokers(Path(emulators.settings(stack)["BROKER_BROKERS_FILE"]), live_allowed=True)
    assert {name: line.rest for (name, _), line in lines.items()} == {
        name: f"http://127.0.0.1:{port}" for name, port in ports.items()
    }


def test_real_environments_are_played_when_asked_for_apart_from_paper_and_for_nobody_without_the_switch(
    stack: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXODUS_EMULATORS", "live")
    played = {program.name: program for program in emulators.programs(stack)}
    assert {name for name in played if "live" in name} == {"kis-live-emulator", "alpaca-live-emulator"}
    assert played["kis-live-emulator"].command[3] == "emulators.kis.server:real"
    told = emulators.settings(stack)
    assert not [name for name in told if "LIVE" in name], "the switch is the operator's alone"
    file = Path(told["BROKER_BROKERS_FILE"])
    lines = read_brokers(file, live_allowed=True)
    assert {name for name, environment in lines if environment == "real"} == {"kis", "alpaca"}
    assert {environment for _, environment in read_brokers(file, live_allowed=False)} == {"paper"}


# --- secrets


def secret_files(stack: Layout) -> dict[str, str]:
    return {
        str(path.relative_to(stack.secrets)): path.read_text() for path in stack.secrets.rglob("*") if path.is_file()
    }


def test_every_service_gets_its_secrets_under_the_names_its_settings_read(stack: Layout) -> None:
    credentials.write_all(stack, credentials.Addresses.native(stack))
    common = {"database_url", "system_database_url", "owner_database_url", "amqp_url", "redis_url"}
    expected = {f"{service}/{service}_{name}" for service in SERVICES for name in common}
    expected |= {
        "auth/auth_signing_key",
        "auth/auth_sealing_key",
        "auth/auth_service_secrets",
        "backtest/backtest_service_secret",
        "notification/notification_service_secret",
        "trading/trading_service_secret",
    }
    expected |= {"broker/broker_vault_key", "notification/notification_sealing_key"}
    assert set(secret_files(stack)) == expected | {"passwords.json"}
    shared = json.loads(secret_files(stack)["auth/auth_service_secrets"])
    assert shared == {
        name: secret_files(stack)[f"{name}/{name}_service_secret"] for name in credentials.SERVICE_CLIENTS
    }
    assert len(set(shared.values())) == len(shared)


@pytest.mark.requirement("R-56")
def test_secrets_are_strong_different_and_readable_by_their_owner_only(stack: Layout) -> None:
    credentials.write_all(stack, credentials.Addresses.native(stack))
    passwords = json.loads((stack.secrets / "passwords.json").read_text())
    proofs = len(credentials.SERVICE_CLIENTS)
    assert len(set(passwords.values())) == len(passwords) == 3 * len(SERVICES) + 3 + proofs + 2 * len(SERVICES)
    for password in passwords.values():
        assert len(bytes.fromhex(strong(password))) * 8 == 256
    for path in (stack.secrets, *stack.secrets.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_secrets_survive_the_next_start_while_addresses_follow_the_ports(stack: Layout) -> None:
    credentials.write_all(stack, credentials.Addresses.native(stack))
    before = secret_files(stack)
    moved = Layout(stack.directory, Ports(base=39000))
    credentials.write_all(moved, credentials.Addresses.native(moved))
    assert secret_files(moved) == {name: MOVES.sub(r"\g<1>39", text) for name, text in before.items()}


def address_of_books(tmp_path: Path, stack: Layout) -> str:
    passwords = credentials.Passwords(tmp_path / "passwords.json")
    return credentials.files_of("trading", passwords, credentials.Addresses.native(stack))["trading_database_url"]


def test_a_service_asks_the_database_beside_it_through_its_socket(tmp_path: Path) -> None:
    stack = Layout(Path("/srv/exodus"), Ports(base=38000))
    assert address_of_books(tmp_path, stack).endswith("@/exodus_trading?host=/srv/exodus/postgres&port=38432")
    assert replace(stack, postgres_at="postgres:5432").database_socket is None


@pytest.mark.parametrize("name", ["with a space", "quo'ted", "a?b=c&d", "a+b", "l" * 79])
def test_a_folder_that_is_out_of_the_ordinary_has_its_database_asked_over_tcp(tmp_path: Path, name: str) -> None:
    odd = Layout(Path("/srv") / name, Ports(base=38000))
    assert address_of_books(tmp_path, odd).endswith("@127.0.0.1:38432/exodus_trading")


def test_the_gateway_knows_the_signing_key_by_its_thumbprint(stack: Layout) -> None:
    credentials.write_all(stack, credentials.Addresses.native(stack))
    ((kid, spki),) = json.loads((stack.gateway / "keys.json").read_text()).items()
    private = load_pem_private_key((stack.secrets / "auth" / "auth_signing_key").read_bytes(), None)
    assert load_der_public_key(base64.b64decode(spki)) == private.public_key()
    jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    members = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    digest = hashlib.sha256(members.encode()).digest()
    assert kid == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.requirement("R-43")
def test_a_new_key_is_published_before_it_signs_and_an_old_one_stays_while_its_tokens_live(stack: Layout) -> None:
    credentials.write_all(stack, credentials.Addresses.native(stack))
    (first,) = signing_keys.read((stack.secrets / "auth" / signing_keys.FILE).read_text())
    later = NOW + dt.timedelta(hours=2)
    two = rotating_keys.rotate(stack, NOW)
    assert two[0].key_id == first.key_id
    assert two[1].signs_from == NOW + dt.timedelta(seconds=signing_keys.LEAD_SECONDS)
    assert set(json.loads((stack.gateway / "keys.json").read_text())) == {key.key_id for key in two}
    three = rotating_keys.rotate(stack, later)
    assert [key.key_id for key in three][:-1] == [two[1].key_id], "the first one's last token died an hour ago"
    assert stat.S_IMODE((stack.secrets / "auth" / signing_keys.FILE).stat().st_mode) == 0o600


@pytest.mark.requirement("R-43")
def test_a_stolen_key_is_taken_out_at_once_and_there_is_always_one_that_signs(stack: Layout) -> None:
    credentials.write_all(stack, credentials.Addresses.native(stack))
    (stolen,) = signing_keys.read((stack.secrets / "auth" / signing_keys.FILE).read_text())
    (fresh,) = rotating_keys.rotate(stack, NOW, revoke=stolen.key_id)
    assert fresh.signs_from <= NOW
    assert set(json.loads((stack.gateway / "keys.json").read_text())) == {fresh.key_id}
    with pytest.raises(StackError, match="there is no key"):
        rotating_keys.rotate(stack, NOW, revoke=stolen.key_id)


def test_a_password_is_hashed_as_rabbitmq_documents_it() -> None:
    documented = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
    assert rabbitmq.password_hash("test12", bytes.fromhex("908DC60A")) == documented


@pytest.mark.requirement("R-56")
def test_rabbitmqs_users_change_only_with_their_passwords_and_the_exchanges_are_those_kit_speaks_of(
    stack: Layout,
) -> None:
    passwords = credentials.open_passwords(stack)
    definitions = rabbitmq.definitions(passwords)
    assert rabbitmq.definitions(credentials.open_passwords(stack)) == definitions, "or every start would restart it"
    assert [exchange["name"] for exchange in json.loads(definitions)["exchanges"]] == [
        amqp.EXCHANGE,
        amqp.DEAD_EXCHANGE,
    ]
    secrets = [passwords.of(f"{server}:{service}") for server in ("rabbitmq", "redis") for service in SERVICES]
    assert len({*secrets, passwords.of("rabbitmq"), passwords.of("redis")}) == len(secrets) + 2


# --- the supervisor's configuration


def test_odd_paths_and_values_reach_the_process_unchanged(stack: Layout) -> None:
    odd = {"A": "100% of a path, with spaces; and 'quotes' in it", "B": "{127,0,0,1}"}
    config = configparser.RawConfigParser()
    config.read_string(supervisor.render(stack, [a_program(environment=odd, command=("/a b/c", "50%"))]))
    program = config["program:one"]
    read = dict_of_key_value_pairs(program["environment"].replace("%%", "%"))
    assert {name: read[name] for name in odd} == odd
    assert program["command"].replace("%%", "%").endswith("-- '/a b/c' 50%")


@pytest.mark.parametrize("value", ['say "no"', "two\nlines", "quoted at the end'"])
def test_a_value_that_the_configuration_cannot_hold_is_refused(stack: Layout, value: str) -> None:
    with pytest.raises(StackError, match="A has a quote or a line break"):
        supervisor.render(stack, [a_program(environment={"A": value})])


def test_groups_start_in_order_and_processes_are_restarted_for_ever(stack: Layout) -> None:
    config = configparser.RawConfigParser()
    programs = [a_program(name=group, group=group) for group in ("gateway", "blue", "servers")]
    config.read_string(supervisor.render(stack, programs))
    order = sorted(("servers", "blue", "gateway"), key=lambda group: int(config[f"group:{group}"]["priority"]))
    assert order == ["servers", "blue", "gateway"]
    for group in order:
        assert list_of_strings(config[f"group:{group}"]["programs"]) == [group]
        assert config[f"program:{group}"]["autorestart"] == "true"
        assert int(config[f"program:{group}"]["startretries"]) >= 1_000_000


def test_a_changed_file_makes_another_version_of_its_process(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("one")
    before = a_program(depends_on=(file,)).version()
    assert a_program(depends_on=(file,)).version() == before
    file.write_text("two")
    assert a_program(depends_on=(file,)).version() != before


# --- services


def test_a_service_without_code_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"services/auth/auth/app\.py"):
        services.require_all(tmp_path)


def test_a_service_is_given_its_own_code_and_secrets_only(stack: Layout) -> None:
    told = services.environment(stack, "backtest")
    folders = [Path(folder).relative_to(ROOT) for folder in told["PYTHONPATH"].split(os.pathsep)]
    assert folders == [Path("libs/kit"), Path("libs/quant"), Path("services/backtest")]
    assert told["EXODUS_SECRETS_DIR"] == str(stack.secrets / "backtest")
    assert told["BACKTEST_MARKET_URL"] == "http://127.0.0.1:38103"
    assert told["BACKTEST_JWKS_URL"] == "http://127.0.0.1:38101/.well-known/jwks.json"
