"""The operator's side of the broker service: `python -m broker.operate reseal`, after a wrapping key was added."""

import argparse
import asyncio
import sys

from kit.settings import load

from broker.config import Settings
from broker.resources import open_resources
from broker.usecases.rewrap_keys import rewrap_keys


async def reseal() -> int:
    """Move everything that an older wrapping key protects to the newest; of how many owners."""
    async with open_resources(load(Settings)) as resources:
        return await rewrap_keys(resources.database, resources.vault)


def main() -> None:
    """Do it; say how many."""
    parser = argparse.ArgumentParser(prog="python -m broker.operate", description="Operate the broker service.")
    parser.add_subparsers(required=True).add_parser("reseal", help="move to the newest wrapping key")
    parser.parse_args()
    sys.stdout.write(f"{asyncio.run(reseal())}\n")


if __name__ == "__main__":
    main()
