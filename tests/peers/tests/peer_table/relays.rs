//! Programs that pass on what they get: nginx-rtmp and srt-live-transmit.

use crate::cell::{Media, Seen, Way};
use crate::judge::{self, SECONDS};
use crate::studio::{Studio, stream};
use peers::ffmpeg::{Build, Reader, publish_by};
use peers::{Nginx, Peer, ports};

/// nginx takes the host's push, and FFmpeg plays it there.
pub(crate) fn nginx_plays(studio: &Studio, media: Media) -> Result<Seen, String> {
    let nginx = Nginx::start();
    let url = nginx.url("pushed");
    let _publisher = studio.push_to(&url, media);
    judge::of_reader(Reader::start(&url, SECONDS), Way::Rtmp)
}

/// srt-live-transmit reads from the host, and FFmpeg plays its datagrams.
pub(crate) fn transmit_plays(studio: &Studio, media: Media) -> Result<Seen, String> {
    let port = ports::free();
    let reader = Reader::start(&format!("udp://127.0.0.1:{port}"), SECONDS);
    let url = studio.play_url(Way::Srt, stream(media));
    let _down = Peer::start(&format!("{TRANSMIT} {url} udp://127.0.0.1:{port}"));
    judge::of_reader(reader, Way::Srt)
}

/// srt-live-transmit publishes what FFmpeg sends it.
pub(crate) fn transmit_publishes(studio: &Studio, media: Media) -> Result<Seen, String> {
    let (name, port) = (studio.name(), ports::free());
    let url = studio.publish_url(Way::Srt, &name);
    let _up = Peer::start(&format!("{TRANSMIT} udp://127.0.0.1:{port} {url}"));
    ports::until_listened(port);
    let codecs = media.codecs().expect("a transport stream");
    let _publisher = publish_by(
        Build::System,
        codecs,
        &format!("udp://127.0.0.1:{port}"),
        "",
    );
    judge::of_published(studio, &name, media)
}

const TRANSMIT: &str = "srt-live-transmit -chunk:1316 -loglevel:error";
