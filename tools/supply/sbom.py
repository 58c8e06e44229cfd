"""Writes a bill of materials for the images and one for the web client: `python -m tools.supply.sbom [FOLDER]`.

CycloneDX 1.6 in JSON, from the lock files, since these are what is installed. The same locks give the same bytes.
"""

import hashlib
import json
import sys
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tools.supply import locked
from tools.supply.locked import Locked

FOLDER = "sbom"


def bill(about: str, packages: Iterable[Locked]) -> dict[str, Any]:
    """A bill of materials as CycloneDX writes one."""
    components = [_component(one) for one in packages]
    content = hashlib.sha256(json.dumps(components).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": about, "bom-ref": about}},
        "components": components,
    }


def _component(one: Locked) -> dict[str, Any]:
    group, _, name = one.name.rpartition("/")
    known = {"group": group} if group else {}
    # The hashes are of alternatives, a file for each platform: not of one thing, which `hashes` would say.
    files = [
        {"type": "distribution", "url": one.purl, "hashes": [{"alg": algorithm, "content": digest}]}
        for algorithm, digest in one.hashes
    ]
    licences = {"licenses": [{"expression": one.licence}]} if one.licence else {}
    return {
        "type": "library",
        "bom-ref": one.purl,
        **known,
        "name": name,
        "version": one.version,
        "scope": "excluded" if one.only_for_building else "required",
        **licences,
        "purl": one.purl,
        "externalReferences": files,
    }


def main(arguments: Sequence[str]) -> int:
    """Write both, and say how many packages each has."""
    folder = Path(arguments[0]) if arguments else locked.ROOT / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for about, packages in (("exodus", locked.python(locked.SHIPPED)), ("exodus-web", locked.web())):
        target = folder / f"{about}.cdx.json"
        target.write_text(json.dumps(bill(about, packages), indent=1) + "\n")
        print(f"{target}: {len(packages)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
