#!/usr/bin/env bash
# Installs a built wheel into an empty environment far from the repository, then talks to the
# daemon it brings, without a network.
# Usage: [PYTHON=python3] wheel_test.sh WHEEL LOCK
set -euo pipefail

wheel=$(realpath "$1")
lock=$(realpath "$2")
probe=$(realpath "$(dirname "$0")/probe_wheel.py")
python=$(command -v "${PYTHON:-python3}")
[[ $python == /* ]] || python=$PWD/$python

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

"$python" -m venv env
env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
env/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index "$wheel"
env/bin/python -m pip check

# A network of its own, with a loopback and nothing else; where that is not permitted, all
# that is left is to send what would go out to a closed port.
alone=()
unshare --net --map-root-user true 2>/dev/null && alone=(unshare --net --map-root-user)
dead=http://127.0.0.1:9
"${alone[@]}" env -i HOME="$place" PATH="$place/env/bin:/usr/bin:/bin" \
  http_proxy=$dead https_proxy=$dead no_proxy=127.0.0.1 \
  env/bin/python -I "$(cp "$probe" . && basename "$probe")"
