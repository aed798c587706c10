//! Inputs: what is wanted of them, where to send to them, and how they fare.

use super::MASK;
use super::addresses::{Addresses, Watch};
use super::output::OutputView;
use control::desired::{Fault, Faults};
use control::view::StreamView;
use model::encode::EncodeSpec;
use model::endpoint::{SrtMode, redact};
use model::{Endpoint, HlsSpec, InputSpec, SourceSpec};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use utoipa::ToSchema;

/// A declared input.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InputView {
    /// Names it in paths; the same as its name.
    #[schema(example = "live/cam1")]
    id: String,
    /// The stream's name.
    #[schema(example = "live/cam1")]
    name: String,
    /// Candidate sources, best first, allotted ports filled in. Secrets are shown as `***`, and
    /// kept when they are sent back so.
    #[schema(value_type = Vec<Object>, example = json!([{"type": "udp", "address": "127.0.0.1:5000"}]))]
    sources: Vec<SourceSpec>,
    /// Where it is sent, and how that goes.
    outputs: Vec<OutputView>,
    /// Set: its UDP and SRT sources carry the same transport stream, at most so many milliseconds
    /// apart, and are merged.
    merge_ms: Option<u32>,
    /// Set: a source whose picture has not moved for so long counts as one that does not deliver.
    freeze_ms: Option<u32>,
    /// Set: the same of a source that shows nothing but black.
    black_ms: Option<u32>,
    /// Set: the renditions that are made of it, each a stream `NAME@RENDITION`: `ladder` (`standard`:
    /// 1080, 720 and 480 lines, `mobile`, `uhd`) or `renditions` (each `name`, `height`, `video_kbps`),
    /// `hardware` (`auto`, `cpu`, `nvidia`, `vaapi`), `key_frame_ms` (500 to 10000), `audio`.
    #[schema(value_type = Option<Object>, example = json!({"ladder": "standard"}))]
    encode: Option<EncodeSpec>,
    /// How it is packaged for viewers over HTTP, where that differs from the host's own way: `form`
    /// (`cmaf`, `ts`), `window_s` (0 to 43200), `key_rotation` (0: in the clear; else AES-128 with a
    /// new key every so many segments, 1 to 1000).
    #[schema(value_type = Option<Object>, example = json!({"window_s": 600}))]
    hls: Option<HlsSpec>,
    /// For policies to read.
    labels: BTreeMap<String, String>,
    /// Where to send to it: one entry for each source that waits for a sender, and protocol.
    send: Vec<SendTo>,
    /// Where to watch it.
    #[schema(value_type = Object, example = json!({"hls": "/hls/live/cam1/index.m3u8"}))]
    watch: Watch,
    /// The source on air.
    on_air: Option<String>,
    /// Bits per second on air.
    bitrate_bps: u64,
    /// How many watch.
    readers: usize,
}

/// An address that media can be sent to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SendTo {
    /// `udp`, `srt` or `rtmp`.
    #[schema(example = "udp")]
    protocol: &'static str,
    /// The address. A passphrase in it is shown as `***`.
    #[schema(example = "udp://127.0.0.1:5000?pkt_size=1316")]
    url: String,
    /// Sends a file there, in real time.
    #[schema(
        example = "ffmpeg -re -i clip.mp4 -c copy -f mpegts 'udp://127.0.0.1:5000?pkt_size=1316'"
    )]
    ffmpeg: String,
}

impl InputView {
    /// `live`: the stream as it runs, if it does.
    pub(crate) fn new(
        mut spec: InputSpec,
        live: Option<StreamView>,
        addresses: &Addresses,
    ) -> Self {
        let send = spec
            .sources
            .iter()
            .flat_map(|it| send_to(&spec, it, addresses));
        let mut send: Vec<_> = send.collect();
        if spec.sources.is_empty() {
            send = send_to(&spec, &SourceSpec::Publish {}, addresses);
        }
        hide_secrets(&mut spec);
        let serve = live.as_ref().and_then(|live| live.serve.as_deref());
        let watch = addresses.of(&spec.name, serve);
        let mut view = Self {
            id: spec.name.to_string(),
            name: spec.name.to_string(),
            sources: spec.sources,
            outputs: Vec::new(),
            merge_ms: spec.merge_ms,
            freeze_ms: spec.freeze_ms,
            black_ms: spec.black_ms,
            encode: spec.encode,
            hls: spec.hls,
            labels: spec.labels,
            send,
            watch,
            on_air: None,
            bitrate_bps: 0,
            readers: 0,
        };
        if let Some(live) = live {
            view.on_air = live.on_air.map(String::from);
            view.bitrate_bps = live.bitrate_bps;
            view.readers = live.readers;
            let declared = live.outputs.into_iter().filter(|output| output.declared);
            view.outputs = declared.map(OutputView::from).collect();
        }
        view
    }
}

fn send_to(input: &InputSpec, source: &SourceSpec, addresses: &Addresses) -> Vec<SendTo> {
    let name = &input.name;
    let entry = |protocol, format: &str, url: String| SendTo {
        protocol,
        ffmpeg: format!("ffmpeg -re -i clip.mp4 -c copy -f {format} '{url}'"),
        url,
    };
    let host_of = |bound: &str| match bound.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => addresses.host.clone(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => bound.to_owned(),
    };
    match source.endpoint() {
        Ok(None) => {
            let host = &addresses.host;
            let rtmp = addresses
                .rtmp_port
                .map(|port| entry("rtmp", "flv", format!("rtmp://{host}:{port}/{name}")));
            let srt = addresses.srt_port.map(|port| {
                let url = format!("srt://{host}:{port}?streamid=publish:{name}&pkt_size=1316");
                entry("srt", "mpegts", url)
            });
            let rtsp = addresses
                .rtsp_port
                .map(|port| entry("rtsp", "rtsp", format!("rtsp://{host}:{port}/{name}")));
            rtmp.into_iter().chain(srt).chain(rtsp).collect()
        }
        Ok(Some(Endpoint::Udp(udp))) => {
            let url = format!("udp://{}:{}?pkt_size=1316", host_of(&udp.host), udp.port);
            vec![entry("udp", "mpegts", url)]
        }
        Ok(Some(Endpoint::Srt(srt))) if srt.mode == SrtMode::Listener => {
            let secret = match srt.passphrase {
                Some(_) => format!("&passphrase={MASK}&pbkeylen={}", srt.pbkeylen),
                None => String::new(),
            };
            let (host, port) = (host_of(&srt.host), srt.port);
            let url = format!("srt://{host}:{port}?mode=caller{secret}&pkt_size=1316");
            vec![entry("srt", "mpegts", url)]
        }
        _ => Vec::new(),
    }
}

/// Puts `***` in place of every secret.
pub(crate) fn hide_secrets(input: &mut InputSpec) {
    for url in urls(input).map(|(_, url)| url) {
        *url = redact(url);
    }
}

/// Undoes [`hide_secrets`] in what a client sends back of `before`.
///
/// # Errors
/// A masked secret that is none of the input's.
pub(crate) fn keep_secrets(input: &mut InputSpec, before: &InputSpec) -> Result<(), Faults> {
    let mut before = before.clone();
    let known: Vec<_> = urls(&mut before).map(|(_, url)| url.clone()).collect();
    let item = format!("input {}", input.name);
    let mut faults = Vec::new();
    for (field, url) in urls(input).filter(|(_, url)| url.contains(MASK)) {
        match known.iter().find(|known| redact(known) == *url) {
            Some(known) => url.clone_from(known),
            None => faults.push(Fault {
                item: item.clone(),
                field,
                problem: format!("{MASK} stands for a secret that is not known; write it out"),
            }),
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Faults(faults)),
    }
}

/// Every URL of an input, with the name of its field.
fn urls(input: &mut InputSpec) -> impl Iterator<Item = (String, &mut String)> {
    let sources = input.sources.iter_mut().enumerate();
    let sources = sources.filter_map(|(at, source)| match source {
        SourceSpec::Srt { url, .. }
        | SourceSpec::Rtmp { url, .. }
        | SourceSpec::Rtsp { url, .. } => Some((format!("sources[{at}].url"), url)),
        _ => None,
    });
    let outputs = input.outputs.iter_mut();
    sources.chain(outputs.map(|output| (format!("outputs[{}].url", output.name), &mut output.url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(json: &str) -> InputSpec {
        serde_json::from_str(json).unwrap()
    }

    const SECRET: &str = r#"{"name":"a","sources":[{"type":"srt","url":"srt://h:1?passphrase=hunter2hunter2"}],
        "outputs":[{"name":"x","url":"rtmp://h/app/hunter2"}]}"#;

    #[test]
    fn passphrases_and_stream_keys_leave_masked_and_come_back_whole() {
        let whole = input(SECRET);
        let mut shown = whole.clone();
        hide_secrets(&mut shown);
        let text = serde_json::to_string(&shown).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        keep_secrets(&mut shown, &whole).unwrap();
        assert_eq!(shown.outputs, whole.outputs);
        assert!(
            matches!(&shown.sources[..], [SourceSpec::Srt { url, .. }] if url.contains("hunter2hunter2"))
        );
    }

    #[test]
    fn a_mask_of_another_url_is_a_fault_of_its_field() {
        let mut moved =
            input(r#"{"name":"a","outputs":[{"name":"x","url":"rtmp://elsewhere/app/***"}]}"#);
        let Faults(faults) = keep_secrets(&mut moved, &input(SECRET)).unwrap_err();
        assert_eq!(faults[0].field, "outputs[x].url");
    }

    #[test]
    fn a_sender_is_told_where_to_send_and_how() {
        let spec = input(
            r#"{"name":"live/a","sources":[{"type":"udp","address":"0.0.0.0:5000"},{"type":"publish"},
                {"type":"srt","url":"srt://0.0.0.0:9000?mode=listener&passphrase=hunter2hunter2"},
                {"type":"srt","url":"srt://far:9000?mode=caller"}]}"#,
        );
        let addresses = Addresses {
            host: "studio".to_owned(),
            srt_port: Some(8890),
            rtmp_port: Some(1935),
            rtsp_port: None,
            webrtc: false,
        };
        let view = InputView::new(spec, None, &addresses);
        let urls: Vec<_> = view.send.iter().map(|to| to.url.as_str()).collect();
        assert_eq!(
            urls,
            [
                "udp://studio:5000?pkt_size=1316",
                "rtmp://studio:1935/live/a",
                "srt://studio:8890?streamid=publish:live/a&pkt_size=1316",
                "srt://studio:9000?mode=caller&passphrase=***&pbkeylen=16&pkt_size=1316",
            ]
        );
        assert!(
            view.send[0]
                .ffmpeg
                .ends_with("-f mpegts 'udp://studio:5000?pkt_size=1316'")
        );
    }
}
