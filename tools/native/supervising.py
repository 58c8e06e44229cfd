"""supervisord, each of whose programs is a session of its own: `python -m tools.native.supervising -c <settings>`.

Where the kernel groups processes by session (sched_autogroup, usual outside of systemd's own groups), each session gets
an equal share of a busy processor, and being nice counts within a session only. PostgreSQL makes a session of every
connection. So all our programs together had the share of one of its connections, whoever the connection served.
"""

import os

from supervisor import supervisord
from supervisor.options import ServerOptions

SHARE = "/proc/self/autogroup"
SESSIONS_NICENESS = 3
"""A session is nice by this part of its program's niceness: less would starve it beside a machine that is busy."""
# A session's share is written once in a tenth of a second by all who may not administer the machine, hence the tries.
YIELD = (
    f'if [ -w {SHARE} ]; then share=$(($1 / {SESSIONS_NICENESS})); for try in 1 2 3 4 5 6 7 8 9 10 11 12; do'
    f' (echo $share > {SHARE}) 2> /dev/null && break; sleep 0.1; done; fi; exec nice -n "$@"'
)


def yielding(niceness: int, *command: str) -> tuple[str, ...]:
    """The command of a program that goes after others: within its session, and its session after others'."""
    return ("sh", "-c", YIELD, "sh", str(niceness), *command)


class Sessions(ServerOptions):  # type: ignore[misc]  # supervisor has no types
    """supervisord's options, whose programs begin a session where theirs begin a group of processes."""

    def setpgrp(self) -> None:
        """Is called in a program's process just before it becomes the program; a session is a group as well."""
        os.setsid()


if __name__ == "__main__":
    supervisord.ServerOptions = Sessions
    supervisord.main()
