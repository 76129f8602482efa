#!/usr/bin/env bash
# The long suite: foreign clients, a browser and the conformance suites against the release build.
#
#     cargo build --release && tests/full.sh
#
# What is missing is installed: Debian packages when run by root, Python and Node packages into a cache
# directory of its own. What cannot be had is said and counted as skipped. The last line counts; the exit
# status is 1 when anything failed. PARLOUR_BIN names another binary, PARLOUR_AUTOBAHN=all runs all 517
# cases of Autobahn instead of all but most of the compressed ones.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
clients=$root/tests/clients
conformance=$root/../shared/conformance
cache=${XDG_CACHE_HOME:-$HOME/.cache}/parlour-full
parlour=${PARLOUR_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/parlour}
work=$(mktemp -d)
server=''
passed=0 failed=0 skipped=0
failures=()

# About 20 of the 216 compressed cases: each size of message, each way to fragment and each set of
# parameters is there at least once. All of them take a quarter of an hour.
compressed_sample=(
    12.1.1 12.1.4 12.1.8 12.1.10 12.1.14 12.2.2 12.2.9 12.2.18 12.3.5 12.4.7 12.5.12
    13.1.1 13.1.9 13.2.3 13.3.5 13.3.17 13.4.6 13.5.4 13.6.2 13.7.1 13.7.11
)

clean_up() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# ---- counting --------------------------------------------------------------------------------------

pass() { passed=$((passed + 1)); printf 'ok       %s (%s s)\n' "$1" "$2"; }
skip() { skipped=$((skipped + 1)); printf 'skipped  %s: %s\n' "$1" "$2"; }
fail() {
    failed=$((failed + 1))
    printf 'FAILED   %s: %s\n' "$1" "$2"
    failures+=("$1: $2")
    [ ! -s "$work/log" ] || grep -v '^ok ' "$work/log" | tail -n 40 | sed 's/^/         | /'
}

finish() {
    [ "$failed" -eq 0 ] || printf 'FAILED   %s\n' "${failures[@]}"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] || exit 1
    exit 0
}

step() { # NAME SECONDS COMMAND...: passes if the command does, in time
    local name=$1 limit_s=$2 started=$SECONDS status=0
    shift 2
    timeout --kill-after=5 "$limit_s" "$@" >"$work/log" 2>&1 || status=$?
    case $status in
    0) pass "$name" "$((SECONDS - started))" ;;
    124 | 137) fail "$name" "not done after $limit_s s" ;;
    *) fail "$name" "exit status $status" ;;
    esac
}

# ---- what is needed --------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

lists_are_fresh=no
packages() { # PACKAGES...: Debian packages, where that is possible
    has apt-get && [ "$(id -u)" -eq 0 ] || return 1
    export DEBIAN_FRONTEND=noninteractive
    if [ "$lists_are_fresh" = no ]; then
        timeout 60 apt-get -qq update >>"$work/install" 2>&1 || return 1
        lists_are_fresh=yes
    fi
    timeout 180 apt-get -qq install -y --no-install-recommends "$@" >>"$work/install" 2>&1
}

command_or_packages() { # COMMAND PACKAGES...
    local command=$1
    shift
    has "$command" || packages "$@" || return 1
    hash -r
    has "$command"
}

python_client() {
    command_or_packages python3 python3 || return 1
    "$cache/venv/bin/python" -c 'import schemathesis, websockets.sync.client' 2>/dev/null && return 0
    rm -rf "$cache/venv"
    if ! python3 -m venv "$cache/venv" >>"$work/install" 2>&1; then
        packages python3-venv && rm -rf "$cache/venv" || return 1
        python3 -m venv "$cache/venv" >>"$work/install" 2>&1 || return 1
    fi
    timeout 180 "$cache/venv/bin/pip" install --quiet websockets schemathesis >>"$work/install" 2>&1
}

node_client() {
    command_or_packages node nodejs || return 1
    [ ! -d "$cache/node/node_modules/ws" ] || return 0
    command_or_packages npm npm || return 1
    mkdir -p "$cache/node"
    timeout 90 npm install --prefix "$cache/node" --no-audit --no-fund ws >>"$work/install" 2>&1
}

nano_client() {
    command_or_packages node nodejs || return 1
    [ ! -d "$cache/nano/node_modules/pomelo-jsclient-websocket" ] || [ ! -d "$cache/nano/node_modules/ws" ] || return 0
    command_or_packages npm npm || return 1
    mkdir -p "$cache/nano"
    timeout 90 npm install --prefix "$cache/nano" --no-audit --no-fund \
        ws pomelo-protocol@0.1.6 pomelo-jsclient-websocket@0.1.1 >>"$work/install" 2>&1
}

face_client() {
    command_or_packages node nodejs || return 1
    [ ! -d "$cache/face/node_modules/playwright-core" ] || [ ! -d "$cache/face/node_modules/axe-core" ] || return 0
    command_or_packages npm npm || return 1
    mkdir -p "$cache/face"
    timeout 120 npm install --prefix "$cache/face" --no-audit --no-fund playwright-core@1.65.1 axe-core@4.14.1 \
        >>"$work/install" 2>&1
}

browser=''
find_browser() {
    local name
    for name in chromium chromium-browser google-chrome chrome; do
        if has "$name"; then
            browser=$name
            return 0
        fi
    done
    return 1
}

# ---- the server ------------------------------------------------------------------------------------

start() {
    local line=''
    exec 3< <(exec "$parlour" serve --data "$work/data" --listen 127.0.0.1:0 --echo 2>"$work/errors")
    server=$!
    read -r -t 10 line <&3 || true
    address=${line#listening on http://}
    [ "$address" != "$line" ] || {
        cp "$work/errors" "$work/log"
        fail "start" "no ready line from $parlour, but: '$line'"
        finish
    }
}

stop() { # the server is still there, and ends cleanly when asked
    local status=0 asked=$SECONDS
    if ! kill -TERM "$server" 2>/dev/null; then
        cp "$work/errors" "$work/log"
        fail "end" "the server was gone already"
        return
    fi
    (sleep 10 && kill -KILL "$server") 2>/dev/null &
    local guard=$!
    wait "$server" || status=$?
    kill "$guard" 2>/dev/null || true
    server=''
    cp "$work/errors" "$work/log"
    if [ "$status" -eq 0 ]; then
        pass "a clean end on SIGTERM" "$((SECONDS - asked))"
    else
        fail "a clean end on SIGTERM" "exit status $status"
    fi
}

# ---- the dialogues ---------------------------------------------------------------------------------

curl_dialogue() {
    local all='curl'
    command_or_packages curl curl || { skip "$all" "curl is not here and cannot be installed"; return; }
    local ask="curl --silent --show-error --http1.1 --max-time 10"
    local handshake="-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='"
    curl_step() { step "curl: $1" 20 bash -euo pipefail -c "$2"; }
    curl_step "the page" "$ask --fail http://$address/ | grep -q ."
    curl_step "health" "$ask --fail http://$address/healthz"
    curl_step "HEAD has no body" "$ask --fail --head http://$address/ | grep -qi '^content-length:'"
    curl_step "404" "[ \$($ask -o /dev/null -w '%{http_code}' http://$address/no/such/page) = 404 ]"
    curl_step "426" "$ask -i http://$address/echo | tr -d '\\r' | tee /dev/stderr | grep -qi '^upgrade: websocket$'"
    curl_step "a wrong version" \
        "$ask -i $handshake -H 'Sec-WebSocket-Version: 8' http://$address/echo | grep -qi '^sec-websocket-version: 13'"
    # After 101 nobody says anything: curl waits until its time is over, and that is status 28.
    curl_step "101" "{ $ask -i -N --max-time 1 $handshake -H 'Sec-WebSocket-Version: 13' http://$address/echo || [ \$? = 28 ]; } |
        tr -d '\\r' | tee /dev/stderr | grep -q '^[Ss]ec-[Ww]eb[Ss]ocket-[Aa]ccept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=$'"
    curl_step "one connection for two requests" \
        "[ \$($ask -o /dev/null -o /dev/null -w '%{num_connects} ' http://$address/ http://$address/healthz | tr -d ' ') = 10 ]"
    curl_step "fifty at once" \
        "$ask --fail --parallel --parallel-max 50 -o /dev/null 'http://$address/healthz#[1-50]'"
}

python_dialogue() {
    python_client || { skip "Python websockets" "it cannot be installed"; return; }
    step "Python websockets" 60 "$cache/venv/bin/python" "$clients/echo.py" "ws://$address/echo"
}

# Two people of a foreign client's; the first account is theirs, and so is what admins may.
chat_dialogue() {
    python_client || { skip "a chat by Python" "websockets cannot be installed"; return; }
    step "a chat by Python" 60 "$cache/venv/bin/python" -W error "$clients/chat.py" "http://$address"
}

sign_up() { # NAME: makes an account and says its token
    curl --silent --show-error --fail --max-time 10 -H 'Content-Type: application/json' \
        -d "{\"name\":\"$1\",\"password\":\"a password of $1\"}" "http://$address/api/v1/users" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])'
}

# What the API says of itself holds for whatever is asked, whoever asks. What would end a sign-in is asked by nobody who
# has one, and a stream of events has no end. 501 is the right answer to a method that HTTP does not know.
api_contract() {
    local who token checks
    python_client && has curl || { skip "the API's contract" "curl, websockets or schemathesis cannot be installed"; return; }
    checks=not_a_server_error,status_code_conformance,content_type_conformance
    checks+=,response_headers_conformance,response_schema_conformance
    mkdir -p "$work/contract"
    printf '[phases.coverage]\nunexpected-methods = ["PUT", "PATCH", "DELETE", "POST"]\n' >"$work/contract/schemathesis.toml"
    for who in nobody member admin; do
        local asks=()
        if [ "$who" != nobody ]; then
            token=$(sign_up "$who") || { fail "the API's contract for $who" "cannot sign up"; continue; }
            asks=(-H "Authorization: Bearer $token" --exclude-path-regex '^/(tokens|me/password|events)'
                --exclude-name 'PATCH /users/{name}' --exclude-name 'DELETE /users/{name}'
                --exclude-name 'DELETE /users/{name}/tokens')
        fi
        if [ "$who" = admin ]; then
            "$parlour" user --data "$work/data" role admin admin >"$work/log" 2>&1 ||
                { fail "the API's contract for $who" "cannot be made one"; continue; }
        fi
        step "the API's contract for $who" 240 bash -c 'cd "$1" && shift && exec "$@"' - "$work/contract" \
            "$cache/venv/bin/schemathesis" run "http://$address/api/v1/openapi.json" --no-color --checks "$checks" \
            --max-examples 20 --phases coverage,fuzzing --continue-on-failure --warnings off \
            --generation-with-security-parameters false ${asks[@]+"${asks[@]}"}
    done
}

node_dialogue() {
    node_client || { skip "Node ws" "it cannot be installed"; return; }
    step "Node ws" 60 node "$clients/echo.mjs" "ws://$address/echo" "$cache/node"
}

# Pomelo's own packages talk in the room that is made for them.
nano_dialogue() {
    local target=${parlour%/*/*} example room where=''
    # As it was built for the tests, where nobody built it as it is released.
    example=$target/release/examples/nano_room
    [ -x "$example" ] || example=$target/debug/examples/nano_room
    [ -x "$example" ] || { skip "Pomelo's clients" "$example is missing: cargo build --examples"; return; }
    nano_client || { skip "Pomelo's clients" "they cannot be installed"; return; }
    "$example" --listen 127.0.0.1:0 >"$work/room" 2>"$work/room-log" &
    room=$!
    for _ in $(seq 50); do
        where=$(sed -n 's|^listening on http://||p' "$work/room")
        [ -z "$where" ] || break
        sleep 0.1
    done
    step "Pomelo's clients" 60 node "$clients/nano.mjs" "$where" "$cache/nano"
    kill "$room" && wait "$room" || true
}

browser_dialogue() {
    has python3 || { skip "Chromium" "python3 is missing"; return; }
    find_browser || { packages chromium && hash -r && find_browser; } ||
        { skip "Chromium" "it is not here and cannot be installed"; return; }
    step "Chromium" 90 python3 "$clients/browser.py" "$browser" "ws://$address/echo"
}

# Two people and more talk through the pages; it starts servers of its own.
face() {
    face_client || { skip "the face in a browser" "playwright-core and axe-core cannot be installed"; return; }
    find_browser || { packages chromium && hash -r && find_browser; } ||
        { skip "the face in a browser" "Chromium is not here and cannot be installed"; return; }
    step "the face in a browser" 900 node "$root/tests/browser/run.mjs" "$parlour" "$cache/face" "$(command -v "$browser")"
    tail -n 1 "$work/log"
}

# A file that the page itself links to. The suite needs a name in it: "/" alone is none.
linked_file() {
    local path
    for path in $(curl --silent --location --max-time 10 "http://$address/" | grep -oE '(href|src)="?/[^"?# >]+' | grep -oE '/.*' | sort -u); do
        if curl --silent --max-time 10 --head "http://$address$path" | grep -qi '^etag:'; then
            printf '%s\n' "$path"
            return
        fi
    done
}

http_conformance() {
    local static=()
    [ -f "$conformance/http1.py" ] || { skip "HTTP conformance" "no shared/ folder beside the checkout"; return; }
    has python3 || { skip "HTTP conformance" "python3 is missing"; return; }
    ! has curl || mapfile -t static < <(linked_file)
    [ "${#static[@]}" -gt 0 ] || skip "HTTP conformance of files" "the page links to no file with an ETag"
    step "HTTP conformance" 90 python3 "$conformance/http1.py" --url "http://$address/" \
        ${static[@]+--static-path "${static[0]}"} --post-path /echo --ws-path /echo --strict
    tail -n 1 "$work/log"
}

autobahn() {
    [ -f "$conformance/autobahn.sh" ] || { skip "Autobahn" "no shared/ folder beside the checkout"; return; }
    timeout 150 "$conformance/autobahn.sh" --install-only >"$work/log" 2>&1 ||
        { skip "Autobahn" "$(tail -n 1 "$work/log")"; return; }
    if [ "${PARLOUR_AUTOBAHN:-}" = all ]; then
        step "Autobahn, all of it" 1860 "$conformance/autobahn.sh" --strict "ws://$address/echo"
    else
        step "Autobahn" 240 "$conformance/autobahn.sh" --strict --timeout 230 "ws://$address/echo" \
            '1.*' '2.*' '3.*' '4.*' '5.*' '6.*' '7.*' '9.*' '10.*' "${compressed_sample[@]}"
    fi
    tail -n 1 "$work/log"
}

fuzz_corpora() {
    local target name
    [ -d "$root/fuzz" ] || { skip "fuzz corpora" "no fuzz/ folder"; return; }
    cargo +nightly fuzz --version >/dev/null 2>&1 ||
        { skip "fuzz corpora" "cargo-fuzz on a nightly toolchain is not here"; return; }
    for target in "$root"/fuzz/fuzz_targets/*.rs; do
        name=$(basename "$target" .rs)
        [ -d "$root/fuzz/corpus/$name" ] || { skip "corpus of $name" "there is none"; continue; }
        (cd "$root" && timeout 600 cargo +nightly fuzz build "$name" >"$work/log" 2>&1) ||
            { skip "corpus of $name" "its target cannot be built here"; continue; }
        step "corpus of $name" 60 bash -c 'cd "$1" && cargo +nightly fuzz run "$2" -- -runs=0' - "$root" "$name"
    done
}

# What `cargo test` does for seconds, for minutes. Ends in one figure each.
long_runs() {
    has cargo || { skip "the long runs" "cargo is missing"; return; }
    local manifest=$root/Cargo.toml
    step "ten thousand worlds" 900 env PARLOUR_SEEDS=10000 \
        cargo test --profile long --manifest-path "$manifest" --test simulation
    # Seeds that nobody has seen before, however many that are in the time.
    local first=$(($(date +%s) * 10000))
    step "two thousand fresh chats, from seed $first" 900 env PARLOUR_SEEDS=2000 PARLOUR_FIRST_SEED="$first" \
        cargo test --profile long --manifest-path "$manifest" --test chat_model
    step "a million visits" 900 env PARLOUR_CYCLES=1000000 \
        cargo test --profile long --manifest-path "$manifest" --test cycles
    step "a thousand kills" 900 env PARLOUR_KILLS=1000 \
        cargo test --profile long --manifest-path "$manifest" --test chat kills
}

[ -x "$parlour" ] || { fail "start" "$parlour is missing: cargo build --release"; finish; }
mkdir -p "$cache"
: >"$work/install"
start
curl_dialogue
python_dialogue
chat_dialogue
api_contract
node_dialogue
nano_dialogue
browser_dialogue
face
http_conformance
autobahn
fuzz_corpora
long_runs
stop
finish
