#!/usr/bin/env bash
# Asks a running host everything that its OpenAPI document allows, and much that it does not:
# schemathesis.sh PROGRAM [OPTIONS of schemathesis]. Fails on a 5xx, on an answer that the document
# does not describe, and on a body that is not of its schema. The same seed makes the same
# requests; the number of them is bounded.
set -euo pipefail

tools="${POINTSMAN_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/pointsman/tools}"
program=$(realpath "$1")
shift
here=$(mktemp -d)
host=
finish() {
    [ -z "$host" ] || kill -INT "$host" 2>/dev/null && wait "$host" 2>/dev/null || true
    rm -rf "$here"
}
trap finish EXIT

read -r api rtmp srt < <(python3 - <<'PYTHON'
import socket
kinds = [socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM]
held = [socket.socket(type=kind) for kind in kinds]
for it in held:
    it.bind(("127.0.0.1", 0))
print(*[it.getsockname()[1] for it in held])
PYTHON
)
cd "$here"
POINTSMAN_API_LISTEN=127.0.0.1:$api POINTSMAN_RTMP_LISTEN=127.0.0.1:$rtmp \
    POINTSMAN_RTSP_LISTEN=127.0.0.1:0 POINTSMAN_RTSP_UDP_PORT=0 POINTSMAN_WEBRTC_LISTEN=127.0.0.1:0 \
    POINTSMAN_SRT_LISTEN=127.0.0.1:$srt POINTSMAN_UDP_PORTS=20000-20999 \
    "$program" run >host.out 2>host.log &
host=$!

# Components are sent as they are.
cat >hooks.py <<'PYTHON'
import schemathesis
schemathesis.serializer.alias("application/wasm", "application/octet-stream")
PYTHON
export SCHEMATHESIS_HOOKS=hooks

# What is asked is about things that are there. Events never end, so they are left out. One worker:
# schemathesis parses Python source in its workers, and two threads that do so at once fail in
# CPython 3.11 ("AST constructor recursion depth mismatch", gh-106905).
checks=not_a_server_error,status_code_conformance,content_type_conformance
checks=$checks,response_headers_conformance,response_schema_conformance,unsupported_method
status=0
"$tools/python/bin/schemathesis" run "http://127.0.0.1:$api/api/openapi.json" \
    --wait-for-schema 30 --seed 4 --max-examples 12 --workers 1 --phases examples,coverage,fuzzing \
    --checks "$checks" --exclude-path /api/v1/events --request-timeout 60 --no-color \
    --suppress-health-check all --warnings off --continue-on-failure "$@" || status=$?
if ! kill -0 "$host" 2>/dev/null; then
    echo "schemathesis: the host is gone:" >&2
    tail -20 host.log >&2
    status=1
fi
exit $status
