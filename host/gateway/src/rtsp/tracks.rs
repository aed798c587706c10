//! What a description says of a track, as this host understands it.

use ::rtsp::sdp::{Track, from_base64_list, from_hex};
use bytes::Bytes;
use media::Codec;
use media::codec::aac::AudioSpecificConfig;
use media::codec::opus;
use media::rtp::Unpacker;

/// The unpacker of a track; `None` if its payload format is not known here.
pub(super) fn unpacker(track: &Track) -> Option<Unpacker> {
    let sets = |names: &[&str]| -> Vec<Bytes> {
        let values = names.iter().filter_map(|name| track.parameter(name));
        values.flat_map(from_base64_list).map(Bytes::from).collect()
    };
    match track.encoding.as_str() {
        "H264" => Some(Unpacker::h264(&sets(&["sprop-parameter-sets"]))),
        "H265" => Some(Unpacker::hevc(&sets(&[
            "sprop-vps",
            "sprop-sps",
            "sprop-pps",
        ]))),
        "MPEG4-GENERIC" => aac(track).and_then(Unpacker::sound),
        // Configurations within the packets (`cpresent=1`, the usual) are not read.
        "MP4A-LATM" if track.parameter("cpresent") == Some("0") => {
            Unpacker::latm(&from_hex(track.parameter("config")?)?)
        }
        "OPUS" => {
            let stereo = track.parameter("sprop-stereo");
            let channels = if stereo == Some("0") { 1 } else { 2 };
            let head = opus::Head::new(channels);
            Unpacker::sound(Codec::Opus {
                audio: head.audio(),
                config: head.build(),
            })
        }
        _ => None,
    }
}

/// AAC-hbr only (RFC 3640 §3.3.6).
fn aac(track: &Track) -> Option<Codec> {
    let hbr = track.parameter("sizelength") == Some("13")
        && track.parameter("indexlength") == Some("3")
        && track.parameter("indexdeltalength") == Some("3");
    let config: Bytes = from_hex(track.parameter("config")?)?.into();
    let parsed = AudioSpecificConfig::parse(&config).ok().filter(|_| hbr)?;
    Some(Codec::Aac {
        audio: parsed.audio(),
        config,
    })
}
