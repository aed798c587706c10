#!/usr/bin/env bash
# Installs what Pointsman needs: `setup.sh run` to build and run it, `setup.sh test` also what
# its tests measure against. Idempotent; asks nothing; says what it does.
set -euo pipefail

run_packages=(build-essential pkg-config libsrt-openssl-dev ffmpeg fonts-dejavu-core)
test_packages=(
    srt-tools                                  # srt-live-transmit
    nginx-light libnginx-mod-rtmp              # an RTMP server to push to and to measure against
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-libav
    vlc-bin vlc-plugin-base
    chromium
    iproute2
)

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

cd "$(dirname "$0")/.."
case "${1:-run}" in
run) install_packages "${run_packages[@]}" ;;
test) install_packages "${run_packages[@]}" "${test_packages[@]}" ;;
*) fail "usage: setup.sh [run|test]" ;;
esac
add_wasm_target
