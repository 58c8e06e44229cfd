"""Backups, as far as they can be judged without a server; tests/integration/faults/test_restore.py is the drill."""

import datetime as dt
import io
import os
from pathlib import Path

import httpx
import pytest

from tools.backups import nightly, taking
from tools.backups.inventory import differences
from tools.backups.sealing import FRAME_BYTES, MAGIC, SALT_BYTES, TAG_BYTES, seal, unseal
from tools.backups.taking import Manifest, copy_away, digest_of, forget_old, key_from, list_all
from tools.native import layout as layouts
from tools.native import services
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import Ports

KEY = bytes(range(32))
HEAD = len(MAGIC) + SALT_BYTES
SEALED_FRAME = FRAME_BYTES + TAG_BYTES


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(layouts, "UNREACHABLE_STATE_PARENT", tmp_path)
    found = Layout(layouts.settle(tmp_path / "a stack"), Ports(base=38000))
    found.secrets.mkdir()
    return found


def sealed(plain: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    assert seal(io.BytesIO(plain), target, key) == len(plain)
    return target.getvalue()


def opened(text: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    unseal(io.BytesIO(text), target, key)
    return target.getvalue()


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES])
def test_what_was_sealed_opens_as_it_was(size: int) -> None:
    plain = os.urandom(size)
    assert opened(sealed(plain)) == plain


def test_the_same_backup_never_looks_the_same_twice() -> None:
    assert sealed(b"same") != sealed(b"same")


@pytest.mark.requirement("R-58")
def test_another_key_opens_nothing() -> None:
    with pytest.raises(StackError, match="the key is not the one"):
        opened(sealed(b"secret"), bytes(32))


@pytest.mark.requirement("R-58")
@pytest.mark.parametrize("cut", [HEAD - 1, HEAD, HEAD + 1, HEAD + SEALED_FRAME, HEAD + 2 * SEALED_FRAME, -1])
def test_a_backup_that_ends_too_early_is_noticed_wherever_it_ends(cut: int) -> None:
    with pytest.raises(StackError, match=r"not a sealed backup|cut off"):
        opened(sealed(os.urandom(3 * FRAME_BYTES))[:cut])


@pytest.mark.requirement("R-58")
def test_frames_cannot_change_places_or_be_repeated() -> None:
    whole = sealed(os.urandom(3 * FRAME_BYTES))
    frames = [whole[HEAD + n * SEALED_FRAME : HEAD + (n + 1) * SEALED_FRAME] for n in range(3)]
    for order in ([1, 0, 2], [0, 0, 2], [0, 2], [0, 1, 2, 2]):
        with pytest.raises(StackError, match="changed or cut off"):
            opened(whole[:HEAD] + b"".join(frames[n] for n in order))


@pytest.mark.parametrize("place", [0, len(MAGIC), HEAD, HEAD + 3, -1])
def test_a_flipped_bit_is_noticed(place: int) -> None:
    text = bytearray(sealed(b"one order"))
    text[place] ^= 1
    with pytest.raises(StackError):
        opened(bytes(text))


def test_a_key_file_that_holds_none_says_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not hexadecimal")
    with pytest.raises(StackError, match="64 hexadecimal digits"):
        key_from(tmp_path / "key")


def test_the_key_is_made_once_and_only_its_owner_reads_it(stack: Layout) -> None:
    first = taking.backup_key(stack)
    assert taking.backup_key(stack) == first
    assert (stack.secrets / taking.KEY_FILE).stat().st_mode & 0o777 == 0o600


def a_backup(stack: Layout, name: str, verified_at: str | None = "2026-11-26T00:01:00+00:00") -> Path:
    folder = taking.folder_of(stack) / name
    folder.mkdir()
    (folder / taking.CLUSTER).write_bytes(b"sealed")
    files = {taking.CLUSTER: digest_of(folder / taking.CLUSTER)}
    Manifest("2026-11-26T00:00:00+00:00", 15, files, verified_at).write(folder)
    return folder


def test_a_file_that_changed_since_is_named(stack: Layout) -> None:
    folder = a_backup(stack, "20261126T000000Z")
    assert Manifest.read(folder).postgres == 15
    (folder / taking.CLUSTER).write_bytes(b"Sealed")
    with pytest.raises(StackError, match=r"cluster\.tar\.gz\.sealed is missing or was changed"):
        Manifest.read(folder)


def test_only_the_newest_backups_stay(stack: Layout) -> None:
    names = [f"2026112{day}T000000Z" for day in range(5)]
    for name in names:
        a_backup(stack, name)
    assert [folder.name for folder in forget_old(stack, keep=2)] == names[:3]
    assert [folder.name for folder in list_all(taking.folder_of(stack))] == names[3:]


def test_tries_that_failed_neither_stay_nor_push_out_what_is_proved(stack: Layout) -> None:
    proved = a_backup(stack, "20261120T000000Z")
    tries = [a_backup(stack, f"2026112{day}T000000Z", verified_at=None) for day in range(1, 4)]
    broken_off = taking.folder_of(stack) / ".20261125T000000Z.unfinished"
    broken_off.mkdir()
    assert forget_old(stack, keep=1) == tries
    assert list_all(taking.folder_of(stack)) == [proved]
    assert not broken_off.exists()


def test_the_command_that_copies_away_is_given_the_folder_and_its_failure_is_ours(
    stack: Layout, tmp_path: Path
) -> None:
    folder = a_backup(stack, "20261126T000000Z")
    (tmp_path / "off box").mkdir()
    assert not copy_away(folder, os.environ)
    assert copy_away(folder, {**os.environ, taking.COPY_VARIABLE: f'cp -r "$1" "{tmp_path}/off box/"'})
    assert (tmp_path / "off box" / folder.name / taking.CLUSTER).read_bytes() == b"sealed"
    with pytest.raises(StackError, match="no route to the other house"):
        copy_away(folder, {**os.environ, taking.COPY_VARIABLE: "echo no route to the other house >&2; exit 7"})


def test_a_difference_names_the_table_and_the_owner() -> None:
    saved = {"exodus_trading.orders": {"a": 2, "b": 1}}
    assert differences(saved, saved) == []
    found = {"exodus_trading.orders": {"a": 2}, "exodus_trading.new": {"-": 1}}
    assert differences(saved, found) == [
        "exodus_trading.new: 1 rows of -, 0 were saved",
        "exodus_trading.orders: 0 rows of b, 1 were saved",
    ]


@pytest.mark.parametrize(
    ("counted_from", "now", "due"),
    [
        ("2026-11-26T12:00", "2026-11-26T18:29", False),
        ("2026-11-26T12:00", "2026-11-26T18:30", True),
        ("2026-11-26T18:31", "2026-11-27T18:29", False),
        ("2026-11-24T18:31", "2026-11-26T09:00", True),
    ],
    ids=["not yet", "now", "taken already", "a night was slept through"],
)
def test_a_backup_is_due_once_a_night(counted_from: str, now: str, *, due: bool) -> None:
    moments = [dt.datetime.fromisoformat(f"{text}+00:00") for text in (counted_from, now)]
    assert nightly.is_due(dt.time(18, 30), *moments) is due


def test_a_time_that_is_none_says_what_is_needed() -> None:
    assert nightly.time_of_day({}) == dt.time(18, 30)
    assert nightly.time_of_day({nightly.AT_VARIABLE: "off"}) is None
    with pytest.raises(StackError, match="EXODUS_BACKUP_AT=25:00 is neither"):
        nightly.time_of_day({nightly.AT_VARIABLE: "25:00"})


@pytest.mark.requirement("R-58")
def test_a_night_that_fails_is_counted_and_tried_again_after_an_hour(stack: Layout) -> None:
    """The real command is run; it fails because nothing of this stack runs."""
    taking.count_from(stack, dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    told = {**os.environ, "EXODUS_STACK_DIR": str(stack.directory), "EXODUS_PORT_BASE": str(stack.ports.base)}
    keeper, now = nightly.Keeper(stack, told), dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
    assert [keeper.look(now), keeper.look(now + dt.timedelta(minutes=59))] == [True, False]
    assert keeper.failures == 1
    taking.count_from(stack, now, proved=True)
    assert not keeper.look(now + dt.timedelta(hours=1)), "somebody took one by hand"
    server = nightly.serve(keeper, 0)
    try:
        said = httpx.get(f"http://127.0.0.1:{server.server_port}/metrics", trust_env=False)
    finally:
        server.shutdown()
        server.server_close()
    assert "exodus_backup_failures_total 1" in said.text


@pytest.mark.requirement("R-28")
def test_two_never_take_a_backup_of_one_stack_at_once(stack: Layout) -> None:
    with taking.alone(stack), pytest.raises(StackError, match="being taken already"), taking.alone(stack):
        pass
    with taking.alone(stack):
        pass


def test_there_is_one_keeper_unless_it_is_switched_off_or_in_quarantine(stack: Layout) -> None:
    command = 'scp -r "$1" attic:'
    [keeper] = nightly.programs(stack, {taking.COPY_VARIABLE: command})
    assert keeper.name == "backups"
    assert f"{taking.COPY_VARIABLE}={command}" in (stack.secrets / nightly.SETTINGS_FILE).read_text()
    assert nightly.programs(stack, {nightly.AT_VARIABLE: "off"}) == []
    stack.quarantine_file.write_text("{}")
    assert nightly.programs(stack, {}) == []


@pytest.mark.requirement("R-59")
def test_in_quarantine_no_worker_is_among_the_programs(stack: Layout) -> None:
    assert len([one for one in services.programs(stack) if one.name.endswith("-worker")]) == 6
    stack.quarantine_file.write_text("{}")
    assert [one.name for one in services.programs(stack) if one.name.endswith("-worker")] == []
    assert len(services.programs(stack)) == 6
    assert services.environment(stack, "broker")["BROKER_QUARANTINED"] == "true"
