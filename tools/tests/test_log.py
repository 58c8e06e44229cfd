"""The log on a real server: kept, taken away, and gone on by to a moment between two commits.

tests/integration/faults/test_restore.py has the drill with a whole platform, whose ledger is proved afterwards.
"""

import asyncio
import datetime as dt
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import pytest

from tools.backups import log, nightly, replaying, restoring, taking
from tools.backups.inventory import Server
from tools.backups.replaying import Replay
from tools.backups.taking import Manifest
from tools.native import accounts, credentials, packages, postgres
from tools.native import layout as layouts
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import Ports, is_free
from tools.native.readiness import wait_until_ready
from tools.native.supervisor import Supervisor

KEY = bytes(range(32))
PATIENCE_SECONDS = 60
DATABASE = "exodus_trading"

pytestmark = pytest.mark.timeout(600)


def free_ports() -> Ports:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return Ports(next(base for base in range(17000 + 50 * worker, 24000, 700) if is_free(Ports(base).postgres)))


@dataclass
class Cluster:
    """A PostgreSQL of our own with one table in it, which keeps its log; and a place that is not this machine."""

    layout: Layout
    attic: Path
    environment: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environment = {**os.environ, taking.COPY_VARIABLE: f'cp -r "$1" "{self.attic}/"'}

    @property
    def server(self) -> Server:
        password = credentials.open_passwords(self.layout).of(credentials.POSTGRES_ADMIN)
        return Server("127.0.0.1", self.layout.ports.postgres, password)

    def start(self) -> None:
        binaries, passwords = packages.ensure().postgres, credentials.open_passwords(self.layout)
        program = postgres.prepare(self.layout, binaries, passwords, keeps_log=True)
        supervisor = Supervisor(self.layout)
        supervisor.start([program])
        wait_until_ready(self.layout, supervisor, [program], PATIENCE_SECONDS)
        postgres.provision(self.layout, binaries, passwords)
        asked(self.server, "CREATE TABLE IF NOT EXISTS written (what text PRIMARY KEY)")

    def writes(self, what: str) -> dt.datetime:
        """Commit one row; return a moment after it, and before whatever is written next."""
        asked(self.server, f"INSERT INTO written VALUES ('{what}')")
        moment: dt.datetime = asked(self.server, "SELECT clock_timestamp()")
        time.sleep(
            0.01
        )  # commits carry microseconds: the next one is later than this moment, whatever the clock's grain
        return moment

    def finishes_its_segment(self) -> None:
        """What half a minute does by itself; wait until PostgreSQL has put the segment where it is fetched."""
        before: str = asked(self.server, "SELECT pg_walfile_name(pg_switch_wal())")
        waiting = postgres.log_folder(self.layout) / before
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not waiting.exists():
            assert time.monotonic() < deadline, f"{before} was not archived"
            time.sleep(0.05)

    def takes_a_backup(self) -> Path:
        folder = taking.take(self.layout, dt.datetime.now(dt.UTC))
        taking.copy_away(folder, self.environment)
        return folder

    def ships(self) -> int:
        return log.ship(self.layout, self.environment)


def asked(server: Server, query: str, database: str = DATABASE) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(server.url(database), timeout=10)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """In a folder whose name would break a careless command; with the database of one service, as the log is of all."""
    monkeypatch.setattr(postgres, "SERVICES", ("trading",))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(layouts, "UNREACHABLE_STATE_PARENT", Path(folder))
        layout = Layout(layouts.settle(Path(folder, "it's a stack")), free_ports(), disposable=True)
        found = Cluster(layout, Path(folder, "attic"))
        found.attic.mkdir()
        try:
            found.start()
            yield found
        finally:
            Supervisor(layout).stop()


@pytest.fixture
def elsewhere(cluster: Cluster) -> Layout:
    return replace(cluster.layout, directory=layouts.settle(cluster.layout.directory.with_name("elsewhere")))


def written_after(elsewhere: Layout, backup: Path, key: bytes, replay: Replay) -> tuple[str, dt.datetime | None]:
    """What is in the table after a restore; the restored server stands on its own, and takes writes."""
    restoring.open_into(elsewhere, backup, key)
    with restoring.recovered(elsewhere, backup, key, replay) as (server, until):
        asked(server, "CREATE TABLE a_write ()")
        return str(asked(server, "SELECT string_agg(what, ' ' ORDER BY what) FROM written")), until


@pytest.mark.requirement("R-58")
def test_the_disk_is_lost_and_every_moment_between_two_commits_comes_back(cluster: Cluster, elsewhere: Layout) -> None:
    cluster.writes("1 before")
    backup = cluster.takes_a_backup()
    moment = cluster.writes("2 kept")
    at_an_end = cluster.writes("3 in the same segment")
    cluster.finishes_its_segment()
    cluster.writes("4 in the next")
    cluster.finishes_its_segment()
    assert cluster.ships() >= 2
    assert not list(postgres.log_folder(cluster.layout).iterdir()), "what was taken away does not fill the disk"
    cluster.writes("5 never finished a segment")
    key = taking.backup_key(cluster.layout)
    Supervisor(cluster.layout).stop()
    shutil.rmtree(cluster.layout.directory)

    found = []
    for to in (moment, at_an_end, None):
        rows, until = written_after(elsewhere, cluster.attic / backup.name, key, Replay(cluster.attic, to))
        assert until is not None
        assert to is None or until <= to
        found.append(rows)
        for folder in (elsewhere.state_of("postgres"), elsewhere.secrets):
            shutil.rmtree(folder)
    assert found[0] == "1 before 2 kept"
    assert found[1] == "1 before 2 kept 3 in the same segment"
    assert found[2] == "1 before 2 kept 3 in the same segment 4 in the next", "as far as the log leads"


@pytest.mark.requirement("R-58")
def test_a_log_with_a_gap_or_a_flaw_is_never_taken_for_its_end(cluster: Cluster, elsewhere: Layout) -> None:
    backup = cluster.takes_a_backup()
    moments = []
    for number in range(3):
        moments.append(cluster.writes(str(number)))
        cluster.finishes_its_segment()
    cluster.ships()
    key, first = taking.backup_key(cluster.layout), str(Manifest.peek(backup).log_from)
    pieces = sorted(cluster.attic.glob(f"{log.fingerprint(key)}-*{log.SEALED}"))
    in_between = next(file for file in pieces if taking.segment_after(taking.segment_after(first)) in file.name)
    whole = in_between.read_bytes()
    spool = accounts.home_for("postgres", elsewhere.directory / "spool")

    def lays_out(to: dt.datetime | None, key: bytes = key) -> dt.datetime:
        return replaying.lay_out(Replay(cluster.attic, to), backup, key, spool)

    assert lays_out(None) >= moments[2]
    used = sum(file.stat().st_blocks * 512 for file in spool.iterdir())
    assert used < sum(file.stat().st_size for file in spool.iterdir()) / 4, "what a segment has not used takes no room"
    with pytest.raises(StackError, match=r"the log ends at .*, before .*`--to latest`"):
        lays_out(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    with pytest.raises(StackError, match="has no log that goes on from"):
        lays_out(None, KEY)
    in_between.write_bytes(whole[:-100])
    with pytest.raises(StackError, match="changed or cut off"):
        lays_out(None)
    in_between.write_bytes(pieces[-1].read_bytes())
    with pytest.raises(StackError, match="somebody renamed it"):
        lays_out(None)
    in_between.unlink()
    with pytest.raises(StackError, match=f"the log has a gap: {in_between.name}"):
        lays_out(None)
    assert lays_out(moments[0]) > moments[0], "what lies before the gap is good"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that is made after this finishes a segment when a second has passed."""
    monkeypatch.setattr(postgres, "LOG_SECONDS_MAX", 1)


@pytest.mark.requirement("R-58")
@pytest.mark.usefixtures("impatient")
def test_the_keeper_takes_the_log_away_within_a_minute_and_says_until_when(cluster: Cluster) -> None:
    """Nobody finishes the segment here but the time."""
    keeper = nightly.Keeper(cluster.layout, cluster.environment)
    assert log.FIGURE not in keeper.metrics(), "an age that is not known is none"
    held_by = "SELECT pg_walfile_name(pg_current_wal_insert_lsn()) FROM soon"
    holds_it = str(asked(cluster.server, f"WITH soon AS (INSERT INTO written VALUES ('soon') RETURNING 1) {held_by}"))
    committed = dt.datetime.now(dt.UTC)
    taken_away = cluster.attic / log.sealed_name(taking.backup_key(cluster.layout), holds_it)
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while (until := log.archived_until(cluster.layout)) is None or until < committed:
        assert time.monotonic() < deadline, "the log stayed where it was, or is thought to be old where nothing is left"
        assert keeper.ship()
        assert until is None or until < committed or taken_away.exists()
        time.sleep(0.2)
    assert taken_away.exists()
    assert f"{log.FIGURE} {until.timestamp():.1f}\n" in keeper.metrics()


@pytest.mark.requirement("R-58")
def test_what_cannot_be_taken_away_waits_and_its_age_grows(cluster: Cluster) -> None:
    assert asked(cluster.server, "SHOW archive_timeout") == "30s"
    cluster.writes("one")
    cluster.finishes_its_segment()
    keeper = nightly.Keeper(cluster.layout, {**cluster.environment, taking.COPY_VARIABLE: "echo no route >&2; exit 7"})
    finished = sorted(postgres.log_folder(cluster.layout).glob("[!.]*"))
    assert not keeper.ship()
    assert "exodus_backup_log_failures_total 1" in keeper.metrics()
    assert log.archived_until(cluster.layout) is None
    assert sorted(postgres.log_folder(cluster.layout).glob("[!.]*"))[: len(finished)] == finished, "nothing is lost"
    assert nightly.Keeper(cluster.layout, cluster.environment).ship(), "the way is open again"
    there = {file.name for file in cluster.attic.iterdir()}
    assert {log.sealed_name(taking.backup_key(cluster.layout), file.name) for file in finished} <= there


def a_backup(layout: Layout, day: int, log_from: str, finished_at: str) -> Path:
    folder = taking.folder_of(layout) / f"202611{day}T000000Z"
    folder.mkdir()
    Manifest("2026-11-20T00:00:00+00:00", 15, {}, finished_at, finished_at, log_from).write(folder)
    return folder


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(layouts, "UNREACHABLE_STATE_PARENT", tmp_path)
    found = Layout(layouts.settle(tmp_path / "stack"), Ports(base=38000))
    found.secrets.mkdir()
    return found


def test_the_log_is_forgotten_when_no_backup_leads_to_it_or_it_is_old(stack: Layout) -> None:
    now = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    names = [taking.segment_name(1, number) for number in range(254, 260)]
    for days, name in zip((9, 9, 8, 2, 2, 1), names, strict=True):
        file = log.folder_of(stack) / log.sealed_name(KEY, name)
        file.touch()
        written = (now - dt.timedelta(days=days)).timestamp()
        os.utime(file, (written, written))
    a_backup(stack, 25, names[1], "2026-11-25T00:01:00+00:00")

    def left() -> list[str]:
        return sorted(file.name.removesuffix(log.SEALED)[-24:] for file in log.folder_of(stack).iterdir())

    assert log.forget_old(stack, now, days=7) == 1
    assert left() == names[1:], "from the newest backup on it all stays, however old"
    a_backup(stack, 26, names[3], "2026-11-26T00:01:00+00:00")
    assert log.forget_old(stack, now, days=7) == 2
    assert left() == names[3:]


def test_segments_are_counted_as_postgresql_does() -> None:
    assert taking.segment_name(1, 255) == "0000000100000000000000FF"
    assert taking.segment_after("0000000100000000000000FF") == "000000010000000100000000"
    assert taking.segment_after("00000002000000010000000A") == "00000002000000010000000B"


def test_the_newest_backup_from_before_the_moment_is_chosen(stack: Layout) -> None:
    here = taking.folder_of(stack)
    early = a_backup(stack, 25, "", "2026-11-25T00:01:00+00:00")
    late = a_backup(stack, 26, "", "2026-11-26T00:01:00+00:00")
    assert replaying.choose(here, None) == late
    assert replaying.choose(here, replaying.moment_from("2026-11-26T09:00:59+09:00")) == early
    assert replaying.choose(late, replaying.moment_from("2026-11-26T00:01:00+00:00")) == late
    for path, to in ((here, "2026-11-25T00:00:30+00:00"), (late, "2026-11-26T00:00:59+00:00")):
        with pytest.raises(StackError, match="holds no backup that was whole by"):
            replaying.choose(path, replaying.moment_from(to))


def test_a_moment_without_a_zone_is_refused() -> None:
    assert replaying.moment_from("latest") is None
    with pytest.raises(StackError, match="does not say in which zone"):
        replaying.moment_from("2026-11-27T10:31:00")
    with pytest.raises(StackError, match="is no moment"):
        replaying.moment_from("yesterday")


def test_how_long_the_log_stays_is_a_number_of_days() -> None:
    assert log.days_kept({}) == log.DAYS_DEFAULT
    assert log.days_kept({log.DAYS_VARIABLE: "30"}) == 30
    for wrong in ("0", "a week", "-1"):
        with pytest.raises(StackError, match="is not a number of days"):
            log.days_kept({log.DAYS_VARIABLE: wrong})
