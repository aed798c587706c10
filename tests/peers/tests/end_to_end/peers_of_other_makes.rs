//! GStreamer from one protocol to another, and nginx-rtmp where a plugin pushes to it. What each
//! peer plays and publishes is `peer_table`'s.

use peers::ffmpeg::{Codec, Reader, publish};
use peers::{Host, Nginx, Peer, until};
use serde_json::Value;
use std::time::Duration;

const SECONDS: u32 = 5;

/// A picture and a tone of GStreamer's own, in live time.
fn gstreamer_publishes(muxer: &str, sink: &str, url: &str) -> Peer {
    let video = "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! \
                 openh264enc gop-size=25 ! h264parse ! queue";
    let audio =
        "audiotestsrc is-live=true ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! queue ! mux.";
    let (sink, place) = sink.split_once(' ').unwrap_or((sink, "location"));
    Peer::start(&format!(
        "gst-launch-1.0 {video} ! {muxer} name=mux ! {sink} {place}={url} {audio}"
    ))
}

/// Decodes a hundred pictures and as much sound, and ends; or fails.
fn gstreamer_plays(source: &str, demuxer: &str) -> Peer {
    Peer::start(&format!(
        "gst-launch-1.0 {source} ! {demuxer} name=demux \
         demux. ! queue ! h264parse ! avdec_h264 ! identity eos-after=100 ! fakesink \
         demux. ! queue ! aacparse ! avdec_aac ! identity eos-after=180 ! fakesink"
    ))
}

fn assert_played(player: Peer, who: &str) {
    let ended = player.wait(Duration::from_secs(25));
    assert!(ended.status.success(), "{who}: {}", ended.said.join("\n"));
}

#[test]
fn gstreamer_publishes_and_plays_over_rtmp_and_srt() {
    let host = Host::start("");
    let _by_rtmp = gstreamer_publishes(
        "flvmux streamable=true",
        "rtmp2sink",
        &host.rtmp_url("live/rtmp"),
    );
    let _by_srt = gstreamer_publishes(
        "mpegtsmux alignment=7",
        "srtsink uri",
        &host.srt_url("publish:live/srt"),
    );
    for stream in ["live/rtmp", "live/srt"] {
        let view = host.await_on_air(stream);
        assert_eq!(view["video"]["codec"], "h264", "{view:#}");
        assert_eq!(view["audio"]["codec"], "aac", "{view:#}");
    }
    let players = [
        (
            "rtmp to srt",
            format!("srtsrc uri={}", host.srt_url("read:live/rtmp")),
            "tsdemux",
        ),
        (
            "srt to rtmp",
            format!("rtmp2src location={}", host.rtmp_url("live/srt")),
            "flvdemux",
        ),
        (
            "srt to srt",
            format!("srtsrc uri={}", host.srt_url("read:live/srt")),
            "tsdemux",
        ),
    ]
    .map(|(who, source, demuxer)| (who, gstreamer_plays(&source, demuxer)));
    assert_srt_figures_of_publisher_and_reader(&host, "live/srt");
    // Not the other stream: flvmux bends timestamps of pictures that come to it late.
    let reader = Reader::start(&host.rtmp_url("live/srt"), SECONDS);
    for (who, player) in players {
        assert_played(player, who);
    }
    let (take, complaints) = reader.finish();
    let faults = take.gaps(f64::from(SECONDS));
    assert!(
        faults.is_empty() && complaints.is_empty(),
        "{take} {faults:?} {complaints:?}"
    );
    host.stop();
}

fn assert_srt_figures_of_publisher_and_reader(host: &Host, stream: &str) {
    let has_figures = |connection: &Value| {
        let srt = &connection["srt"];
        srt["rtt_ms"].as_f64().is_some_and(|rtt| rtt > 0.0)
            && srt["packets"].as_u64().is_some_and(|packets| packets > 100)
            && srt["lost_packets"] == 0
    };
    until("SRT figures of the publisher and of a reader", || {
        let view = host.http.json(&format!("/api/v1/streams/{stream}"));
        view.is_some_and(|view| {
            let viewers = view["viewers"].as_array();
            has_figures(&view["sources"][0])
                && viewers.is_some_and(|all| all.iter().any(has_figures))
        })
    });
}

#[test]
fn nginx_takes_a_push_that_the_plugin_asks_for_and_ffmpeg_reads_it_there() {
    let nginx = Nginx::start();
    let host = Host::start(&format!(
        "[[policies]]\nkind = \"routing\"\nplugin = \"fanout\"\nconfig = {{ rules = [{{ streams = \"live/*\", \
         outputs = [{{ name = \"nginx\", url = \"{}\" }}] }}] }}\n",
        nginx.url("{name}"),
    ));
    let _publisher = publish(Codec::H264, &host.srt_url("publish:live/cam"));
    host.await_on_air("live/cam");
    peers::until("the push is live", || {
        let view = host.http.json("/api/v1/streams/live/cam");
        view.is_some_and(|view| view["outputs"][0]["state"] == "live")
    });
    Reader::start(&nginx.url("cam"), SECONDS).assert_clean("by way of nginx");
    host.stop();
}
