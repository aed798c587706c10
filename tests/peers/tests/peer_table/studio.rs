//! A host, and what is on air there for all who play.

use crate::cell::{Media, Way};
use peers::ffmpeg::{self, Build};
use peers::{Host, Peer, ports, until_some};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Longer than any cell takes.
const MASTER_SECONDS: u32 = 40;

/// A host with one stream of each kind.
#[derive(Debug)]
pub(crate) struct Studio {
    pub(crate) host: Host,
    /// How many names were given away.
    names: AtomicU32,
    folder: TempDir,
    _publishers: Vec<Peer>,
}

impl Studio {
    /// Everything is on air when this returns.
    pub(crate) fn open() -> Self {
        let inputs = Media::ALL.map(|media| {
            let name = stream(media);
            format!("[[inputs]]\nname = \"{name}\"\nsources = [{{ type = \"publish\" }}]\n")
        });
        // Pictures of video at the rate of the clapper, to be judged by it.
        let host = Host::start(&format!("{}[mjpeg]\nview_fps = 25\n", inputs.concat()));
        let publishers = Media::ALL.map(|media| on_air(&host, media, stream(media)));
        let studio = Self {
            host,
            names: AtomicU32::new(0),
            folder: tempfile::tempdir().expect("a folder"),
            _publishers: publishers.into(),
        };
        ffmpeg::master(&studio.master(), MASTER_SECONDS);
        for media in Media::ALL {
            studio.await_stream(stream(media), media);
        }
        studio
    }

    /// The clapper in JPEG and PCM, for whoever encodes it himself.
    pub(crate) fn master(&self) -> PathBuf {
        self.folder.path().join("master.mkv")
    }

    /// A name that nobody has.
    pub(crate) fn name(&self) -> String {
        format!("in/{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Where that stream is played; not over UDP.
    pub(crate) fn play_url(&self, way: Way, stream: &str) -> String {
        let base = &self.host.http.base;
        match way {
            Way::Srt => self.host.srt_url(&format!("read:{stream}")),
            Way::Rtmp => self.host.rtmp_url(stream),
            Way::RtspTcp | Way::RtspUdp => self.host.rtsp_url(stream),
            Way::Hls => self.host.hls_url(stream),
            Way::HlsTs => format!("{base}/hls/{stream}/ts.m3u8"),
            Way::Dash => format!("{base}/dash/{stream}/manifest.mpd"),
            Way::Mp4 => format!("{base}/live/{stream}.mp4"),
            Way::Mp4Socket => format!("{}/live/{stream}.mp4", base.replace("http:", "ws:")),
            Way::TsHttp => format!("{base}/live/{stream}.ts"),
            Way::TsSocket => format!("{}/live/{stream}.ts", base.replace("http:", "ws:")),
            Way::Mjpeg => format!("{base}/stream/{stream}"),
            Way::WebRtc => format!("{base}/whep/{stream}"),
            Way::Udp => panic!("the host sends datagrams where it is told to"),
        }
    }

    /// Where that stream is published.
    pub(crate) fn publish_url(&self, way: Way, stream: &str) -> String {
        let base = &self.host.http.base;
        match way {
            Way::Srt => self.host.srt_url(&format!("publish:{stream}")),
            Way::Udp => self.listen(stream),
            Way::Mjpeg => format!("{base}/publish/{stream}"),
            Way::WebRtc => format!("{base}/whip/{stream}"),
            other => self.play_url(other, stream),
        }
    }

    /// Puts a stream of its own on air that goes to that port, where somebody listens from its first
    /// picture on.
    pub(crate) fn send_to(&self, port: u16, media: Media) -> Peer {
        self.push_to(&format!("udp://127.0.0.1:{port}"), media)
    }

    /// The same for any address.
    pub(crate) fn push_to(&self, url: &str, media: Media) -> Peer {
        let name = self.name();
        let output = json!({ "name": "out", "url": url });
        let sources = json!([{ "type": "publish" }]);
        self.declare(&name, &json!({ "sources": sources, "outputs": [output] }));
        on_air(&self.host, media, &name)
    }

    fn declare(&self, stream: &str, input: &Value) {
        let mut input = input.clone();
        input["name"] = stream.into();
        let (status, answer) = self.host.http.post_json("/api/v1/inputs", &input);
        assert_eq!(status, 201, "{answer}");
    }

    /// Has the host listen for a stream over UDP; where.
    fn listen(&self, stream: &str) -> String {
        let port = ports::free();
        let source = json!({ "type": "udp", "address": format!("127.0.0.1:{port}") });
        self.declare(stream, &json!({ "sources": [source] }));
        ports::until_listened(port);
        format!("udp://127.0.0.1:{port}")
    }

    /// Waits until a stream's tracks are known and media flows.
    pub(crate) fn await_stream(&self, stream: &str, media: Media) -> Value {
        until_some(&format!("{stream} is on air"), || {
            let view = self.host.http.json(&format!("/api/v1/streams/{stream}"))?;
            let sound = media == Media::Jpeg || !view["audio"].is_null();
            let known = sound && !view["video"].is_null();
            (known && view["bitrate_bps"].as_u64()? > 0).then_some(view)
        })
    }
}

/// The name of what is on air for all.
pub(crate) fn stream(media: Media) -> &'static str {
    match media {
        Media::H264Aac => "live/h264-aac",
        Media::H264Opus => "live/h264-opus",
        Media::HevcAac => "live/hevc-aac",
        Media::Av1Aac => "live/av1-aac",
        Media::Vp9Aac => "live/vp9-aac",
        Media::Jpeg => "live/jpeg",
    }
}

fn on_air(host: &Host, media: Media, name: &str) -> Peer {
    match (media, media.codecs()) {
        (Media::Av1Aac | Media::Vp9Aac, Some(codecs)) => {
            ffmpeg::publish_by(Build::Newest, codecs, &host.rtmp_url(name), "")
        }
        (_, Some(codecs)) => {
            let url = host.srt_url(&format!("publish:{name}"));
            ffmpeg::publish_by(Build::System, codecs, &url, "")
        }
        (_, None) => {
            let url = format!("{}/publish/{name}", host.http.base);
            ffmpeg::publish_jpeg(Build::System, &url)
        }
    }
}
