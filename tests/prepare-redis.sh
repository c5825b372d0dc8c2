#!/usr/bin/env bash
# Installs redis-server for the tests of the Redis tier, unless it is there. No service is started: each test starts its own.
set -euo pipefail
if command -v redis-server >/dev/null && command -v redis-cli >/dev/null; then
  exit 0
fi

install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server)
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  # Debian's way to say that installing starts nothing.
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
"${install[@]}" >/dev/null 2>&1 || { apt-get update >/dev/null && "${install[@]}" >/dev/null; }
