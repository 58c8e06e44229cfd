#!/usr/bin/env bash
# Makes .venv with everything the repository's commands need. Instant when requirements-dev.lock has not changed.
#   EXODUS_PYTHON=/path/to/python3   chooses the interpreter (3.11 or newer)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lock=requirements-dev.lock
stamp=.venv/.exodus-lock
wanted=$(sha256sum "$lock" | cut -d' ' -f1)

is_current() { [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c ''; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
makes_venvs() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }

# The distribution's own comes first: it is built with its profile, and one built by hand may not be, which made the same
# loop take 1.7 times as long (docs/decisions/0160-the-distributions-python-comes-first.md).
find_python() {
  local candidate
  for candidate in ${EXODUS_PYTHON:+"$EXODUS_PYTHON"} /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
    if is_new_enough "$candidate" && makes_venvs "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

install_python() {
  local command="apt-get install --yes --no-install-recommends python3 python3-venv"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: Python 3.11 or newer with venv is needed. On Debian: sudo $command" >&2
    exit 2
  fi
  echo "installing python3-venv …" >&2
  DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive $command -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 >/dev/null
}

if is_current; then exit 0; fi
# Two commands at once (make -j, two terminals) must not build the same folder.
exec 9>.venv.lock
flock 9
if is_current; then exit 0; fi

if ! .venv/bin/python -c '' 2>/dev/null; then
  python=$(find_python) || { install_python && python=$(find_python); } || {
    echo "error: no Python 3.11 or newer was found; set EXODUS_PYTHON" >&2
    exit 2
  }
  rm -rf .venv
  "$python" -m venv .venv
fi
echo "installing packages into .venv; about a minute the first time …"
.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
.venv/bin/python -m pip install --quiet --disable-pip-version-check --prefer-binary --use-pep517 --require-hashes -r "$lock"
echo "$wanted" >"$stamp"
