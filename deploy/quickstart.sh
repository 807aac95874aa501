#!/usr/bin/env bash
# From a fresh clone to a serving router: installs what is missing, builds, starts it in the
# foreground. Options are passed on to wgrouter; without any it makes a key and one client and
# prints what to paste into a WireGuard app.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
caller=$PWD
cd "$root"

deploy/install_packages.sh build

log=build/quickstart.log
mkdir -p build
if ! { cmake --preset release && cmake --build --preset release --target wgrouter; } >"$log" 2>&1 </dev/null; then
  tail -n 40 "$log" >&2
  echo "The build failed; the whole of it is in $root/$log" >&2
  exit 1
fi

# Paths in the options are the caller's.
cd "$caller"
exec "$root/build/release/bin/wgrouter" "$@"
