#!/bin/sh
# Makes small seeds for the fuzz targets under corpus/ (not in git): real streams from FFmpeg,
# and a few lines of text. Needs ffmpeg with libx264 and libx265. Does nothing the second time.
set -eu
cd "$(dirname "$0")"
[ -e corpus/.seeded ] && exit 0
command -v ffmpeg >/dev/null || { echo "seeds: ffmpeg is missing (make setup)" >&2; exit 1; }

seed() { mkdir -p "corpus/$1" && cat >"corpus/$1/seed-$2"; }
# A fifth of a second of picture and sound. Without x264's settings in an SEI, which are long.
encode() {
    ffmpeg -nostdin -v error -f lavfi -i testsrc=size=64x48:rate=25:duration=0.2 \
        -f lavfi -i sine=duration=0.2 -bsf:v "$filter" "$@" pipe:1
}
filter='filter_units=remove_types=6'
avc='-c:v libx264 -preset ultrafast -g 3 -pix_fmt yuv420p'
encode $avc -bf 2 -c:a aac -f mpegts | seed ts avc-aac
encode $avc -c:a aac -f mpegts -mpegts_flags resend_headers -muxrate 400k | seed ts avc-cbr
encode $avc -c:a mp2 -f mpegts | seed ts avc-mp2
encode -vn -c:a aac -f mpegts | seed ts aac
encode $avc -c:a aac -f flv | tail -c +14 | seed flv_amf avc-aac
encode $avc -an -f h264 | seed h264 annexb
encode -vn -c:a libopus -f ogg | seed webrtc ogg
printf '\000\001\000\014\041\022\244\102tttttttttttt\000\006\000\005ab:cd\000\000\000' | seed webrtc stun
printf 'a=ice-ufrag:EsAw\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n' | seed webrtc fragment
encode -vn -c:a aac -f adts | { cat; printf '\003'; } | seed hevc_aac adts
filter='filter_units=remove_types=39-40'
hevc='-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=3 -pix_fmt yuv420p'
encode $hevc -c:a aac -f mpegts | seed ts hevc-aac
encode $hevc -an -f hevc | { cat; printf '\000'; } | seed hevc_aac annexb

# AudioSpecificConfigs: LC; SBR and PS ahead of the core; SBR behind it.
printf '\022\020\002' | seed hevc_aac asc-lc
printf '\353\012\010\000\002' | seed hevc_aac asc-ps
printf '\023\220\126\345\240\002' | seed hevc_aac asc-sbr
# Type 0 and type 3 chunks of one message, a new chunk size, an abort, a call.
printf '\002\000\000\000\000\000\004\001\000\000\000\000\000\000\020\000' | seed rtmp_chunks size
printf '\003\000\000\000\000\000\031\024\000\000\000\000\002\000\007connect\000\077\360\000\000\000\000\000\000\003\000\000\011\000' | seed rtmp_chunks call
printf '\004\377\377\377\000\000\002\010\001\000\000\000\001\000\000\000\257\001\304\001\000\000\000\257\001\000' | seed rtmp_chunks extended
# onMetaData in AMF0; an AMF3 object.
printf '\002\000\012onMetaData\010\000\000\000\001\000\005width\000\100\120\000\000\000\000\000\000\000\000\011' | seed flv_amf metadata
printf '\006\003a\012\013\001\007key\004\001\001\021\012\043\003C\003a\006\000' | seed flv_amf amf3

# Pictures one behind the other, and as the parts of a body.
ffmpeg -nostdin -v error -f lavfi -i testsrc=size=16x16 -frames:v 2 -c:v mjpeg -f mjpeg pipe:1 | { cat; printf '\100'; } | seed pictures run
ffmpeg -nostdin -v error -f lavfi -i testsrc=size=16x16 -frames:v 2 -c:v mjpeg -f mpjpeg -boundary_tag b pipe:1 | { cat; printf '\100'; } | seed pictures parts
printf -- '--b\r\nContent-Disposition: form-data; name="frame"\r\n\r\nx\r\n--b--\r\n\003' | seed pictures form

for text in 'publish:live/cam1' 'read:live/cam1:joe:token:query' '#!::r=live/cam1,m=publish,u=joe,s=token' \
    'udp://239.0.0.1:5000?interface=eth0&ttl=4&loop=0' 'rtmp://host:1935/live/key?token=1' 'file:///a/%Y%m%d-%H%M%S.ts' \
    'https://u:p@h/x/index.m3u8?k=1' 'fd00::/8' 'live/*/a live/b/a' \
    'srt://[::1]:9000?mode=listener&latency=200&passphrase=0123456789&pbkeylen=32&streamid=publish:a&timeout=500'; do
    printf '%s' "$text" | seed stream_id_and_urls "$(printf '%s' "$text" | cksum | cut -d' ' -f1)"
done
seed site site.json <<'JSON'
{"policies":[{"kind":"routing","plugin":"p"}],"inputs":[{"name":"a","sources":[{"type":"udp","address":"0.0.0.0:1"}],"outputs":[{"name":"o","url":"rtmp://h/a/b"}],"labels":{}}]}
JSON
seed site schedule.json <<'JSON'
{"inputs":[{"name":"a/b","sources":[{"type":"publish"},{"type":"srt","url":"srt://127.0.0.1:9000?mode=listener"}],"outputs":[{"name":"o","url":"udp://127.0.0.1:6000","enabled":false,"schedule":{"time_zone":"Europe/Berlin","recurring":[{"start":"0 8 * * MON-FRI","duration_s":3600}]}}]}]}
JSON
# Built from what the fuzzer makes up: there is no file format to take seeds from.
mkdir -p corpus/ts_units corpus/rtmp_session corpus/rtsp corpus/rtp
touch corpus/.seeded
