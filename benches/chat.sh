#!/usr/bin/env bash
# What the chat costs, beside what it is to be compared with: see benches/chat/main.rs.
#
#     benches/chat.sh [ROW...]      e.g. durable room; without a name, all rows
#
# Rows: durable (messages per second), room (CPU per delivery), pace (from sending to delivery), idle
# (memory), burst (sign-ins), resume (after a restart), history (a page of it), docs
# and beside (documents: see benches/docs.sh). The databases lie in the build folder, or in the one that BENCH_FOLDER
# names: what is measured is its disk as well.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
ulimit -n "$(ulimit -Hn)"

# Built by the same profile as `cargo bench` builds the server, so that they lie side by side.
cargo build --quiet --profile bench --example broadcast
cargo bench --quiet --bench chat -- "$@"
