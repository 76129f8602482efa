# Finds the load generator, for the scripts beside this one: LOADGEN names its binary; without it the
# one whose source is beside this checkout is built.
if [ -z "${LOADGEN:-}" ]; then
    source=$root/../shared/loadgen
    [ -f "$source/Cargo.toml" ] || {
        echo "no load generator at ../shared/loadgen: name one with LOADGEN=PATH" >&2
        exit 2
    }
    CARGO_TARGET_DIR=$root/target/loadgen cargo build --quiet --release --manifest-path "$source/Cargo.toml"
    LOADGEN=$root/target/loadgen/release/loadgen
fi
export LOADGEN
ulimit -n "$(ulimit -Hn)"
