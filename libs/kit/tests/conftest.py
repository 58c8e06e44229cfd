"""kit is tested on a small service of its own, the noticeboard."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "sample"))


@pytest.fixture(scope="session")
def service() -> str:
    return "noticeboard"
