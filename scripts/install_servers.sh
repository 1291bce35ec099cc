#!/usr/bin/env bash
# Installs the servers that the tests start, from Debian, where they are missing and it may;
# needs no network where they are there.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v redis-sentinel >/dev/null || missing+=(redis-sentinel)
command -v openssl >/dev/null || missing+=(openssl)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null \
  || missing+=(postgresql)
command -v pgbouncer >/dev/null || [[ -x /usr/sbin/pgbouncer ]] || missing+=(pgbouncer)
((${#missing[@]})) || exit 0

if ((EUID)) || ! command -v apt-get >/dev/null; then
  echo "error: the tests start servers of their own; please install ${missing[*]}" >&2
  echo "       (Debian and Ubuntu, as root: scripts/install_servers.sh)" >&2
  exit 1
fi
echo "installing ${missing[*]}, which the tests start …"

# The packages must not start servers of the system's own: those are nobody's here.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
  mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
