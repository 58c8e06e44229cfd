"""The web client's own tools, found or installed, and run: `python -m tools.web build|check|test`."""

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.native.errors import StackError
from tools.native.layout import ROOT
from tools.native.packages import install

WEB = ROOT / "web"
DIST = WEB / "dist"
# What the client is made of.
SOURCES = ("src/**/*", "public/*", "index.html", "package-lock.json", "vite.config.ts", "tsconfig.json")
STAMP = DIST / ".made-from"
NODE_VERSION_MIN = 18
NPM_SECONDS_MAX = 600
# Debian's package → the program by which we see that it is there. Pages in Korean need letters to be drawn with.
BUILDERS = {"nodejs": "node", "npm": "npm"}
BROWSERS = {"chromium": "chromium"}
FONTS = "fonts-nanum"


def build() -> None:
    """Builds web/dist, unless it was made from these very sources.

    Raises:
        StackError: when something is missing that we may not install, or the build fails.
    """
    made_from = sources_digest()
    if STAMP.exists() and STAMP.read_text() == made_from:
        return
    ensure_modules()
    print("building the web client …", flush=True)
    _npm("run", "build")
    STAMP.write_text(made_from)


def ensure_modules() -> None:
    """Installs what package-lock.json names into web/node_modules, unless that is what lies there."""
    _ensure_programs(BUILDERS)
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < NODE_VERSION_MIN:
        raise StackError(f"node {version} is too old for the web client: it needs {NODE_VERSION_MIN} or newer")
    lock, stamp = WEB / "package-lock.json", WEB / "node_modules" / ".made-from"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing the web client's packages …", flush=True)
    _npm("ci", "--no-audit", "--no-fund")
    stamp.write_text(wanted)


def ensure_browser() -> None:
    """Finds or installs Chromium, and a font with Korean letters where there is none of any kind."""
    fonts = [FONTS] if not any(Path("/usr/share/fonts").glob("**/*[Nn]anum*")) else []
    _ensure_programs(BROWSERS, fonts)


def _ensure_programs(wanted: dict[str, str], besides: Sequence[str] = ()) -> None:
    missing = [package for package, program in wanted.items() if shutil.which(program) is None]
    if missing or besides:
        install([*missing, *besides])


def sources_digest() -> str:
    """One hash over the names and bytes of all sources."""
    total = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in WEB.glob(pattern) if path.is_file()}):
        total.update(f"{path.relative_to(WEB)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return total.hexdigest()


def _npm(*arguments: str) -> None:
    result = subprocess.run(
        ["npm", *arguments], cwd=WEB, capture_output=True, text=True, check=False, timeout=NPM_SECONDS_MAX
    )
    if result.returncode != 0:
        raise StackError(f"`npm {' '.join(arguments)}` failed:\n{(result.stdout + result.stderr)[-3000:]}")


def _build(_: argparse.Namespace) -> int:
    build()
    return 0


def _check(_: argparse.Namespace) -> int:
    ensure_modules()
    return subprocess.run(["npm", "run", "--silent", "check"], cwd=WEB, check=False).returncode


def _test(_: argparse.Namespace) -> int:
    build()
    ensure_modules()
    ensure_browser()
    return subprocess.run(["npm", "run", "--silent", "test"], cwd=WEB, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Does one command; the exit status is 0 only when it held."""
    parser = argparse.ArgumentParser(prog="python -m tools.web", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, told in (
        ("build", _build, "make web/dist, unless it is fresh"),
        ("check", _check, "types from the API, TypeScript, ESLint"),
        ("test", _test, "the client's own tests, with everything they need"),
    ):
        commands.add_parser(name, help=told).set_defaults(command=command)
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options))
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.EXIT_STATUS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
