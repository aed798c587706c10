//! Codecs in the words of a session description.

use media::Codec;
use media::codec::{h264, hevc};
use rtsp::sdp::{Track, to_base64, to_hex};

/// Track `index` as a description says it.
pub(super) fn track(index: usize, payload_type: u8, codec: &Codec, clock_hz: u32) -> Track {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let (encoding, parameters) = match codec {
        Codec::H264 { config, .. } => ("H264", of_h264(config)),
        Codec::Hevc { config, .. } => ("H265", of_hevc(config)),
        Codec::Aac { config, .. } => {
            // Sizes of 13 bits, indices of 3 (RFC 3640 §3.3.6).
            let parameters = vec![
                pair("streamtype", "5".into()),
                pair("profile-level-id", "1".into()),
                pair("mode", "AAC-hbr".into()),
                pair("sizelength", "13".into()),
                pair("indexlength", "3".into()),
                pair("indexdeltalength", "3".into()),
                pair("config", to_hex(config)),
            ];
            ("MPEG4-GENERIC", parameters)
        }
        Codec::Opus { audio, .. } => {
            let stereo = u8::from(audio.channels > 1).to_string();
            ("OPUS", vec![pair("sprop-stereo", stereo)])
        }
        _ => ("", Vec::new()),
    };
    let channels = match codec {
        // Always two, whatever is in it (RFC 7587 §7).
        Codec::Opus { .. } => 2,
        other => other.audio().map_or(1, |audio| audio.channels.max(1)),
    };
    Track {
        media: if codec.is_video() { "video" } else { "audio" }.to_owned(),
        payload_type,
        encoding: encoding.to_owned(),
        clock_hz,
        channels,
        parameters,
        control: format!("trackID={index}"),
    }
}

/// RFC 6184 §8.1.
fn of_h264(config: &bytes::Bytes) -> Vec<(String, String)> {
    let mut parameters = vec![("packetization-mode".to_owned(), "1".to_owned())];
    if let Ok(config) = h264::DecoderConfig::parse(config) {
        let sets: Vec<_> = config
            .sps
            .iter()
            .chain(&config.pps)
            .map(|set| to_base64(set))
            .collect();
        let id = to_hex(&[config.profile_idc, config.constraints, config.level_idc]);
        parameters.push(("sprop-parameter-sets".to_owned(), sets.join(",")));
        parameters.push(("profile-level-id".to_owned(), id));
    }
    parameters
}

/// RFC 7798 §7.1.
fn of_hevc(config: &bytes::Bytes) -> Vec<(String, String)> {
    let Ok(config) = hevc::DecoderConfig::parse(config) else {
        return Vec::new();
    };
    let list = |sets: &[bytes::Bytes]| {
        let sets: Vec<_> = sets.iter().map(|set| to_base64(set)).collect();
        sets.join(",")
    };
    vec![
        ("sprop-vps".to_owned(), list(&config.vps)),
        ("sprop-sps".to_owned(), list(&config.sps)),
        ("sprop-pps".to_owned(), list(&config.pps)),
    ]
}
