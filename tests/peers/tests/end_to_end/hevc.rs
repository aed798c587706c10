//! HEVC goes where H.264 goes.

use peers::ffmpeg::{Codec, Reader, publish};
use peers::{Host, ports};

const SECONDS: u32 = 6;

/// FFmpeg 5.1 does not read HEVC over RTMP, so a second host does: the first one pushes to it
/// (enhanced RTMP), and what it makes of that is read from it over SRT and HLS.
#[test]
fn hevc_over_udp_and_srt_reaches_srt_udp_hls_and_by_rtmp_another_host() {
    let far = Host::start("");
    let udp_in = ports::free();
    let udp_out = ports::free();
    let near = Host::start(&format!(
        "[[inputs]]\nname = \"live/udp\"\nsources = [{{ type = \"udp\", address = \"127.0.0.1:{udp_in}\" }}]\n\
         outputs = [{{ name = \"far\", url = \"{}\" }}, {{ name = \"out\", url = \"udp://127.0.0.1:{udp_out}\" }}]\n",
        far.rtmp_url("far/udp"),
    ));
    let datagrams = Reader::start(&format!("udp://127.0.0.1:{udp_out}"), SECONDS);
    let _by_udp = publish(Codec::Hevc, &format!("udp://127.0.0.1:{udp_in}"));
    let _by_srt = publish(Codec::Hevc, &near.srt_url("publish:live/srt"));
    for stream in ["live/udp", "live/srt"] {
        assert_eq!(near.await_on_air(stream)["video"]["codec"], "hevc");
    }
    assert_eq!(far.await_on_air("far/udp")["video"]["codec"], "hevc");
    let readers = [
        ("udp to srt", near.srt_url("read:live/udp")),
        ("udp to hls", near.hls_url("live/udp")),
        ("srt to srt", near.srt_url("read:live/srt")),
        ("udp to rtmp to srt", far.srt_url("read:far/udp")),
        ("udp to rtmp to hls", far.hls_url("far/udp")),
    ]
    .map(|(pair, url)| (pair, Reader::start(&url, SECONDS)));
    for (pair, reader) in readers {
        reader.assert_clean(&format!("hevc, {pair}"));
    }
    datagrams.assert_clean("hevc, udp to udp");
    near.stop();
    far.stop();
}
