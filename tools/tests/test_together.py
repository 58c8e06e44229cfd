"""One container for a whole service (tools/together.py), with a service that is as small as one can be."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kit.testing.serving import free_port

from tools.native import services
from tools.native.layout import ROOT
from tools.native.probes import why_not_ready

PATIENCE_SECONDS = 60
WAITS_WITH_BYTES_MAX = 6 << 20
APP = """
async def answer(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"well"})


def create_app():
    return answer
"""
WORKER = """
import asyncio
import pathlib


async def main():
    pathlib.Path("worker").write_text("works")
    await asyncio.Event().wait()
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def tiny(tmp_path: Path, port: int) -> Iterator[psutil.Popen]:
    """The service runs: its API answers, and its worker works."""
    package = tmp_path / "tiny"
    package.mkdir()
    for name, text in {"__init__": "", "app": APP, "worker": WORKER}.items():
        (package / f"{name}.py").write_text(text)
    options = f"--factory --port {port} --lifespan off --no-access-log"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "API_OPTIONS": options}
    process = psutil.Popen([sys.executable, ROOT / "tools/together.py", "tiny"], env=environment, cwd=tmp_path)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while why_not_ready(port, "/") or not (tmp_path / "worker").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        for each in (*process.children(), process) if process.is_running() else ():
            each.kill()
        process.wait(PATIENCE_SECONDS)


def test_all_end_when_they_are_told_to(tiny: psutil.Popen) -> None:
    children = tiny.children()
    assert len(children) == 2
    tiny.send_signal(signal.SIGTERM)
    assert tiny.wait(PATIENCE_SECONDS) == 0
    assert not any(child.is_running() for child in children)


def test_when_one_ends_all_do_so_that_they_are_started_anew(tiny: psutil.Popen, port: int) -> None:
    api, worker = sorted(tiny.children(), key=lambda child: child.nice())
    assert (api.nice(), worker.nice()) == (tiny.nice(), 19)
    worker.kill()
    assert tiny.wait(PATIENCE_SECONDS) == 1
    assert why_not_ready(port, "/") is not None


def test_one_that_is_stopped_for_a_moment_has_not_ended(tiny: psutil.Popen, port: int) -> None:
    for child in tiny.children():
        child.suspend()
        child.resume()
    assert why_not_ready(port, "/") is None
    with pytest.raises(psutil.TimeoutExpired):
        tiny.wait(0.5)


def test_who_waits_keeps_nothing_of_what_was_loaded(tiny: psutil.Popen) -> None:
    assert "together.py --wait" in " ".join(tiny.cmdline())
    own = tiny.memory_full_info().uss
    assert own < WAITS_WITH_BYTES_MAX < min(child.memory_full_info().uss for child in tiny.children())


def test_what_cannot_be_loaded_is_an_end(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/together.py", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "No module named 'nothing'" in done.stderr


@pytest.mark.parametrize(
    ("service", "spared"),
    [
        ("auth", {"numpy", "polars", "numba"}),
        ("broker", {"numpy", "polars", "numba"}),
        ("notification", {"polars", "numba"}),
        ("trading", {"polars", "numba"}),
        ("market", {"numba", "optuna"}),
        ("backtest", {"optuna"}),
    ],
)
def test_a_service_loads_no_library_that_it_may_never_use(service: str, spared: set[str]) -> None:
    """The large ones: 20 to 40 MB each, in every process."""
    loading = f"import sys, {service}.app, {service}.worker; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / one) for one in services.code_of(service))}
    done = subprocess.run([sys.executable, "-c", loading], env=environment, capture_output=True, text=True, check=True)
    assert spared & set(done.stdout.split()) == set()
