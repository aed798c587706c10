//! GStreamer: its own decoders and encoders, by `gst-launch-1.0`.

use crate::cell::{Media, Seen, Way};
use crate::judge::{self, SECONDS};
use crate::studio::{Studio, stream};
use peers::ffmpeg::{Build, Reader};
use peers::{Peer, ports};
use std::time::Duration;

/// Plays the studio's stream into a file of JPEG and PCM, whose timestamps are those that
/// GStreamer shows pictures and sound at.
pub(crate) fn plays(studio: &Studio, way: Way, media: Media) -> Result<Seen, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("played.mkv");
    let (port, sound) = (ports::free(), way != Way::Mjpeg);
    let source = match way {
        Way::Udp => demuxed(&datagrams(port), "tsdemux", media),
        Way::Mjpeg => {
            let url = studio.play_url(way, stream(media));
            let parts = format!("souphttpsrc location={url} is-live=true do-timestamp=true");
            vec![format!(
                "{parts} ! multipartdemux single-stream=true ! jpegdec"
            )]
        }
        _ => source(way, &studio.play_url(way, stream(media)), media),
    };
    // One second more than is judged.
    let [pictures, samples] = [25, 50].map(|a_second| a_second * (SECONDS + 1));
    let mut line = format!(
        "gst-launch-1.0 {} ! identity eos-after={pictures} ! videoconvert ! jpegenc ! queue ! m.",
        source[0]
    );
    if let Some(source) = source.get(1) {
        line += &format!(
            " {source} ! identity eos-after={samples} ! audioconvert ! \
             audio/x-raw,format=S16LE ! queue ! m."
        );
    }
    line += &format!(" matroskamux name=m ! filesink location={}", file.display());
    let player = Peer::start(&line);
    let _publisher = (way == Way::Udp).then(|| {
        ports::until_listened(port);
        studio.send_to(port, media)
    });
    let ended = player.wait(Duration::from_secs(40));
    if !ended.status.success() {
        return Err(ended.said.join(" | "));
    }
    let file = file.to_str().expect("UTF-8");
    let reader = match sound {
        true => Reader::by(Build::System, "", file, SECONDS),
        false => Reader::of_pictures(Build::System, "", file, SECONDS),
    };
    match way {
        // Sources that are live slave what comes to the pipeline's clock, and sound begins within
        // a frame behind a transport stream's first picture.
        Way::Udp | Way::Srt | Way::RtspTcp | Way::RtspUdp | Way::TsHttp | Way::Mjpeg => {
            judge::of_counts(reader, way)
        }
        _ => judge::of_reader(reader, way),
    }
}

fn datagrams(port: u16) -> String {
    let caps = "caps=video/mpegts,systemstream=true,packetsize=188";
    format!("udpsrc address=127.0.0.1 port={port} {caps}")
}

/// Where decoded pictures come from, and where sound does.
fn source(way: Way, url: &str, media: Media) -> Vec<String> {
    match way {
        Way::Srt => demuxed(&format!("srtsrc uri={url}"), "tsdemux", media),
        Way::Rtmp => demuxed(&format!("rtmp2src location={url}"), "flvdemux", media),
        Way::Mp4 => demuxed(&format!("souphttpsrc location={url}"), "qtdemux", media),
        Way::TsHttp => demuxed(&format!("souphttpsrc location={url}"), "tsdemux", media),
        Way::RtspTcp | Way::RtspUdp => {
            let protocol = if way == Way::RtspTcp { "tcp" } else { "udp" };
            let (video, audio) = decoders(media);
            let [depay_video, depay_audio] = payloads(media);
            vec![
                format!(
                    "rtspsrc location={url} protocols={protocol} latency=200 name=d \
                     d. ! queue ! {depay_video} ! {video}"
                ),
                format!("d. ! queue ! {depay_audio} ! {audio}"),
            ]
        }
        Way::HlsTs => demuxed(
            &format!("souphttpsrc location={url} ! hlsdemux"),
            "tsdemux",
            media,
        ),
        // Whoever plays these with GStreamer leaves it to this what is in them.
        _ => vec![
            format!("uridecodebin3 uri={url} name=d d. ! queue ! video/x-raw"),
            "d. ! queue ! audio/x-raw".to_owned(),
        ],
    }
}

fn demuxed(source: &str, demuxer: &str, media: Media) -> Vec<String> {
    let (video, audio) = decoders(media);
    vec![
        format!("{source} ! {demuxer} name=d d. ! queue ! {video}"),
        format!("d. ! queue ! {audio}"),
    ]
}

const fn decoders(media: Media) -> (&'static str, &'static str) {
    const AAC: &str = "aacparse ! avdec_aac";
    match media {
        Media::H264Opus => ("h264parse ! avdec_h264", "opusparse ! opusdec"),
        Media::HevcAac => ("h265parse ! avdec_h265", AAC),
        Media::Av1Aac => ("av1parse ! av1dec", AAC),
        _ => ("h264parse ! avdec_h264", AAC),
    }
}

const fn payloads(media: Media) -> [&'static str; 2] {
    match media {
        Media::H264Opus => ["rtph264depay", "rtpopusdepay"],
        Media::HevcAac => ["rtph265depay", "rtpmp4gdepay"],
        _ => ["rtph264depay", "rtpmp4gdepay"],
    }
}

/// Encodes the clapper and publishes it as a stream of its own.
pub(crate) fn publishes(studio: &Studio, way: Way, media: Media) -> Result<Seen, String> {
    let name = studio.name();
    let url = studio.publish_url(way, &name);
    let (video, audio) = encoders(media);
    let to = match way {
        Way::Udp => {
            let (_, port) = url.rsplit_once(':').expect("udp://HOST:PORT");
            format!("mpegtsmux alignment=7 name=mux ! udpsink host=127.0.0.1 port={port}")
        }
        Way::Srt => format!("mpegtsmux alignment=7 name=mux ! srtsink uri={url}"),
        Way::Rtmp => format!("flvmux streamable=true name=mux ! rtmp2sink location={url}"),
        Way::RtspTcp => format!("rtspclientsink name=mux protocols=tcp location={url}"),
        Way::RtspUdp => format!("rtspclientsink name=mux protocols=udp location={url}"),
        Way::Mjpeg => format!(
            "multipartmux boundary=gst name=mux ! curlhttpsink location={url} \
             content-type=multipart/x-mixed-replace;boundary=gst"
        ),
        other => panic!("nobody publishes over {other}"),
    };
    let mut line = format!(
        "gst-launch-1.0 {to} filesrc location={} ! matroskademux name=f \
         f. ! queue ! jpegdec ! videoconvert ! identity sync=true ! {video} ! queue ! mux.",
        studio.master().display()
    );
    if let Some(audio) = audio {
        line += " f. ! queue ! audioconvert ! audioresample ! identity sync=true ! ";
        line += &format!("{audio} ! queue ! mux.");
    }
    let _publisher = Peer::start(&line);
    // Its AAC encoder's delay of one frame (21 ms) is in no timestamp, its FLV muxer bends times, and
    // its tracks of RTSP are aligned from the first sender reports on, which come after some seconds.
    judge::of_published_counts(studio, &name, media)
}

const fn encoders(media: Media) -> (&'static str, Option<&'static str>) {
    const H264: &str = "video/x-raw,format=I420 ! x264enc tune=zerolatency \
         speed-preset=ultrafast key-int-max=25 ! h264parse config-interval=-1";
    const HEVC: &str = "video/x-raw,format=I420 ! x265enc tune=zerolatency \
         speed-preset=ultrafast key-int-max=25 ! h265parse config-interval=-1";
    const AAC: &str = "avenc_aac ! aacparse";
    match media {
        Media::H264Opus => (H264, Some("opusenc ! opusparse")),
        Media::HevcAac => (HEVC, Some(AAC)),
        Media::Jpeg => ("jpegenc", None),
        _ => (H264, Some(AAC)),
    }
}
