#!/usr/bin/env bash
# Makes a virtual environment, or says what the machine lacks.
# Usage: make_venv.sh PYTHON DIRECTORY
set -euo pipefail

python=$1
directory=$2

fail() {
  echo "error: $1" >&2
  exit 1
}

command -v "$python" >/dev/null \
  || fail "$python not found; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || fail "$("$python" --version) is too old; contextd needs Python 3.11 or newer (make PYTHON=/path/to/python3)"
"$python" -c 'import ensurepip, venv' 2>/dev/null \
  || fail "$python has no venv module; on Debian and Ubuntu: apt-get install python3-venv"

"$python" -m venv "$directory" || {
  rm -rf "$directory"
  fail "could not make $directory; on Debian and Ubuntu: apt-get install python3-venv"
}
