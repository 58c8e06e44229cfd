"""The gateway's log is cut while people go on: nothing is lost, and it does not fill the disk."""

import datetime as dt
import gzip
import json
import os
import threading
import time
from pathlib import Path

import pytest

from gateway.tests.edge import Edge
from tools.native import rotating

NOW = dt.datetime(2026, 11, 28, 3, 0, tzinfo=dt.UTC)
LINES_WAITED_SECONDS_MAX = 30


def log_of(edge: Edge) -> Path:
    return edge.config.parent.parent / "log" / "gateway-access.log"


def asked_for(text: str) -> set[str]:
    """The ids that these lines of the log have, of requests of this test."""
    return {found for line in text.splitlines() if (found := str(json.loads(line)["request_id"]))[:4] == "cut-"}


def ask(edge: Edge, number: int) -> str:
    name = f"cut-{number:05}"
    edge.ask("GET", "/docs", headers={"X-Request-ID": name})
    return name


def test_of_a_log_that_is_cut_under_load_no_line_is_lost(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating, "BYTES_MAX", 1)
    log, asked, stop = log_of(edge), set[str](), threading.Event()

    def go_on() -> None:
        number = 0
        while not stop.is_set():
            asked.add(ask(edge, number))
            number += 1

    people = threading.Thread(target=go_on)
    people.start()
    packed: list[Path] = []
    try:
        while len(packed) < 2:
            time.sleep(1.2)  # nginx keeps lines back for a second
            packed += rotating.rotate(
                [log], edge.config.with_name("nginx.pid"), dt.datetime.now(dt.UTC), threading.Event()
            )
    finally:
        stop.set()
        people.join()
    deadline, found = time.monotonic() + LINES_WAITED_SECONDS_MAX, set[str]()
    while found != asked:
        assert time.monotonic() < deadline, asked - found
        time.sleep(0.2)
        now = log.read_text()  # its last line may be half written
        cut = "".join(gzip.decompress(one.read_bytes()).decode() for one in packed)
        found = asked_for(cut + now[: now.rfind("\n") + 1])
    assert all(asked_for(gzip.decompress(one.read_bytes()).decode()) for one in packed)
    assert packed[0].stat().st_mode == log.stat().st_mode


def test_a_log_is_cut_when_it_has_grown_and_when_a_day_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "gateway-access.log"
    assert not rotating.is_due(log, NOW)
    log.touch()
    yesterday = (NOW - dt.timedelta(hours=4)).timestamp()
    os.utime(log, (yesterday, yesterday))
    assert not rotating.is_due(log, NOW)  # there is nothing in it
    log.write_text("a line\n")
    os.utime(log, (NOW.timestamp(),) * 2)
    assert not rotating.is_due(log, NOW)
    assert rotating.is_due(log, NOW + dt.timedelta(days=1))
    monkeypatch.setattr(rotating, "BYTES_MAX", 7)
    assert rotating.is_due(log, NOW)


def test_a_busy_log_s_day_counts_from_when_it_was_last_cut(tmp_path: Path) -> None:
    log = tmp_path / "gateway-access.log"
    log.write_text("a line\n")
    rotating.pack(rotating.put_aside(log, NOW))
    log.write_text("another\n")
    tomorrow = NOW + dt.timedelta(days=1)
    os.utime(log, (tomorrow.timestamp(),) * 2)
    assert not rotating.is_due(log, NOW + dt.timedelta(hours=20))
    assert rotating.is_due(log, tomorrow)


def test_what_is_old_or_too_much_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, kept = tmp_path / "gateway-access.log", []
    for days in (500, 401, 399, 2, 1):
        log.write_text(f"{days} days ago\n")
        kept.append(rotating.pack(rotating.put_aside(log, NOW - dt.timedelta(days=days))))
    assert set(rotating.forget_old(log, NOW)) == set(kept[:2])
    monkeypatch.setattr(rotating, "KEPT_BYTES_MAX", kept[3].stat().st_size + kept[4].stat().st_size)
    assert rotating.forget_old(log, NOW) == [kept[2]]
    assert gzip.decompress(kept[4].read_bytes()) == b"1 days ago\n"


def test_while_no_gateway_runs_its_logs_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating, "BYTES_MAX", 1)
    log = tmp_path / "gateway-access.log"
    log.write_text("a line\n")
    pid_file = tmp_path / "nginx.pid"
    pid_file.write_text(f"{os.getpid()}\n")  # somebody else's by now
    assert rotating.rotate([log], pid_file, NOW, threading.Event()) == []
    assert log.read_text() == "a line\n"
