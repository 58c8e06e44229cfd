"""Becomes nginx, once the workers are gone that a killed master has left on the ports.

`python -m tools.native.run_nginx PID_FILE COMMAND…`. Workers outlive a master that dies by SIGKILL and keep listening,
so the next master could not. They are found by their process group, which is the old master's.
"""

import os
import signal
import sys
from pathlib import Path

import psutil


def end_orphans(group: int) -> None:
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "nginx" and os.getpgid(process.pid) == group:
                os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    pid_file, *command = sys.argv[1:]
    if (text := Path(pid_file).read_text().strip() if Path(pid_file).exists() else "").isdigit():
        end_orphans(int(text))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted
