//! The host's own page in Chromium. What players on other sites play is `peer_table`'s.

use peers::browser::Browser;
use peers::ffmpeg::{Codec, publish};
use peers::{Host, until_some};
use serde_json::Value;

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
