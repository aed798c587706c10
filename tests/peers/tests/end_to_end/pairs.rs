//! Every transport in, every transport out, while the routing plugin is replaced.

use peers::ffmpeg::{Codec, Reader, publish};
use peers::{Host, ports, product};
use std::thread;
use std::time::Duration;

/// Seconds of media that each reader decodes.
const SECONDS: u32 = 8;

/// Components that the plugin is replaced by in turn. They are compiled before media flows: a
/// compiler has the lowest priority and gets what the other tests leave, which may be little.
const VARIANTS: u32 = 4;

/// The pause between two swaps.
const SWAP_EVERY: Duration = Duration::from_millis(100);

/// The publishers: where each sends its stream, given the host.
type Publisher = (&'static str, fn(&Host, udp_in: u16) -> String);

const PUBLISHERS: [Publisher; 3] = [
    ("udp", |_, port| format!("udp://127.0.0.1:{port}")),
    ("srt", |host, _| host.srt_url("publish:live/srt")),
    ("rtmp", |host, _| host.rtmp_url("live/rtmp")),
];

/// The readers: where each reads a stream from, given the host.
type Source = (&'static str, fn(&Host, stream: &str) -> String);

/// Beside UDP, which must listen before the stream is there.
const READERS: [Source; 3] = [
    ("srt", |host, stream| {
        host.srt_url(&format!("read:{stream}"))
    }),
    ("rtmp", |host, stream| host.rtmp_url(stream)),
    ("hls", |host, stream| host.hls_url(stream)),
];

/// Twelve pairs: FFmpeg publishes over UDP, SRT and RTMP, and is read over UDP, SRT, RTMP and
/// HLS, four at once. Meanwhile the plugin that routes them is replaced again and again. No
/// reader may miss a frame, nor hear the beep at another time than it sees the flash.
#[test]
fn twelve_pairs_see_and_hear_everything_while_the_plugin_is_replaced() {
    let component = product::fanout();
    let udp_in = ports::free();
    let udp_out = PUBLISHERS.map(|(name, _)| (name, ports::free()));
    let host = Host::start(&config(udp_in, &udp_out));
    let variants: Vec<_> = (1..=VARIANTS)
        .map(|number| product::variant(&component, number))
        .collect();
    for variant in &variants {
        replace(&host, variant);
    }
    for ((name, address), (_, udp_out)) in PUBLISHERS.into_iter().zip(udp_out) {
        let stream = format!("live/{name}");
        let datagrams = Reader::start(&format!("udp://127.0.0.1:{udp_out}"), SECONDS + 4);
        let _publisher = publish(Codec::H264, &address(&host, udp_in));
        host.await_on_air(&stream);
        let mut readers: Vec<_> = READERS
            .map(|(kind, url)| (kind, Reader::start(&url(&host, &stream), SECONDS)))
            .into_iter()
            .collect();
        readers.push(("udp", datagrams));
        let mut swaps = 0;
        for variant in variants.iter().cycle() {
            if !readers.iter_mut().any(|(_, reader)| reader.reads()) {
                break;
            }
            replace(&host, variant);
            swaps += 1;
            thread::sleep(SWAP_EVERY);
        }
        assert!(swaps >= 5, "{name}: only {swaps} swaps");
        for (kind, reader) in readers {
            reader.assert_clean(&format!("{name} to {kind}"));
        }
        let view = host
            .http
            .json(&format!("/api/v1/streams/{stream}"))
            .unwrap();
        assert_eq!(view["decided_by"], "fanout", "{view:#}");
        assert_eq!(view["discontinuities"], 0, "{view:#}");
    }
    assert_srt_is_told(&host, "live/srt", ["publisher", "viewer"]);
    host.stop();
}

/// Each second of every SRT connection can be read afterwards.
fn assert_srt_is_told(host: &Host, stream: &str, roles: [&str; 2]) {
    let path = format!("/api/v1/srt?stream={stream}");
    let told = host.http.json(&path).unwrap();
    let connections = told["connections"].as_array().unwrap();
    for role in roles {
        let one = connections.iter().find(|one| one["role"] == role);
        let samples = one.and_then(|one| one["samples"].as_array());
        let last = samples.and_then(|samples| samples.last());
        let packets = last.and_then(|last| last["srt"]["packets"].as_u64());
        assert!(packets > Some(0), "{role}: {told}");
    }
}

fn replace(host: &Host, component: &[u8]) {
    let (status, answer) = host.http.put_plugin("fanout", component);
    assert_eq!(status, 200, "{answer}");
}

/// One input by UDP; the others come by themselves. The plugin adds a UDP output to each.
fn config(udp_in: u16, udp_out: &[(&str, u16)]) -> String {
    let rules = udp_out.iter().map(|(name, port)| {
        let output = format!("{{ name = \"out\", url = \"udp://127.0.0.1:{port}\" }}");
        format!("{{ streams = \"live/{name}\", outputs = [{output}] }}")
    });
    let rules: Vec<_> = rules.collect();
    format!(
        "[[policies]]\nkind = \"routing\"\nstreams = \"live/*\"\nplugin = \"fanout\"\n\
         config = {{ rules = [{}] }}\n[[inputs]]\nname = \"live/udp\"\n\
         sources = [{{ type = \"udp\", address = \"127.0.0.1:{udp_in}\" }}]\n",
        rules.join(", ")
    )
}
