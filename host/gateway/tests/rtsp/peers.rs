//! Programs of others publish and play.

use crate::support::*;

/// Publishes by FFmpeg one way, plays by FFmpeg both ways; pictures and sound are decoded.
async fn round_trip(transport: &str, video: &[&str], sound: &[&str], codecs: &[&str]) {
    let house = House::start().await;
    let url = house.url("live/stage/a");
    let _publisher = publish(&url, transport, video, sound);
    house.on_air("live/stage/a").await;
    assert_eq!(house.codecs("live/stage/a"), codecs);
    let apart = house.apart_ms("live/stage/a").await;
    assert!(apart.abs() < 500, "sound is {apart} ms beside its pictures");
    for transport in ["tcp", "udp"] {
        let (pictures, samples, complaints) = decoded(&url, transport).await;
        assert!(
            (45..=51).contains(&pictures),
            "{transport}: {pictures} {complaints}"
        );
        assert!(samples > 80_000, "{transport}: {samples} {complaints}");
        assert_eq!(complaints, "", "{transport}");
    }
    until("players to leave", || house.viewers("live/stage/a") == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h264_and_aac_go_in_over_tcp_and_out_both_ways() {
    round_trip("tcp", H264, AAC, &["h264", "aac"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h264_and_opus_go_in_over_udp_and_out_both_ways() {
    round_trip("udp", H264, OPUS, &["h264", "opus"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hevc_and_aac_go_in_over_tcp_and_out_both_ways() {
    round_trip("tcp", HEVC, AAC, &["hevc", "aac"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aac_in_latm_is_taken_in() {
    let latm = [AAC, &["-rtpflags", "latm"]].concat();
    round_trip("tcp", H264, &latm, &["h264", "aac"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_may_take_one_track_only() {
    let house = House::start().await;
    let url = house.url("a");
    let _publisher = publish(&url, "tcp", H264, AAC);
    house.on_air("a").await;
    for transport in ["tcp", "udp"] {
        let args = [
            "-v",
            "error",
            "-nostdin",
            "-rtsp_transport",
            transport,
            "-allowed_media_types",
            "audio",
            "-i",
            &url,
            "-t",
            "1",
            "-f",
            "null",
            "-",
        ];
        let output = run("ffmpeg", &args).await;
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_plays_both_ways() {
    let house = House::start().await;
    let url = house.url("a");
    let _publisher = publish(&url, "tcp", H264, AAC);
    house.on_air("a").await;
    for protocols in ["tcp", "udp"] {
        let location = format!("location={url}");
        let protocols = format!("protocols={protocols}");
        let args = [
            "-q",
            "rtspsrc",
            "name=s",
            &location,
            &protocols,
            "latency=100",
            "s.",
            "!",
            "rtph264depay",
            "!",
            "avdec_h264",
            "!",
            "fakesink",
            "num-buffers=40",
            "sync=false",
            "s.",
            "!",
            "rtpmp4gdepay",
            "!",
            "avdec_aac",
            "!",
            "fakesink",
            "num-buffers=40",
            "sync=false",
        ];
        let output = run("gst-launch-1.0", &args).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && !told.contains("ERROR"),
            "{protocols}: {told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_publishes_both_ways() {
    for protocols in ["tcp", "udp"] {
        let house = House::start().await;
        let location = format!("location={}", house.url("a"));
        let protocols = format!("protocols={protocols}");
        let args = [
            "-q",
            "videotestsrc",
            "is-live=true",
            "!",
            "video/x-raw,format=I420,width=320,height=180,framerate=25/1",
            "!",
            "x264enc",
            "tune=zerolatency",
            "speed-preset=ultrafast",
            "key-int-max=25",
            "!",
            "rtspclientsink",
            "name=s",
            &location,
            &protocols,
            "audiotestsrc",
            "is-live=true",
            "!",
            "opusenc",
            "!",
            "s.",
        ];
        let _publisher = spawn("gst-launch-1.0", &args.map(str::to_owned));
        house.on_air("a").await;
        until("both tracks", || house.codecs("a").len() == 2).await;
        let (pictures, samples, complaints) = decoded(&house.url("a"), "tcp").await;
        assert!(pictures >= 40, "{protocols}: {pictures} {complaints}");
        assert!(samples > 60_000, "{protocols}: {samples} {complaints}");
    }
}
