//! hls.js in Chromium.

use peers::browser::{Browser, Site};
use peers::ffmpeg::{Codec, publish};
use peers::{Host, until_some};
use serde_json::Value;

/// A page of another site plays a live stream: playlists and segments come with CORS, hls.js
/// makes sense of them, and Chromium decodes picture and sound.
#[test]
fn hls_js_plays_in_a_page_of_another_site() {
    let host = Host::start("");
    let _publisher = publish(Codec::H264, &host.rtmp_url("live/cam"));
    host.await_on_air("live/cam");
    let script = format!("{}/ui/hls.min.js", host.http.base);
    let site = Site::serve(&script, &host.hls_url("live/cam"));
    let _browser = Browser::open(&site.url);
    let (first, last) = until_some("the page plays for six seconds", || {
        let reports = site.reports();
        for report in &reports {
            assert_eq!(report["fatal"], Value::Array(Vec::new()), "{report}");
        }
        let first = reports.iter().find(|report| seconds(report) > 0.0)?.clone();
        let last = reports.last()?.clone();
        (seconds(&last) - seconds(&first) >= 6.0).then_some((first, last))
    });
    let decoded = |report: &Value| report["frames"].as_u64().unwrap_or_default();
    // 150 frames in six seconds; a software decoder on a busy machine may skip some.
    assert!(decoded(&last) - decoded(&first) >= 120, "{first} {last}");
    assert_eq!(last["width"], 320);
    assert!(
        last["audio_bytes"].as_u64().unwrap_or_default() > 10_000,
        "{last}"
    );
    host.stop();
}

fn seconds(report: &Value) -> f64 {
    report["time"].as_f64().unwrap_or_default()
}

/// The host's own page loads, allows itself what it needs, and plays: one viewer goes on
/// fetching segments. (Playback that fails is begun again, as another viewer.)
#[test]
fn the_player_page_plays() {
    let host = Host::start("");
    let _publisher = publish(Codec::H264, &host.srt_url("publish:live/cam"));
    host.await_on_air("live/cam");
    let _browser = Browser::open(&format!("{}/", host.http.base));
    until_some("the page fetches for eight seconds", || {
        let view = host.http.json("/api/v1/streams/live/cam")?;
        let viewers = view["viewers"].as_array()?.clone();
        let steady = |viewer: &Value| {
            viewer["protocol"] == "hls"
                && viewer["uptime_ms"].as_u64() > Some(8_000)
                && viewer["bytes"].as_u64() > Some(60_000)
        };
        viewers.iter().any(steady).then_some(())
    });
    host.stop();
}
