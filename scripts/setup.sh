#!/usr/bin/env bash
# Installs what Pointsman needs: `setup.sh run` to build and run it, `setup.sh test` also what
# its tests measure against. Idempotent; asks nothing; says what it does.
set -euo pipefail

run_packages=(build-essential pkg-config libsrt-openssl-dev ffmpeg fonts-dejavu-core)
test_packages=(
    curl
    srt-tools                                  # srt-live-transmit
    nginx-light libnginx-mod-rtmp              # an RTMP server to push to and to measure against
    libnginx-mod-stream openssl                # the same under TLS, with a certificate
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
    gstreamer1.0-rtsp
    vlc-bin vlc-plugin-base vlc-plugin-access-extra
    chromium
    docker.io busybox-static                   # an engine that a test starts, and what runs in it
    iproute2
    postgresql                                 # the other database; its tests start servers of their own
)

# Where `pointsman plugin build` looks for the tools of other languages, and the versions it wants
# (host/plugin/src/build/tools.rs); the TypeScript compiler and schemathesis are for the tests.
tools="${POINTSMAN_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/pointsman/tools}"
js_packages=(componentize-qjs@0.4.5 esbuild@0.28.2 typescript@7.0.2
    hls.js@1.7.4 dashjs@5.2.1 mpegts.js@1.8.2  # players of tests in Chromium
    playwright-core@1.65.1)                    # what drives it; the browser is Debian's
python_packages=(componentize-py==0.25.1 schemathesis==4.32.5
    imageio-ffmpeg==0.8.1)                     # FFmpeg 9.0, a peer that is newer than Debian's

fail() {
    echo "setup: $*" >&2
    exit 1
}

install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "needs Debian or Ubuntu, or by hand: ${missing[*]}"
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "run as root, or install sudo, to get: ${missing[*]}"
        sudo=(sudo)
    fi
    echo "setup: installing ${missing[*]}"
    "${sudo[@]}" apt-get update -qq || fail "apt-get update failed: is the network there?"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
        || fail "apt-get could not install: ${missing[*]}"
}

add_wasm_target() {
    command -v rustup >/dev/null || fail "rustup is missing: see https://rustup.rs"
    # rust-toolchain.toml names the toolchain; `show` installs it where it is not there yet.
    rustup target list --installed | grep -qx wasm32-unknown-unknown && return 0
    echo "setup: adding the Rust target wasm32-unknown-unknown"
    rustup target add wasm32-unknown-unknown >/dev/null || fail "rustup could not add wasm32-unknown-unknown"
}

# For plugins in JavaScript and Python. Without them everything else builds and runs, so this warns
# and goes on; the tests that need them then say the same.
install_plugin_tools() {
    local wanted="${js_packages[*]} ${python_packages[*]}" missing=()
    [ "$(cat "$tools/installed" 2>/dev/null)" != "$wanted" ] || return 0
    command -v npm >/dev/null || missing+=(nodejs npm)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    # In a shell of its own, because it ends the one it runs in when it fails.
    [ ${#missing[@]} -eq 0 ] || (install_packages "${missing[@]}") || return 1
    echo "setup: installing $wanted in $tools"
    mkdir -p "$tools" || return 1
    rm -f "$tools/installed"
    npm install --silent --no-audit --no-fund --prefix "$tools" "${js_packages[@]}" >&2 || return 1
    python3 -m venv "$tools/python" || return 1
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}" || return 1
    echo "$wanted" >"$tools/installed"
}

cd "$(dirname "$0")/.."
case "${1:-run}" in
run) install_packages "${run_packages[@]}" ;;
test)
    install_packages "${run_packages[@]}" "${test_packages[@]}"
    install_plugin_tools || echo "setup: could not install what plugins in JavaScript and Python need, see above;" \
        "tests of them will fail" >&2
    ;;
*) fail "usage: setup.sh [run|test]" ;;
esac
add_wasm_target
