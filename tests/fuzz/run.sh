#!/bin/sh
# Fuzzes the parsers that take outside bytes, one after the other, and prints a line for each.
#
#   tests/fuzz/run.sh [SECONDS] [TARGET...]     default: 600 seconds each, all targets
#
# A unit may take five seconds by the clock on the wall: on a busy machine set UNIT_SECONDS higher.
#
# Needs a nightly toolchain and cargo-fuzz. A finding lies in artifacts/TARGET/; show it with
# `cargo +nightly fuzz run -s none TARGET artifacts/TARGET/FILE`, make it smaller with
# `cargo +nightly fuzz tmin`, mend it, and keep its bytes as a test of the crate that it was in.
set -eu
cd "$(dirname "$0")"
seconds=${1:-600}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- ts ts_units flv_amf rtmp_chunks rtmp_session rtsp rtp h264 hevc_aac open_codecs pictures stream_id_and_urls site webrtc
cargo +nightly fuzz --version >/dev/null 2>&1 || {
    echo "fuzz: needs rustup toolchain install nightly, and cargo install --locked cargo-fuzz" >&2
    exit 1
}
./seeds.sh
# The crates under test have no unsafe code: sanitizers would cost half the speed, and their
# quarantine would hide how much memory a parser really takes.
build="cargo +nightly fuzz build -O -s none --fuzz-dir ."
$build

failed=0
for target in "$@"; do
    case $target in
    ts) len=65536 ;;
    ts_units | flv_amf | rtmp_session | rtsp | rtp) len=16384 ;;
    rtmp_chunks) len=8192 ;;
    h264 | hevc_aac | open_codecs) len=4096 ;;
    *) len=2048 ;;
    esac
    dict=
    [ -e "dict/$target.dict" ] && dict="-dict=dict/$target.dict"
    mkdir -p "artifacts/$target"
    log=artifacts/$target.log
    verdict=ok
    cargo +nightly fuzz run -O -s none --fuzz-dir . "$target" "corpus/$target" -- \
        -max_total_time="$seconds" -max_len=$len -timeout="${UNIT_SECONDS:-5}" -rss_limit_mb=512 \
        -print_final_stats=1 $dict >"$log" 2>&1 || { verdict="FOUND, see tests/fuzz/$log" && failed=1; }
    cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    printf '%-20s %12s runs %6s edges  %s\n' "$target" "${runs:-?}" "${cover:-?}" "$verdict"
done
exit $failed
