#!/usr/bin/env bash
# Whether questions find what answers them, and what importing 50 MB costs, with the chat beside it: see
# benches/chat/docs.rs. The documents and the questions are in benches/docs/.
#
#     benches/docs.sh
#
# The databases lie in the build folder, or in the one that BENCH_FOLDER names.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
ulimit -n "$(ulimit -Hn)"

cargo bench --quiet --bench chat -- docs beside
