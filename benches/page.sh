#!/usr/bin/env bash
# What a page costs: the profile and the list of somebody who is signed in, in the example `mvc`.
# Routed, guarded, a session and a row read from the database, a template with inheritance.
#
#     benches/page.sh [SECONDS] [PATH...]      e.g. 10 /profile /todo
#
# The program has one core and wrk another. Requests per second say what came of it on this machine
# at this moment; the processor time per request, from /proc/PID/stat, does not depend on what else
# runs there: 50 us are 20,000 requests per second.
# Needs wrk and curl.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/release
seconds=${1:-5}
shift || true
paths=("$@")
[ ${#paths[@]} -gt 0 ] || paths=(/profile /todo)

cargo build --quiet --release --example mvc --manifest-path "$root/Cargo.toml"

place=$(mktemp -d)
pid=
end() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$place"
}
trap end EXIT

taskset -c 0 "$target/examples/mvc" --listen 127.0.0.1:0 --data "$place/data" \
    >"$place/ready" 2>/dev/null &
pid=$!
until grep -q listening "$place/ready"; do
    kill -0 "$pid" || { echo "the example does not start" >&2; exit 1; }
    sleep 0.05
done
site=$(sed -n 's/^listening on //p' "$place/ready")

# A page's token goes back with the form; the jar keeps the cookies.
submit() {
    local from=$1 to=$2 token
    shift 2
    token=$(curl -sf -b "$place/jar" -c "$place/jar" "$site$from" |
        sed -n 's/.*name="csrf_token" value="\([^"]*\)".*/\1/p' | head -n 1)
    curl -sf -o "$place/answer" -b "$place/jar" -c "$place/jar" \
        --data-urlencode "csrf_token=$token" "$@" "$site$to"
}

submit /register /register -d name=ann -d 'password=correct horse'
for title in 'Water the tomatoes' 'Book the night train' 'Return the books'; do
    submit /todo /todo -d "title=$title" -d notes=
done
cookie=$(awk '$6 == "sid" { print $6 "=" $7 }' "$place/jar")
# What was to be told is told, so that nothing is left to be written.
curl -sf -o "$place/answer" -H "Cookie: $cookie" "$site/profile"

ticks() {
    # utime and stime are the 14th and 15th; the name in the second may hold blanks.
    sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }'
}

for path in "${paths[@]}"; do
    taskset -c 1 wrk -t1 -c50 -d1s -H "Cookie: $cookie" "$site$path" >"$place/wrk" # warm
    before=$(ticks)
    taskset -c 1 wrk -t1 -c50 -d"${seconds}s" -H "Cookie: $cookie" "$site$path" >"$place/wrk"
    after=$(ticks)
    if grep -q 'Non-2xx' "$place/wrk"; then
        echo "$path: not all answers were pages" >&2
        exit 1
    fi
    awk -v path="$path" -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" '
        / requests in / { requests = $1 }
        /^Requests\/sec:/ { rate = $2 }
        END {
            each = ticks / hertz / requests * 1e6
            printf "%-10s %8.0f requests/s  %6.1f us of processor time each: %.0f/s on a whole core\n",
                path, rate, each, 1e6 / each
        }' "$place/wrk"
done
