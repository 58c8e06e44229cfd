"""Where reference data lies when it is at hand; tests that want it are skipped, with a message, where it is not."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of real market data: EXODUS_REFERENCE_DATA, or the one next to the repository."""
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("EXODUS_REFERENCE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}")
    return folder
