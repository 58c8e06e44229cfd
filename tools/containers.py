"""The platform in containers: docker-compose.yml, started from the servers up, each step waiting for the one before."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tools import container_files, engines
from tools.backups import nightly, taking
from tools.engines import REPLICA, Engine
from tools.native import services
from tools.native.errors import StackError
from tools.native.layout import CONTAINERS, NATIVE, OFFLINE, ROOT, Layout, fingerprint, monitoring_is_wanted
from tools.native.ports import require_free
from tools.native.probes import why_not_ready
from tools.native.readiness import last_lines

READY_SECONDS_MAX = 300
POLL_SECONDS = 0.5
LOG_LINES_SHOWN = "20"
COMPOSE_LOG = "compose.log"
ENDED = "it ended"

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
SHARED = "exodus-shared:latest"
"""What the images of all services begin with; `clean` leaves it, since its libraries take minutes to fetch."""
FORMAT = {"BUILDAH_FORMAT": "docker"}
"""Podman's way of asking for images that know health checks."""
COMPOSE_FILE = ROOT / "docker-compose.yml"
OFFLINE_FILE = ROOT / "deploy" / "offline" / "compose.yml"
MONITORING_FILE = ROOT / "deploy" / "monitoring.yml"
OFFLINE_MONITORING_FILE = ROOT / "deploy" / "offline" / "monitoring.yml"
LOW_MEMORY, EMULATORS, REPLICAS = "EXODUS_LOW_MEMORY", "EXODUS_EMULATORS", "EXODUS_REPLICAS"
OVERLAYS = {
    "EXODUS_OUTBOUND": ROOT / "deploy" / "outbound.yml",
    EMULATORS: ROOT / "deploy" / "emulators.yml",
    LOW_MEMORY: ROOT / "deploy" / "small.yml",
    REPLICAS: ROOT / "deploy" / "replicas.yml",
}
"""What is laid over docker-compose.yml while a variable is set."""
# What the images are made of, and what else the containers are: when it changes, `up` makes them anew.
BUILT_FROM = (
    "requirements.lock",
    "deploy/**/*",
    "tools/**/*.py",
    "libs/*/*/**/*.py",
    "services/**/*.py",
    "services/**/*.yaml",
)
NO_PART = frozenset({".pyc", ".md"})
MADE_OF = (*BUILT_FROM, "docker-compose.yml", "gateway/**/*")

HOW_ELSE = """\
Without these images there are two other ways:
  python -m tools.stack up --native    processes on this machine, from Debian's packages
  python -m tools.stack up --offline   containers, with images made from Debian's packages (deploy/offline/README.md)"""


def best_mode(environment: Mapping[str, str]) -> str:
    """How a new stack runs when nobody said: in containers where an engine answers and has or gets the images."""
    wanted = environment.get("EXODUS_IMAGES") or "official"
    if wanted not in {"official", "offline"}:
        raise StackError(f"EXODUS_IMAGES={wanted} is neither official nor offline.")
    if wanted == "offline":
        return OFFLINE
    engine = engines.find()
    if engine is None:
        return NATIVE
    try:
        engine.fetch(official_images())
    except StackError as reason:
        print(f"{reason}\nSo this stack runs as processes on this machine. `up --offline` would use containers.")
        return NATIVE
    return CONTAINERS


def official_images() -> list[str]:
    """Every image of docker-compose.yml that is not built from this repository."""
    built = described(COMPOSE_FILE).values()
    stages = [line.split() for line in DOCKERFILE.read_text().splitlines() if line[:5] == "FROM "]
    made = {name for _, _, *named in stages for name in named[1:]}
    bases = [base for _, base, *_ in stages if base not in made]
    return [image for one in built if not (image := str(one["image"])).startswith("exodus-")] + bases


def described(file: Path) -> dict[str, dict[str, Any]]:
    """The services of a compose file, by name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
    return found


def composed() -> dict[str, dict[str, Any]]:
    """The containers that this environment asks for, with what overlays change, and without those that others hold."""
    found = described(COMPOSE_FILE)
    for overlay in overlays():
        for name, changes in described(overlay).items():
            found[name] = found.get(name, {}) | changes
    return {name: one for name, one in found.items() if one.get("deploy", {}).get("replicas") != 0}


def overlays() -> list[Path]:
    """The overlays that this environment asks for."""
    return [file for variable, file in OVERLAYS.items() if os.environ.get(variable, "0") not in {"", "0"}]


def _require_what_goes_together(layout: Layout) -> None:
    asked = overlays()
    if layout.mode == OFFLINE and OVERLAYS[REPLICAS] in asked:
        raise StackError(f"{REPLICAS} needs a gateway that follows names, which the offline mode's does not: unset it")
    if os.environ.get(taking.COPY_VARIABLE):
        raise StackError(
            f"{taking.COPY_VARIABLE} has no way out of a container: unset it, and have this machine copy "
            f"{layout.directory / 'backups'} away (docs/backup.md)"
        )
    if OVERLAYS[REPLICAS] in asked and OVERLAYS[LOW_MEMORY] in asked:
        raise StackError(f"{LOW_MEMORY} saves the memory that {REPLICAS} takes: unset one of them")


def stages(containers: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """The containers in the order of what they depend on; those of one list may start together."""
    waiting = {name: set(one.get("depends_on", ())) for name, one in containers.items()}
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        if not ready:
            raise StackError(f"these containers wait for one another: {', '.join(waiting)}")
        yield ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}


def up(layout: Layout) -> None:
    """Builds, starts and waits, stage by stage; returns when the gateway says that everything is ready.

    Raises:
        StackError: with the name, the reason and the last log lines of what is not ready in time.
    """
    begun = time.monotonic()
    engine = _engine()
    services.require_all()
    _require_what_goes_together(layout)
    if layout.mode == CONTAINERS:
        try:
            watching = [str(one["image"]) for one in described(MONITORING_FILE).values()]
            engine.fetch(official_images() + (watching if monitoring_is_wanted() else []))
        except StackError as refused:
            raise StackError(f"{refused}\n{HOW_ELSE}") from refused
    running = engine.containers(project(layout))
    if not running:
        require_free(layout.ports.edge())
    container_files.prepare(layout)
    _build(engine, layout, begun)
    if any(one["Config"]["Labels"].get("exodus.version") != version(layout) for one in running.values()):
        _say(begun, "stopping what was started from something older")
        down(layout)
    containers = composed()
    for names in stages(containers):
        _say(begun, f"starting {', '.join(names)}")
        _quietly(layout, "up", "--detach", "--no-deps", *names)
        _wait(engine, layout, {name: containers[name] for name in names}, begun)
    if monitoring_is_wanted():
        watchers = described(OFFLINE_MONITORING_FILE if layout.mode == OFFLINE else MONITORING_FILE)
        _say(begun, f"starting {', '.join(watchers)}")
        _quietly(layout, "up", "--detach", "--no-deps", *watchers)
    if unready := why_not_ready(layout.ports.gateway, "/health", tls=True):
        raise StackError(f"the gateway is not ready ({unready}); see `make logs`")
    _say(begun, "everything is ready")


def _build(engine: Engine, layout: Layout, begun: float) -> None:
    """Builds the images, unless the last build was of the very same sources and its images are still here."""
    built, sources = layout.directory / "built", _digest((layout.mode, monitoring_is_wanted()), BUILT_FROM)
    if built.exists() and built.read_text() == sources and engine.has(_image_built_last(layout)):
        return
    _say(begun, f"building the images (what is said goes to {layout.logs / COMPOSE_LOG})")
    # What they share is first, under a name of its own: without one it would go with the last of them.
    first = [engine.program, "build", "--file", str(DOCKERFILE), "--target", "shared", "--tag", SHARED, str(ROOT)]
    _run_quietly(layout, first, os.environ | FORMAT)
    _quietly(layout, "build")
    built.write_text(sources)


def _image_built_last(layout: Layout) -> str:
    return f"exodus-notification:{project(layout)}"


def _wait(engine: Engine, layout: Layout, containers: Mapping[str, Mapping[str, Any]], begun: float) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    waiting = dict(containers)
    while waiting:
        states = engine.containers(project(layout))
        reasons = {name: _why_not_all_ready(engine, states, name, one) for name, one in waiting.items()}
        for name, reason in reasons.items():
            if reason is None:
                waiting.pop(name)
            elif reason.startswith(ENDED) or time.monotonic() > deadline:
                lines = engine.ask("logs", "--tail", LOG_LINES_SHOWN, states[name]["Id"]) if name in states else None
                said = f":\n{lines.stdout}{lines.stderr}" if lines else ""
                raise StackError(f"{name} is not ready after {time.monotonic() - begun:.0f} s ({reason}){said}")
        if waiting:
            time.sleep(POLL_SECONDS)


def _why_not_all_ready(
    engine: Engine, states: Mapping[str, Mapping[str, Any]], name: str, described_as: Mapping[str, Any]
) -> str | None:
    """None when a container is ready, and so are all its replicas."""
    replicas = [state for known, state in states.items() if known.partition(REPLICA)[0] == name]
    reasons = (_why_not_ready(engine, state, described_as) for state in replicas)
    return next(filter(None, reasons), None) if replicas else "there is no such container"


def _why_not_ready(engine: Engine, state: Mapping[str, Any], described_as: Mapping[str, Any]) -> str | None:
    """None when the container is ready: it answers its own health check, or, if it runs once, has ended well.

    The check is run here instead of asking the engine how it is: some engines check only under systemd.
    """
    once = described_as.get("restart") == "no"
    ended = state["State"]["Status"] == "exited"
    if once and ended:
        status = state["State"]["ExitCode"]
        return None if status == 0 else f"{ENDED} with status {status}"
    if once or not state["State"]["Running"]:
        return f"it is {state['State']['Status']}"
    kind, *test = described_as["healthcheck"]["test"]
    command = test if kind == "CMD" else ["sh", "-c", *test]
    try:
        checked = engine.ask("exec", state["Id"], *command)
    except StackError as late:
        return str(late)
    return None if checked.returncode == 0 else (checked.stdout + checked.stderr).strip()[-300:] or "it is unwell"


def down(layout: Layout) -> None:
    """Stops everything, the gateway first and the servers last, and removes the containers; the volumes stay."""
    engine = _engine()
    containers = described(COMPOSE_FILE)
    states = engine.containers(project(layout))
    for names in reversed(list(stages(containers))):
        if ids := [states[name]["Id"] for name in names if name in states and states[name]["State"]["Running"]]:
            engine.ask("stop", *ids, seconds=READY_SECONDS_MAX)
    _quietly(layout, "down")


def status(layout: Layout) -> bool:
    """Prints one line per container; whether the gateway finds all services ready."""
    for name, one in sorted(_engine().containers(project(layout)).items()):
        state = one["State"]
        ended = f" with status {state['ExitCode']}" if state["Status"] == "exited" else ""
        print(f"{name:<22}{state['Status']}{ended}")
    return why_not_ready(layout.ports.gateway, "/health", tls=True) is None


def logs(layout: Layout, names: Sequence[str], *, follow: bool) -> None:
    following = ["--follow"] if follow else []
    plain = [] if sys.stdout.isatty() else ["--no-color"]  # what a program reads is not coloured
    compose(layout, "logs", "--tail", LOG_LINES_SHOWN, *following, *plain, *names)


def clean(layout: Layout) -> None:
    """Stops everything and removes the containers' volumes and the images built for them."""
    down(layout)
    _quietly(layout, "down", "--volumes", "--rmi", "local")


def execute(layout: Layout, name: str, command: Sequence[str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command inside a running container.

    Raises:
        StackError: when it does not run.
    """
    engine = _engine()
    found = engine.containers(project(layout)).get(name)
    if found is None or not found["State"]["Running"]:
        raise StackError(f"{name} does not run; start the platform with `make up`")
    return subprocess.run(
        [engine.program, "exec", "--interactive", found["Id"], *command],
        input=typed,
        text=True,
        capture_output=True,
        check=False,
    )


def project(layout: Layout) -> str:
    """What this stack's containers, networks and volumes are named after: another checkout's are others."""
    return f"exodus-{fingerprint(layout.directory)}"


def version(layout: Layout) -> str:
    """Changes when anything does that the containers are made of, or that they are told."""
    asked = {variable: os.environ.get(variable) for variable in (*OVERLAYS, *nightly.KEPT_VARIABLES)}
    return _digest((layout.mode, layout.ports, layout.public_url, layout.allowed, asked), MADE_OF)


def _digest(told: object, patterns: Iterable[str]) -> str:
    digest = hashlib.sha256(repr(told).encode())
    files = {
        file for pattern in patterns for file in ROOT.glob(pattern) if file.is_file() and file.suffix not in NO_PART
    }
    for file in sorted(files):
        digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _engine() -> Engine:
    """The engine that answers, looked for once: asking takes seconds."""
    engine = engines.find()
    if engine is None:
        raise StackError("no container engine answers: `docker info` and `podman info` fail. Use `up --native`.")
    return engine


def compose(layout: Layout, *arguments: str) -> None:
    """Run one compose command over this stack, on this terminal.

    Raises:
        StackError: when it fails.
    """
    command, environment = _compose(layout, *arguments)
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise StackError(f"`compose {' '.join(arguments)}` failed")


def _quietly(layout: Layout, *arguments: str) -> None:
    """Run one compose command; all it says goes to a log, and the end of that into the error when it fails."""
    _run_quietly(layout, *_compose(layout, *arguments))


def _run_quietly(layout: Layout, command: Sequence[str], environment: Mapping[str, str]) -> None:
    log = layout.logs / COMPOSE_LOG
    layout.logs.mkdir(exist_ok=True)
    with log.open("a") as file:
        print(f"--- {' '.join(command)}", file=file, flush=True)
        done = subprocess.run(command, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        end = "\n".join(f"  {line}" for line in last_lines(log))
        raise StackError(f"`{' '.join(command)}` failed. The end of {log}:\n{end}")


def _compose(layout: Layout, *arguments: str) -> tuple[list[str], dict[str, str]]:
    environment = {
        **os.environ,
        **FORMAT,
        # Podman leaves the checks to systemd; where there is none, it is told not to look for it.
        "DISABLE_HC_SYSTEMD": "false" if Path("/run/systemd/system").is_dir() else "true",
        "EXODUS_STACK_DIR": str(layout.directory),
        "EXODUS_GATEWAY_PORT": str(layout.ports.gateway),
        "EXODUS_GATEWAY_HTTP_PORT": str(layout.ports.gateway_http),
        "EXODUS_PROJECT": project(layout),
        "EXODUS_SUBNET": container_files.subnet(layout),
        "EXODUS_VERSION": version(layout),
    }
    files = [COMPOSE_FILE, *([OFFLINE_FILE] if layout.mode == OFFLINE else [])]
    ending = "down" in arguments  # what was once started goes as well
    files += [OVERLAYS[EMULATORS]] if ending else overlays()
    if ending or monitoring_is_wanted():
        files += [MONITORING_FILE, *([OFFLINE_MONITORING_FILE] if layout.mode == OFFLINE else [])]
    options = ["--project-name", project(layout), *(word for file in files for word in ("--file", str(file)))]
    return [*_engine().compose, *options, *arguments], environment


def _say(begun: float, what: str) -> None:
    print(f"[{time.monotonic() - begun:5.1f} s] {what}", flush=True)
