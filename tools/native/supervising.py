"""supervisord that tells the kernel who goes first: `python -m tools.native.supervising -c <settings>`.

Where the kernel groups processes by session (sched_autogroup, usual outside of systemd's own groups), each session gets
an equal share of a busy processor, and being nice counts within a session only. PostgreSQL makes a session of every
connection; supervisord and all it begins would be one. So a program that somebody waits for is a session of its own.
Those that go after others stay together in supervisord's, which has a smaller share, and keeps it however busy the
machine is: in there they are as nice as they say.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from supervisor import supervisord
from supervisor.options import ServerOptions

SHARE: Final = Path("/proc/self/autogroup")
SHARED_NICENESS: Final = 5
"""How nice the session is of all that go after others: together they have a third of another session's share."""
NICE: Final = "nice"


def yielding(niceness: int, *command: str) -> tuple[str, ...]:
    """The command of a program that goes after others."""
    return (NICE, "-n", str(niceness), *command)


class Sessions(ServerOptions):  # type: ignore[misc]  # supervisor has no types
    """supervisord's options, by which it begins itself and its programs."""

    def daemonize(self) -> None:
        """Begin a session, as supervisord does, and make it nice."""
        super().daemonize()
        with suppress(OSError):  # a kernel that does not group by session
            SHARE.write_text(str(SHARED_NICENESS))

    def setpgrp(self) -> None:
        """Is called in a program's process: too early to know which program it is."""

    def execve(self, filename: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Become the program: a session, or a group of processes in ours; either way it ends with all it has begun."""
        if NICE in argv:
            os.setpgrp()
        else:
            os.setsid()
        super().execve(filename, argv, env)


if __name__ == "__main__":
    supervisord.ServerOptions = Sessions
    supervisord.main()
