"""The operator's side of notification: `python -m notification.operate reseal`, after a sealing key was added."""

import argparse
import asyncio
import sys

from kit.settings import load

from notification.config import Settings
from notification.resources import open_resources
from notification.usecases.reseal import reseal


async def reseal_all() -> int:
    """Move everything that an older sealing key protects to the newest; how many channels."""
    async with open_resources(load(Settings)) as resources:
        return await reseal(resources.database, resources.sealer)


def main() -> None:
    """Do it; say how many."""
    parser = argparse.ArgumentParser(prog="python -m notification.operate", description="Operate notification.")
    parser.add_subparsers(required=True).add_parser("reseal", help="move to the newest sealing key")
    parser.parse_args()
    sys.stdout.write(f"{asyncio.run(reseal_all())}\n")


if __name__ == "__main__":
    main()
