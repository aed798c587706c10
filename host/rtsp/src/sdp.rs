//! Session descriptions (RFC 8866) as RTSP uses them (RFC 2326 appendix C).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sdp_types::{Attribute, Media, Origin, Session};
use std::fmt::Write;

/// Tracks of one description; more are an error.
pub const MAX_TRACKS: usize = 16;

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    /// Not a session description.
    #[error("not a session description: {0}")]
    Malformed(String),
    /// More tracks than anybody has.
    #[error("the description has {0} tracks, at most {MAX_TRACKS} are taken")]
    TooManyTracks(usize),
    /// Nothing to be sent.
    #[error("the description has no RTP track")]
    Empty,
}

/// One RTP track.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Track {
    /// `video`, `audio` or `application`.
    pub media: String,
    /// 0 to 127.
    pub payload_type: u8,
    /// As `a=rtpmap` says, or RFC 3551 for static payload types; in capitals.
    pub encoding: String,
    /// Of its RTP timestamps, in Hz; at least 1.
    pub clock_hz: u32,
    /// Of sound; at least 1.
    pub channels: u8,
    /// Of `a=fmtp`: names in lower case, and values.
    pub parameters: Vec<(String, String)>,
    /// `a=control`: absolute, or relative to the presentation.
    pub control: String,
}

impl Track {
    /// A parameter of `a=fmtp`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn of(media: &Media, index: usize) -> Option<Self> {
        if !media.proto.starts_with("RTP/AVP") {
            return None;
        }
        let payload_type: u8 = media.fmt.split_whitespace().next()?.parse().ok()?;
        let number = payload_type.to_string();
        let about = |name: &'static str| {
            values(media, name).find_map(|value| {
                let (of, rest) = value.split_once(char::is_whitespace)?;
                (of == number).then_some(rest.trim())
            })
        };
        let map = about("rtpmap").or_else(|| well_known(payload_type))?;
        let mut parts = map.split('/');
        let encoding = parts.next()?.to_ascii_uppercase();
        let clock_hz = parts.next()?.trim().parse().ok().filter(|hz| *hz > 0)?;
        let channels = parts.next().and_then(|text| text.trim().parse().ok());
        let control = values(media, "control").next().map(str::to_owned);
        Some(Self {
            media: media.media.clone(),
            payload_type,
            encoding,
            clock_hz,
            channels: channels.unwrap_or(1).max(1),
            parameters: about("fmtp").map(parameters).unwrap_or_default(),
            control: control.unwrap_or_else(|| format!("trackID={index}")),
        })
    }
}

fn values<'a>(media: &'a Media, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = move |attribute: &&Attribute| attribute.attribute.eq_ignore_ascii_case(name);
    let found = media.attributes.iter().filter(named);
    found.filter_map(|attribute| attribute.value.as_deref())
}

fn parameters(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(';').take(64).filter_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        Some((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    pairs.collect()
}

/// The static payload types (RFC 3551 §6) that somebody could send us.
const fn well_known(payload_type: u8) -> Option<&'static str> {
    Some(match payload_type {
        0 => "PCMU/8000",
        8 => "PCMA/8000",
        26 => "JPEG/90000",
        33 => "MP2T/90000",
        _ => return None,
    })
}

/// Reads the RTP tracks of a description.
///
/// # Errors
/// When it is none, or has no track, or too many. Tracks of other transports are left out.
pub fn parse(text: &[u8]) -> Result<Vec<Track>, SdpError> {
    let session = Session::parse(text).map_err(|error| SdpError::Malformed(error.to_string()))?;
    if session.medias.len() > MAX_TRACKS {
        return Err(SdpError::TooManyTracks(session.medias.len()));
    }
    let tracks = session.medias.iter().enumerate();
    let tracks: Vec<_> = tracks
        .filter_map(|(index, media)| Track::of(media, index))
        .collect();
    match tracks.is_empty() {
        true => Err(SdpError::Empty),
        false => Ok(tracks),
    }
}

/// Writes a description. `host` is the address of whoever sends.
pub fn build(name: &str, host: std::net::IpAddr, tracks: &[Track]) -> String {
    let family = if host.is_ipv4() { "IP4" } else { "IP6" };
    let origin = Origin {
        username: None,
        sess_id: "0".into(),
        sess_version: 0,
        nettype: "IN".into(),
        addrtype: family.into(),
        unicast_address: host.to_string(),
    };
    let mut session = Session::new(origin, name);
    let anywhere = if host.is_ipv4() { "0.0.0.0" } else { "::" };
    session.connection = Some(sdp_types::Connection {
        nettype: "IN".into(),
        addrtype: family.into(),
        connection_address: anywhere.to_owned(),
    });
    session.times = vec![sdp_types::Time::new(0, 0)];
    session.attributes = vec![Attribute {
        attribute: "control".into(),
        value: Some("*".into()),
    }];
    session.medias = tracks.iter().map(media).collect();
    let mut text = Vec::new();
    // A vector takes everything.
    let _ = session.write(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn media(track: &Track) -> Media {
    let payload_type = track.payload_type;
    let mut map = format!("{payload_type} {}/{}", track.encoding, track.clock_hz);
    if track.channels > 1 {
        let _ = write!(map, "/{}", track.channels);
    }
    let parameters: Vec<_> = track
        .parameters
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let attribute = |name: &str, value: String| Attribute {
        attribute: name.to_owned(),
        value: Some(value),
    };
    let mut attributes = vec![attribute("rtpmap", map)];
    if !parameters.is_empty() {
        let text = format!("{payload_type} {}", parameters.join("; "));
        attributes.push(attribute("fmtp", text));
    }
    attributes.push(attribute("control", track.control.clone()));
    Media {
        media: track.media.clone(),
        port: 0,
        num_ports: None,
        proto: "RTP/AVP".into(),
        fmt: payload_type.to_string(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes,
    }
}

/// As parameter sets are written.
pub fn to_base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Parameter sets, separated by commas; those that cannot be read are left out.
pub fn from_base64_list(text: &str) -> Vec<Vec<u8>> {
    let sets = text.split(',').take(MAX_TRACKS);
    sets.filter_map(|set| BASE64_STANDARD.decode(set.trim()).ok())
        .filter(|set| !set.is_empty())
        .collect()
}

/// As configurations of sound are written.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The bytes of hexadecimal digits; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let digits = std::str::from_utf8(pair)
            .ok()
            .filter(|two| two.len() == 2)?;
        u8::from_str_radix(digits, 16).ok()
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FFMPEG: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        a=tool:libavformat 59.27.100\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
        a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z2QADKzZ,aOvjyyLA; profile-level-id=64000C\r\n\
        a=control:streamid=0\r\nm=audio 0 RTP/AVP 97\r\nb=AS:69\r\na=rtpmap:97 MPEG4-GENERIC/48000/1\r\n\
        a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=118856E500\r\n\
        a=control:streamid=1\r\n";

    #[test]
    fn what_ffmpeg_announces_is_understood() {
        let tracks = parse(FFMPEG.as_bytes()).unwrap();
        let [video, audio] = &tracks[..] else {
            panic!("{tracks:?}")
        };
        assert_eq!((video.encoding.as_str(), video.clock_hz), ("H264", 90_000));
        assert_eq!(
            video.parameter("sprop-parameter-sets"),
            Some("Z2QADKzZ,aOvjyyLA")
        );
        assert_eq!(audio.parameter("config"), Some("118856E500"));
        assert_eq!(audio.control, "streamid=1");
    }

    #[test]
    fn what_is_built_is_read_back_the_same() {
        let tracks = vec![
            Track {
                media: "video".into(),
                payload_type: 96,
                encoding: "H265".into(),
                clock_hz: 90_000,
                channels: 1,
                parameters: vec![("sprop-vps".into(), "QAE=".into())],
                control: "trackID=0".into(),
            },
            Track {
                media: "audio".into(),
                payload_type: 97,
                encoding: "OPUS".into(),
                clock_hz: 48_000,
                channels: 2,
                parameters: Vec::new(),
                control: "trackID=1".into(),
            },
        ];
        let text = build("live/a", [127, 0, 0, 1].into(), &tracks);
        assert_eq!(parse(text.as_bytes()).unwrap(), tracks);
    }

    #[test]
    fn hostile_descriptions_are_errors_and_odd_tracks_are_left_out() {
        let head = "v=0\r\no=- 0 0 IN IP4 1.1.1.1\r\ns=x\r\nt=0 0\r\n";
        let track = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
        let of = |medias: &str| parse(format!("{head}{medias}").as_bytes());
        assert!(matches!(parse(b"\xff\x00"), Err(SdpError::Malformed(_))));
        assert_eq!(of(""), Err(SdpError::Empty));
        assert_eq!(of(&track.repeat(17)), Err(SdpError::TooManyTracks(17)));
        for odd in [
            "m=video 0 RTP/AVP 96\r\n",
            "m=video 0 RTP/AVP x\r\n",
            "m=video 0 udp 96\r\na=rtpmap:96 H264/90000\r\n",
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/0\r\n",
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264\r\n",
        ] {
            assert_eq!(of(odd), Err(SdpError::Empty), "{odd}");
        }
    }
}
