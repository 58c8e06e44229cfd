"""Another key for access tokens, and a bad one out of service: files first, then the word to who has read them."""

import datetime as dt
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from tools.native.accounts import write_private
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.reloading import reload_gateway
from tools.native.signing_keys import FILE, Key, publish, read, rotated, without, write


def rotate(layout: Layout, now: dt.datetime, *, revoke: str | None = None) -> list[Key]:
    """Adds a key, or takes one out; returns those there are now. Running services and the gateway follow by themselves.

    A new key is published to all who verify before auth may sign with it; a revoked one is gone from the gateway at
    once and from the services within 30 seconds. Killed anywhere, no key that signs is unknown to the gateway, and the
    same call again ends what was begun.

    Raises:
        StackError: when the stack has no keys yet, or not the one to take out.
    """
    file = layout.secrets / "auth" / FILE
    if not file.exists():
        raise StackError("this stack has no keys yet: start it first")
    with alone(layout):
        keys = read(file.read_text())
        if revoke is not None and revoke not in {key.key_id for key in keys}:
            _publish_and_reload(layout, keys)  # a call that died may have taken it out of the file and no further
        after = rotated(keys, now) if revoke is None else without(keys, revoke, now)
        of_both = {key.key_id: key for key in (*keys, *after)}
        _publish_and_reload(layout, list(of_both.values()))
        write_private(file, write(after), mode=stat.S_IMODE(file.stat().st_mode))
        if len(after) < len(of_both):
            _publish_and_reload(layout, after)
    return after


def _publish_and_reload(layout: Layout, keys: list[Key]) -> None:
    publish(layout, write(keys))
    reload_gateway(layout)


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Waits for another operator's rotation: of two that read the same file, one would lose its key."""
    folder = os.open(layout.secrets, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # the kernel lets go of it when we die
        yield
    finally:
        os.close(folder)
