//! Ctrl-C.

use peers::ffmpeg::{Codec, Reader, publish};
use peers::{Demo, Host, until};

#[test]
fn ctrl_c_ends_the_demo_and_its_camera_within_three_seconds() {
    let demo = Demo::start();
    until("the demo's picture is on air", || {
        let view = demo.http.json("/api/v1/streams/demo");
        view.is_some_and(|view| view["bitrate_bps"].as_u64() > Some(0))
    });
    let children = demo.children();
    assert!(
        children.iter().any(|child| child.name == "ffmpeg"),
        "{children:?}"
    );
    demo.stop_at_once();
}

#[test]
fn ctrl_c_ends_a_host_with_publishers_and_readers_within_three_seconds() {
    let host = Host::start("");
    let _by_rtmp = publish(Codec::H264, &host.rtmp_url("live/a"));
    let _by_srt = publish(Codec::H264, &host.srt_url("publish:live/b"));
    host.await_on_air("live/a");
    host.await_on_air("live/b");
    let urls = [
        host.rtmp_url("live/b"),
        host.srt_url("read:live/a"),
        host.hls_url("live/a"),
    ];
    let mut readers = urls.map(|url| Reader::start(&url, 60));
    readers.iter_mut().for_each(Reader::await_picture);
    host.stop_at_once();
}
