#!/usr/bin/env bash
# What the game protocol costs, beside plain WebSockets: see benches/nano/main.rs.
#
#     benches/nano.sh [ROW...]      idle, broadcast, request; without a name, all rows
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
ulimit -n "$(ulimit -Hn)"

# Built by the same profile as `cargo bench` builds the server, so that they lie side by side.
cargo build --quiet --profile bench --example broadcast --example echo
cargo bench --quiet --bench nano -- "$@"
