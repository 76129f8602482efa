#!/usr/bin/env bash
# What the loop costs beside the kernel's own price, and beside nginx for small answers.
#
#     benches/loop.sh [LOADGEN-COMPARE-OPTIONS...]      e.g. --only echo --rounds 9 --out runs.jsonl
#
# Server on core 0, generator on core 1, release builds, alternating; figures are CPU time per message
# from /proc, as ratios within each round. LOADGEN names the load generator's binary; without it the one
# beside this checkout is built.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BENCHES=$root/benches
export TARGET=${CARGO_TARGET_DIR:-$root/target}/release

. "$root/benches/loadgen.sh"

cargo build --quiet --release --bins --examples --manifest-path "$root/Cargo.toml"

uname -srm
sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c
"$LOADGEN" compare "$BENCHES/loop.toml" "$@"
if command -v nginx >/dev/null; then
    mkdir -p /tmp/parlour-bench-nginx
    "$LOADGEN" compare "$BENCHES/http.toml" "$@"
else
    echo "nginx is not installed: its row is left out"
fi
echo
echo "stripped release binary: $(stat -c %s "$TARGET/parlour") bytes"
