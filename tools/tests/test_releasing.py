"""What a release is made of; tests/integration/faults/test_release.py has one under load."""

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tools.native import layout as layouts
from tools.native import releasing, services
from tools.native.errors import NothingThere, StackError
from tools.native.layout import Layout
from tools.native.ports import Ports
from tools.native.programs import Program
from tools.native.supervisor import Supervisor
from tools.native.versions import Versions

KOREA_TRADES = dt.datetime(2026, 11, 27, 3, 0, tzinfo=dt.UTC)
NEW_YORK_TRADES = dt.datetime(2026, 11, 25, 15, 0, tzinfo=dt.UTC)
NOBODY_TRADES = dt.datetime(2026, 11, 28, 3, 0, tzinfo=dt.UTC)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(layouts, "UNREACHABLE_STATE_PARENT", tmp_path)
    return Layout(layouts.settle(tmp_path / "stack"), Ports(base=38000))


@pytest.mark.parametrize(
    ("moment", "markets"), [(KOREA_TRADES, ["KRX"]), (NEW_YORK_TRADES, ["US"]), (NOBODY_TRADES, [])]
)
def test_a_market_is_open_in_its_own_hours(moment: dt.datetime, markets: list[str]) -> None:
    assert releasing.open_markets(moment) == markets


def test_in_market_hours_a_release_has_to_be_meant(stack: Layout) -> None:
    for switch in (releasing.release, releasing.roll_back):
        with pytest.raises(StackError, match="the market is open"):
            switch(stack, KOREA_TRADES)
        with pytest.raises(NothingThere):
            switch(stack, KOREA_TRADES, anyway=True)
        with pytest.raises(NothingThere):
            switch(stack, NOBODY_TRADES)


def test_containers_have_no_two_colours(stack: Layout) -> None:
    stack.mode_file.write_text("containers")
    with pytest.raises(StackError, match="no two colours"):
        releasing.release(stack, NOBODY_TRADES)


def test_what_is_live_is_written_down(stack: Layout) -> None:
    told = {"EXODUS_STACK_DIR": str(stack.directory), "EXODUS_PORT_BASE": "38000"}
    assert Layout.from_environment(told).ports.api("auth") == 38101
    left = Versions("green", can_go_back=True, is_released=True)
    left.write(stack.versions_file)
    assert stack.versions == left
    assert Layout.from_environment(told).ports.api("auth") == 38151


def test_both_colours_run_side_by_side(stack: Layout) -> None:
    blue, green = services.programs(stack), services.programs(stack.wearing("green"))
    assert not {program.name for program in blue} & {program.name for program in green}
    assert {program.group for program in (*blue, *green)} == {"blue", "green"}
    ports = [{port for port, _, _ in stack.wearing(colour).ports.services()} for colour in ("blue", "green")]
    assert not ports[0] & ports[1]
    told = services.environment(stack.wearing("green"), "trading")
    assert told["TRADING_MARKET_URL"] == "http://127.0.0.1:38153", "each asks its own"


def test_a_version_keeps_its_code_whatever_the_repository_becomes(
    stack: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repository"
    for folder in {folder for service in services.SERVICES for folder in services.code_of(service)}:
        (root / folder / "it").mkdir(parents=True)
        (root / folder / "tests").mkdir()
        (root / folder / "it" / "app.py").write_text("one")
    monkeypatch.setattr(services, "ROOT", root)
    services.take_code(stack)
    (root / "services" / "trading" / "it" / "app.py").write_text("two")
    services.take_code(stack.wearing("green"))
    texts = [(stack.wearing(colour).code / "services/trading/it/app.py").read_text() for colour in ("blue", "green")]
    assert texts == ["one", "two"]
    assert not list(stack.code.rglob("tests"))
    for folder in services.environment(stack, "trading")["PYTHONPATH"].split(os.pathsep):
        assert Path(folder).is_relative_to(stack.code_copy)


def test_settings_that_a_server_takes_over_only_when_it_starts_are_noticed(stack: Layout, tmp_path: Path) -> None:
    server = Program("server", "servers", ("true",), tmp_path, lambda: None)
    supervisor = Supervisor(stack)
    supervisor.write([server])
    assert supervisor.changed([server]) == []
    assert supervisor.changed([replace(server, command=("false",)), replace(server, name="new")]) == ["server", "new"]
