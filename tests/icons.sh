#!/usr/bin/env bash
# Draws the application's icons anew from the SVG: run it after changing that, and commit what comes of it.
set -euo pipefail
cd "$(dirname "$0")/../src/site/assets/icons"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw FILE SIZE SCALE: the icon in the middle of a square; what is around it is clear, or the icon's colour.
draw() {
    local colour=transparent
    [ "$3" = 100 ] || colour='#8a3b12'
    printf '<!doctype html><style>*{margin:0}body{width:%spx;height:%spx;display:grid;place-items:center;background:%s}img{width:%s%%;height:%s%%}</style><img src="file://%s/parlour.svg">' \
        "$2" "$2" "$colour" "$3" "$3" "$PWD" >"$work/icon.html"
    chromium --headless --no-sandbox --hide-scrollbars --default-background-color=00000000 \
        --user-data-dir="$work/profile" --allow-file-access-from-files \
        --window-size="$2,$2" --screenshot="$PWD/$1" "file://$work/icon.html" >/dev/null 2>&1
}

draw parlour-192.png 192 100
draw parlour-512.png 512 100
draw parlour-mask-512.png 512 80
