"""supervisord: the configuration we write for it, and the few things we ask it."""

import configparser
import contextlib
import io
import os
import resource
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout
from tools.native.programs import GROUPS, Group, Program

LOG_BYTES_MAX = "10MB"
LOG_BACKUPS = 3
FILES_OPEN_MAX = 65536
START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 120
POLL_SECONDS = 0.05

# A process counts as started after this long; one that ends earlier is tried again, each time a second later.
STARTED_AFTER_SECONDS = 1
# Never give up: a service whose database is not there yet must be there when it comes.
RETRIES_MAX = 1_000_000

RPC_INTERFACE = "supervisor.rpcinterface:make_main_rpcinterface"


def render(layout: Layout, programs: Iterable[Program]) -> str:
    """The configuration file. Groups start and stop in the order of GROUPS."""
    programs = list(programs)
    config = configparser.RawConfigParser()
    config["unix_http_server"] = {"file": _escape(layout.supervisor_socket), "chmod": "0700"}
    config["supervisord"] = {
        "directory": _escape(layout.directory),
        "logfile": _escape(layout.logs / "supervisord.log"),
        "logfile_maxbytes": LOG_BYTES_MAX,
        "logfile_backups": str(LOG_BACKUPS),
        "childlogdir": _escape(layout.logs),
        "pidfile": _escape(layout.supervisor_config.with_name("pid")),
        "minfds": str(_files_open()),
        "umask": "077",
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    config["rpcinterface:supervisor"] = {"supervisor.rpcinterface_factory": RPC_INTERFACE}
    config["supervisorctl"] = {"serverurl": f"unix://{_escape(layout.supervisor_socket)}"}
    for program in programs:
        config[f"program:{program.name}"] = _program(layout, program)
    for order, group in enumerate(GROUPS):
        if names := [program.name for program in programs if program.group == group]:
            config[f"group:{group}"] = {"programs": ",".join(names), "priority": str(order)}
    text = io.StringIO()
    config.write(text, space_around_delimiters=False)
    return text.getvalue()


def _program(layout: Layout, program: Program) -> dict[str, str]:
    # When supervisord itself dies, nothing may be left behind on the ports.
    command = ("setpriv", "--pdeathsig", program.death_signal, "--", *program.command)
    return {
        "command": _escape(shlex.join(command)),
        "directory": _escape(program.directory),
        "environment": _environment({**program.environment, "EXODUS_VERSION": program.version()}),
        "autostart": "true" if program.group == "servers" else "false",
        "autorestart": "true",
        "startsecs": str(STARTED_AFTER_SECONDS),
        "startretries": str(RETRIES_MAX),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _escape(log_file(layout, program.name)),
        "stdout_logfile_maxbytes": LOG_BYTES_MAX,
        "stdout_logfile_backups": str(LOG_BACKUPS),
        **({"user": program.account} if program.account else {}),
    }


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")


def _environment(values: Mapping[str, str]) -> str:
    for name, value in values.items():
        if '"' in value or "\n" in value or value != value.strip("'"):
            raise StackError(f"{name} has a quote or a line break where supervisord cannot take it: {value!r}")
    return ",".join(f'{name}="{_escape(value)}"' for name, value in values.items())


def _files_open() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return FILES_OPEN_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_OPEN_MAX)


def log_file(layout: Layout, name: str) -> Path:
    return layout.logs / f"{name}.log"


class Supervisor:
    """One supervisord over its private socket."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._socket = layout.supervisor_socket

    def is_running(self) -> bool:
        return self._socket.exists() and self._answers()

    def _answers(self) -> bool:
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def start(self, programs: Iterable[Program]) -> None:
        """Starts supervisord and the servers, or takes over changed settings where it runs already."""
        self.write(programs)
        if self.is_running():
            self._run("supervisor.supervisorctl", "update")
        else:
            self._socket.unlink(missing_ok=True)
            self._run("tools.native.supervising")
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_running():
            if time.monotonic() > deadline:
                raise StackError(f"supervisord does not answer; see {self._layout.logs / 'supervisord.log'}")
            time.sleep(POLL_SECONDS)

    def write(self, programs: Iterable[Program]) -> None:
        """Writes the settings; nothing that runs is touched until it is told to take them over."""
        config = self._layout.supervisor_config
        for folder in (config.parent, self._socket.parent, self._layout.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        if self._socket.parent.stat().st_uid != os.getuid():
            raise StackError(f"{self._socket.parent} belongs to somebody else; set XDG_RUNTIME_DIR")
        config.write_text(render(self._layout, programs))
        config.chmod(0o600)

    def changed(self, programs: Iterable[Program]) -> list[str]:
        """The names of those whose settings are not what was last written."""
        written = configparser.RawConfigParser()
        written.read(self._layout.supervisor_config)
        wanted = configparser.RawConfigParser()
        wanted.read_string(render(self._layout, programs))
        sections = [name for name in wanted.sections() if name.startswith("program:")]
        return [
            section.removeprefix("program:")
            for section in sections
            if not written.has_section(section) or dict(written[section]) != dict(wanted[section])
        ]

    def update(self, group: Group) -> None:
        """Has one group, and no other, take over what was written: it is added, started again, or stopped and gone."""
        self._run("supervisor.supervisorctl", "update", group)

    def remove_group(self, group: Group) -> None:
        """Stops every process of a group, if there is one, and forgets it; returns when they are gone."""
        if any(process["group"] == group for process in self.processes()):
            self._call("stopProcessGroup", group)
            self._call("removeProcessGroup", group)

    def pid_of(self, name: str) -> int:
        """The process that a program runs as; 0 when it does not."""
        return next((int(process["pid"]) for process in self.processes() if process["name"] == name), 0)

    def _run(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, "-c", str(self._layout.supervisor_config), *arguments]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        if result.returncode != 0:
            raise StackError(f"{module} failed:\n{result.stdout}{result.stderr}")

    def start_group(self, group: Group) -> None:
        """Asks for every process of a group that does not run; returns at once."""
        self._call("startProcessGroup", group, False)  # noqa: FBT003 - do not wait; XML-RPC has no names

    def stop_one(self, group: Group, name: str) -> None:
        """Stops one process and waits for its end; it stays down until somebody starts it."""
        self._call("stopProcess", f"{group}:{name}")

    def start_one(self, group: Group, name: str) -> None:
        """Starts one process that was stopped; returns at once."""
        self._call("startProcess", f"{group}:{name}", False)  # noqa: FBT003 - do not wait; XML-RPC has no names

    def processes(self) -> list[dict[str, Any]]:
        """What supervisord says about each process: name, group, statename, pid, start, description …"""
        found: list[dict[str, Any]] = self._call("getAllProcessInfo")
        return found

    def stop(self) -> None:
        """Stops the groups in reverse order, then supervisord; returns when it is gone."""
        if not self.is_running():
            return
        pid: int = self._call("getPID")
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            self._call("shutdown")
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while Path(f"/proc/{pid}").exists() or self._socket.exists():
            if time.monotonic() > deadline:
                raise StackError(f"supervisord (pid {pid}) did not stop in {STOP_SECONDS_MAX} s")
            time.sleep(POLL_SECONDS)

    def _call(self, method: str, *arguments: object) -> Any:
        """One remote call on a connection of its own."""
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
                return getattr(server.supervisor, method)(*arguments)
        finally:
            transport.close()
