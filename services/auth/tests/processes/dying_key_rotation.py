"""Changes the signing keys of a stack in child after child: each kills itself with SIGKILL one line of code later.

Run by test_killed_key_rotation.py: `python dying_key_rotation.py STACK FOLDER [revoke]`. Each child is a fork of this
process and works on a fresh copy of the stack in FOLDER. Lines count in what changes keys, and in the library that
writes and renames files. A line of JSON about each death says what was found, and what after a second call.
"""

import datetime as dt
import itertools
import json
import os
import shutil
import signal
import stat
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from auth.keyring import read_keys

from tools.native import rotating_keys, signing_keys
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import Ports

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
LINES_MAX = 1000
COUNTED = {
    "rotating_keys.py": {"rotate", "_publish_and_reload", "alone"},
    "signing_keys.py": {"publish"},
    "accounts.py": {"write_private"},
    "pathlib.py": {"write_text", "chmod", "rename", "replace", "unlink"},
}
"""File → the functions that change something, or stand between two changes."""


def arm(mortal: int) -> None:
    """Set the trap before the line of that number."""
    numbers = itertools.count(1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_name not in COUNTED.get(Path(frame.f_code.co_filename).name, ()):
            return None
        if event == "line" and next(numbers) == mortal:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def follow(layout: Layout) -> None:
    """Have a gateway that knows, as nginx does, what was in its file when it was last told to read it."""
    shutil.copyfile(layout.gateway / signing_keys.PUBLISHED, layout.directory / "loaded")


def change(layout: Layout, revoke: str | None) -> None:
    with suppress(StackError):  # the call that died had taken the key out already
        rotating_keys.rotate(layout, NOW, revoke=revoke)


def killed(layout: Layout, revoke: str | None, mortal: int) -> bool:
    """Change keys in a child that dies at a line; false when there is no such line any more."""
    child = os.fork()
    if child == 0:
        arm(mortal)
        change(layout, revoke)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def what_is_there(layout: Layout) -> dict[str, Any]:
    """Which keys auth reads, which the gateway's file has, which the gateway knows, and who may read auth's file."""
    file = layout.secrets / "auth" / signing_keys.FILE
    return {
        "auth": sorted(key.key_id for key in read_keys(file.read_text())),
        "published": sorted(json.loads((layout.gateway / signing_keys.PUBLISHED).read_text())),
        "loaded": sorted(json.loads((layout.directory / "loaded").read_text())),
        "mode": stat.S_IMODE(file.stat().st_mode),
        "files": sorted(path.name for path in file.parent.iterdir()),
    }


def main() -> None:
    origin, folder = Path(sys.argv[1]), Path(sys.argv[2])
    rotating_keys.reload_gateway = follow
    for number in range(1, LINES_MAX):
        layout = Layout(folder / str(number), Ports(base=38000))
        shutil.copytree(origin, layout.directory)
        follow(layout)
        revoke = max(what_is_there(layout)["auth"]) if "revoke" in sys.argv else None
        if not killed(layout, revoke, number):
            return
        after_death = what_is_there(layout)
        change(layout, revoke)
        found = {"line": number, "revoked": revoke, "after_death": after_death, "resumed": what_is_there(layout)}
        sys.stdout.write(json.dumps(found) + "\n")
        shutil.rmtree(layout.directory)


if __name__ == "__main__":
    main()
