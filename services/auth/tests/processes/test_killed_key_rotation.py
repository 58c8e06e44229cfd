"""Signing keys are changed by an operator whose command may die, or be given twice: no good token is refused for it."""

import asyncio
import datetime as dt
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tools.native import credentials, rotating_keys, signing_keys
from tools.native.layout import ROOT, Layout
from tools.native.ports import Ports

SCRIPT = Path(__file__).parent / "dying_key_rotation.py"
SECONDS_MAX = 300
LINES_MIN = 40
CONTAINERS_MODE = 0o644
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
OPERATORS, ROTATIONS_EACH = 4, 5


@pytest.fixture
def stack(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "stack", Ports(base=38000))
    made.directory.mkdir()
    credentials.write_all(made, credentials.Addresses.native(made))
    (made.secrets / "auth" / signing_keys.FILE).chmod(CONTAINERS_MODE)
    return made


async def deaths_of(stack: Layout, folder: Path, *how: str) -> list[dict[str, Any]]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT), str(stack.directory), str(folder), *how),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    said, _ = await asyncio.wait_for(child.communicate(), SECONDS_MAX)
    assert child.returncode == 0
    deaths = [json.loads(line) for line in said.splitlines()]
    assert [death["line"] for death in deaths] == list(range(1, len(deaths) + 1))
    assert len(deaths) >= LINES_MIN
    return deaths


def assert_nobody_is_refused(death: dict[str, Any]) -> None:
    for found in (death["after_death"], death["resumed"]):
        assert found["auth"] != [], death
        assert set(found["auth"]) <= set(found["loaded"]), (
            f"auth may sign with a key the gateway does not know: {death}"
        )
        assert set(found["auth"]) <= set(found["published"]), f"and would not after a restart: {death}"
        assert found["mode"] == CONTAINERS_MODE, f"auth in a container could not read it: {death}"
    resumed = death["resumed"]
    assert resumed["auth"] == resumed["published"] == resumed["loaded"]
    assert not [name for name in resumed["files"] if name.startswith(".")], "half a file stays"


@pytest.mark.requirement("R-43")
async def test_a_rotation_of_signing_keys_killed_at_every_line_refuses_no_token(stack: Layout, tmp_path: Path) -> None:
    (first,) = signing_keys.read((stack.secrets / "auth" / signing_keys.FILE).read_text())
    for death in await deaths_of(stack, tmp_path / "copies"):
        assert_nobody_is_refused(death)
        assert first.key_id in death["after_death"]["auth"], "its tokens live"
        assert first.key_id in death["resumed"]["auth"]


@pytest.mark.requirement("R-43")
@pytest.mark.parametrize("others", [0, 1])
async def test_a_stolen_key_is_out_after_a_killed_revocation_is_called_again(
    stack: Layout, tmp_path: Path, others: int
) -> None:
    for _ in range(others):
        rotating_keys.rotate(stack, NOW - dt.timedelta(minutes=5))
    (stack.secrets / "auth" / signing_keys.FILE).chmod(CONTAINERS_MODE)
    for death in await deaths_of(stack, tmp_path / "copies", "revoke"):
        assert_nobody_is_refused(death)
        assert death["revoked"] not in death["resumed"]["auth"]
        assert death["revoked"] not in death["resumed"]["loaded"]


@pytest.mark.requirement("R-43")
def test_keys_that_operators_add_at_the_same_time_are_all_kept(stack: Layout) -> None:
    def rotate_often(_: int) -> set[str]:
        return {rotating_keys.rotate(stack, NOW)[-1].key_id for _ in range(ROTATIONS_EACH)}

    with ThreadPoolExecutor(OPERATORS) as operators:
        made = set().union(*operators.map(rotate_often, range(OPERATORS)))
    kept = {key.key_id for key in signing_keys.read((stack.secrets / "auth" / signing_keys.FILE).read_text())}
    assert made < kept
    assert set(json.loads((stack.gateway / signing_keys.PUBLISHED).read_text())) == kept
