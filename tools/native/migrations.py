"""Brings every service's database to its newest version: `python -m tools.native.migrations SECRETS_FOLDER`.

As `python -m kit.migrate SERVICE` does for one, but loading the libraries once instead of six times: this is on the
way of every start.
"""

import sys
from pathlib import Path

from kit.migrate import upgrade

from tools.native.ports import SERVICES


def main(secrets: Path) -> None:
    for service in SERVICES:
        print(f"migrating {service}", flush=True)
        upgrade(service, (secrets / service / f"{service}_owner_database_url").read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
