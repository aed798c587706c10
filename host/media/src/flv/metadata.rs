//! `onMetaData`: what a player may want to know before the first frame.

use super::amf::{Value, put_ecma_array, put_string};
use crate::codec::aac::AudioSpecificConfig;
use crate::{Codec, Tracks};
use bytes::{Bytes, BytesMut};

/// AMF0 string `@setDataFrame`: a publisher puts it before the metadata, and the server that
/// takes them removes it.
pub const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";

/// The AMF0 bytes of `onMetaData` for these tracks: name and one ECMA array.
pub fn on_metadata(tracks: &Tracks) -> Bytes {
    let mut properties = Vec::with_capacity(9);
    for track in tracks.video().into_iter().chain(tracks.audio()) {
        describe(&track.codec, &mut properties);
    }
    properties.push(("encoder", Value::Text("Pointsman")));
    let mut out = BytesMut::with_capacity(256);
    put_string("onMetaData", &mut out);
    put_ecma_array(&properties, &mut out);
    out.freeze()
}

fn describe(codec: &Codec, properties: &mut Vec<(&'static str, Value)>) {
    match codec {
        Codec::H264 { video, .. }
        | Codec::Hevc { video, .. }
        | Codec::Av1 { video, .. }
        | Codec::Vp9 { video, .. } => {
            properties.push(("width", Value::Number(video.width.into())));
            properties.push(("height", Value::Number(video.height.into())));
            if video.fps_milli > 0 {
                let fps = f64::from(video.fps_milli) / 1000.0;
                properties.push(("framerate", Value::Number(fps)));
            }
            // Enhanced RTMP: the FourCC as a number where there is no CodecID.
            let id = match codec {
                Codec::Hevc { .. } => fourcc(*b"hvc1"),
                Codec::Av1 { .. } => fourcc(*b"av01"),
                Codec::Vp9 { .. } => fourcc(*b"vp09"),
                _ => 7.0,
            };
            properties.push(("videocodecid", Value::Number(id)));
        }
        Codec::Aac { config, audio } => {
            let output_rate = AudioSpecificConfig::parse(config)
                .ok()
                .and_then(|config| config.sbr_rate_hz)
                .unwrap_or(audio.sample_rate_hz);
            properties.push(("audiocodecid", Value::Number(10.0)));
            properties.push(("audiosamplerate", Value::Number(output_rate.into())));
            properties.push(("audiosamplesize", Value::Number(16.0)));
            properties.push(("stereo", Value::Boolean(audio.channels > 1)));
        }
        Codec::Opus { audio, .. } => {
            properties.push(("audiocodecid", Value::Number(fourcc(*b"Opus"))));
            properties.push((
                "audiosamplerate",
                Value::Number(audio.sample_rate_hz.into()),
            ));
            properties.push(("audiosamplesize", Value::Number(16.0)));
            properties.push(("stereo", Value::Boolean(audio.channels > 1)));
        }
        Codec::Mjpeg { .. } | Codec::Scte35 | Codec::Id3 | Codec::Klv => {}
    }
}

fn fourcc(text: [u8; 4]) -> f64 {
    f64::from(u32::from_be_bytes(text))
}
