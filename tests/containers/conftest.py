"""The platform in containers for the tests of this folder: `make test-containers`, where an engine answers."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tools import containers, engines
from tools.engines import Engine
from tools.native import running
from tools.native.errors import StackError
from tools.native.layout import CONTAINERS, OFFLINE, ROOT, Layout, settle
from tools.native.ports import Ports

FOLDER = ROOT / ".stack-containers"
PORT_BASE = int(os.environ.get("EXODUS_TEST_PORT_BASE", "16000"))
PORTS = Ports(base=PORT_BASE, gateway=PORT_BASE + 443, gateway_http=PORT_BASE + 80)


@dataclass(frozen=True)
class Contained:
    """One stack in containers, and the engine that runs it."""

    layout: Layout
    engine: Engine

    @property
    def project(self) -> str:
        return containers.project(self.layout)

    def left_over(self, kind: str) -> list[str]:
        """The networks or volumes of this stack that the engine knows."""
        known = self.engine.ask(kind, "ls", "--quiet", "--filter", f"label={engines.PROJECT_LABEL}={self.project}")
        return known.stdout.split()


@pytest.fixture(scope="session")
def contained() -> Iterator[Contained]:
    """Everything built, started and ready, from nothing; afterwards nothing of it is left."""
    engine = engines.find()
    assert engine is not None, "these tests need docker or podman, with their compose command"
    layout = Layout(settle(FOLDER), PORTS)
    if layout.in_containers:
        containers.clean(layout)
    layout.mode_file.write_text(_images(engine))
    try:
        containers.up(layout)
        yield Contained(layout, engine)
    finally:
        containers.clean(layout)
        running.clean(layout, FOLDER)


def _images(engine: Engine) -> str:
    """The official images where a registry gives them, else those made from Debian's packages."""
    try:
        engine.fetch(containers.official_images())
    except StackError:
        return OFFLINE
    return CONTAINERS
