"""The version of the code that computes results, found by reading it."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import quant

from backtest import domain

NUMERIC_LIBRARIES = ("numpy", "numba", "TA-Lib")


def code_version() -> str:
    """SHA-256 over the sources of quant and of our domain, and the versions of the numeric libraries under them."""
    digest = hashlib.sha256()
    for package in (quant, domain):
        for file in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            digest.update(file.read_bytes())
    for library in NUMERIC_LIBRARIES:
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()
