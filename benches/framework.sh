#!/usr/bin/env bash
# What the framework costs beside the bare reactor: deliveries to a group, and idle consumers.
#
#     benches/framework.sh [LOADGEN-COMPARE-OPTIONS...]      e.g. --rounds 9 --out runs.jsonl
#
# Works like benches/loop.sh, which says how.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TARGET=${CARGO_TARGET_DIR:-$root/target}/release
. "$root/benches/loadgen.sh"

cargo build --quiet --release --bins --examples --manifest-path "$root/Cargo.toml"
"$LOADGEN" compare "$root/benches/framework.toml" "$@"
