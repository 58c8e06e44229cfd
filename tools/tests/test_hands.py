"""What runs PostgreSQL's programs for the keeper of backups in containers; scripts stand in their place here."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.native.layout import ROOT

DEPLOYED = ROOT / "deploy" / "keeper"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Hands whose PostgreSQL is two small scripts; the real one is in tests/containers."""
    programs = tmp_path / "bin"
    programs.mkdir()
    scripts = {
        "pg_basebackup": 'printf "%s|" "$PGPASSWORD" "$@"; echo "log begins" >&2; exit 3',
        "postgres": 'trap "echo ended; exit 0" TERM; echo up; while :; do sleep 0.05; done',
        "initdb": "echo nobody may ask for this",
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    for name in scripts:
        (tmp_path / name).symlink_to(DEPLOYED / "ask.sh")
    monkeypatch.setenv("EXODUS_DESK", str(tmp_path / "desk"))
    path = f"{programs}:{os.environ['PATH']}"
    hands = subprocess.Popen(["sh", DEPLOYED / "hands.sh", tmp_path / "desk"], env={"PATH": path})
    while not (tmp_path / "desk").exists():
        time.sleep(0.01)
    yield tmp_path
    hands.terminate()
    hands.wait()


def test_a_program_is_run_by_the_other_container_with_its_words_output_and_end(desk: Path) -> None:
    words = ["--pgdata", "-", "a word; echo $HOME", ""]
    environment = os.environ | {"PGPASSWORD": "pass"}
    done = subprocess.run(
        [desk / "pg_basebackup", *words], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "pass|" + "".join(f"{word}|" for word in words)
    assert (done.stderr, done.returncode) == ("log begins\n", 3)
    assert list((desk / "desk").iterdir()) == []


def test_a_server_that_was_asked_for_ends_when_who_asked_is_told_to(desk: Path) -> None:
    with subprocess.Popen([desk / "postgres", "-D", "x"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        server.terminate()
        assert server.stdout.read() == "ended\n"
        assert server.wait(60) == 0


def test_nothing_but_postgresqls_programs_is_run(desk: Path) -> None:
    done = subprocess.run([desk / "initdb"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    assert done.returncode != 0
