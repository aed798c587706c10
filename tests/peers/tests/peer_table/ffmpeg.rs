//! FFmpeg, old and new.

use crate::cell::{Media, Seen, Way};
use crate::judge::{self, SECONDS};
use crate::studio::{Studio, stream};
use peers::ffmpeg::{Build, Reader, publish_by, publish_jpeg};
use peers::ports;

/// Of the host's segments.
const SEGMENT_SECONDS: u32 = 2;

/// The studio's stream.
pub(crate) fn plays(build: Build, studio: &Studio, way: Way, media: Media) -> Result<Seen, String> {
    let stream = stream(media);
    let options = match way {
        Way::RtspTcp => "-rtsp_transport tcp",
        Way::RtspUdp => "-rtsp_transport udp",
        Way::Mjpeg => "-f mpjpeg",
        Way::Rtmp if build == Build::Newest => judge::ENHANCED_RTMP,
        _ => "",
    };
    if way == Way::Udp {
        let port = ports::free();
        let reader = Reader::by(build, "", &format!("udp://127.0.0.1:{port}"), SECONDS);
        let _publisher = studio.send_to(port, media);
        return judge::of_reader(reader, way);
    }
    let url = studio.play_url(way, stream);
    let reader = match way {
        Way::Mjpeg => Reader::of_pictures(build, options, &url, SECONDS),
        // It begins a number of segments before the end of each track, and may begin one earlier in
        // the sound.
        Way::Hls | Way::Dash => Reader::by(build, options, &url, SECONDS + SEGMENT_SECONDS),
        _ => Reader::by(build, options, &url, SECONDS),
    };
    judge::of_reader(reader, way)
}

/// A stream of its own.
pub(crate) fn publishes(
    build: Build,
    studio: &Studio,
    way: Way,
    media: Media,
) -> Result<Seen, String> {
    let name = studio.name();
    let url = studio.publish_url(way, &name);
    let options = match way {
        Way::RtspTcp => "-rtsp_transport tcp",
        Way::RtspUdp => "-rtsp_transport udp",
        _ => "",
    };
    let _publisher = match media.codecs() {
        Some(codecs) => publish_by(build, codecs, &url, options),
        None => publish_jpeg(build, &url),
    };
    judge::of_published(studio, &name, media)
}
