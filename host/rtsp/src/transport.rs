//! The Transport header (RFC 2326 §12.39): how a track's packets are to travel.

use std::fmt;
use std::net::IpAddr;

/// Two numbers that belong together: RTP and RTCP ports or channels.
pub type Pair<T> = (T, T);

/// Alternatives in one header beyond which the rest is not looked at.
const MAX_OFFERS: usize = 8;

/// One way for packets to travel, as a peer offers or answers it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transport {
    /// Within the RTSP connection.
    pub tcp: bool,
    /// To a group, not to one receiver.
    pub multicast: bool,
    /// Channels within the connection.
    pub interleaved: Option<Pair<u8>>,
    /// Where the client receives, and sends from.
    pub client_port: Option<Pair<u16>>,
    /// Where the server receives, and sends from.
    pub server_port: Option<Pair<u16>>,
    /// The client sends (`mode=record`).
    pub record: bool,
    /// Another receiver than the client itself.
    pub destination: Option<String>,
    /// Another sender than the server itself.
    pub source: Option<String>,
    /// Synchronisation source of the sender.
    pub ssrc: Option<u32>,
}

impl Transport {
    /// The alternatives of a header, best first; those of other profiles are left out.
    pub fn parse_all(header: &str) -> Vec<Self> {
        header
            .split(',')
            .take(MAX_OFFERS)
            .filter_map(Self::parse)
            .collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(';').map(str::trim);
        let mut transport = Self::default();
        match fields.next()?.to_ascii_uppercase().as_str() {
            "RTP/AVP" | "RTP/AVP/UDP" => {}
            "RTP/AVP/TCP" => transport.tcp = true,
            _ => return None,
        }
        for field in fields {
            let (key, value) = field.split_once('=').unwrap_or((field, ""));
            let value = value.trim_matches('"');
            match key.to_ascii_lowercase().as_str() {
                "multicast" => transport.multicast = true,
                "interleaved" => transport.interleaved = pair(value),
                "client_port" => transport.client_port = pair(value),
                "server_port" => transport.server_port = pair(value),
                "mode" => transport.record = value.eq_ignore_ascii_case("record"),
                "destination" => transport.destination = Some(value.to_owned()),
                "source" => transport.source = Some(value.to_owned()),
                "ssrc" => transport.ssrc = u32::from_str_radix(value.trim(), 16).ok(),
                _ => {}
            }
        }
        Some(transport)
    }

    /// Whether packets would go to, or be taken from, somebody else than `peer`: then this host
    /// could be made to flood a stranger.
    pub fn names_another(&self, peer: IpAddr) -> bool {
        let other = |named: &Option<String>| {
            let named = named.as_deref().filter(|named| !named.is_empty());
            named.is_some_and(|named| {
                let named = named.trim_matches(['[', ']']);
                named.parse() != Ok(peer.to_canonical())
            })
        };
        self.multicast || other(&self.destination)
    }
}

/// `8000-8001`; a single number stands for itself and the next.
fn pair<T: std::str::FromStr + Copy + TryFrom<u32>>(text: &str) -> Option<Pair<T>>
where
    u32: From<T>,
{
    match text.split_once('-') {
        Some((first, second)) => Some((first.trim().parse().ok()?, second.trim().parse().ok()?)),
        None => {
            let first: T = text.trim().parse().ok()?;
            Some((first, T::try_from(u32::from(first) + 1).ok()?))
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = if self.tcp { "RTP/AVP/TCP" } else { "RTP/AVP" };
        write!(f, "{profile};unicast")?;
        if let Some((rtp, rtcp)) = self.interleaved {
            write!(f, ";interleaved={rtp}-{rtcp}")?;
        }
        if let Some((rtp, rtcp)) = self.client_port {
            write!(f, ";client_port={rtp}-{rtcp}")?;
        }
        if let Some((rtp, rtcp)) = self.server_port {
            write!(f, ";server_port={rtp}-{rtcp}")?;
        }
        if let Some(ssrc) = self.ssrc {
            write!(f, ";ssrc={ssrc:08X}")?;
        }
        if self.record {
            write!(f, ";mode=record")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffmpeg_gstreamer_and_vlc_ask_for_is_understood() {
        let asked = |text: &str| Transport::parse_all(text);
        let udp = asked("RTP/AVP/UDP;unicast;client_port=14554-14555;mode=record");
        assert_eq!(udp[0].client_port, Some((14554, 14555)));
        assert!(udp[0].record && !udp[0].tcp);
        let both = asked("RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=2-3;mode=\"PLAY\"");
        assert!(both[0].multicast);
        assert_eq!(both[1].interleaved, Some((2, 3)));
        assert!(both[1].tcp && !both[1].record);
        assert_eq!(
            asked("RTP/AVP/TCP;interleaved=4")[0].interleaved,
            Some((4, 5))
        );
        assert_eq!(asked("RTP/AVP/TCP;interleaved=255")[0].interleaved, None);
        assert_eq!(asked("RTP/AVP;client_port=65535")[0].client_port, None);
        assert_eq!(asked("RTP/SAVP;unicast,x,"), []);
    }

    #[test]
    fn an_answer_says_what_was_agreed_on() {
        let answer = Transport {
            client_port: Some((5000, 5001)),
            server_port: Some((8000, 8001)),
            ssrc: Some(0xab),
            ..Transport::default()
        };
        let text = "RTP/AVP;unicast;client_port=5000-5001;server_port=8000-8001;ssrc=000000AB";
        assert_eq!(answer.to_string(), text);
        assert_eq!(Transport::parse_all(text), [answer]);
    }

    #[test]
    fn packets_for_others_are_found_out() {
        let peer = [192, 0, 2, 1].into();
        let names_another = |text: &str| {
            let offered = Transport::parse_all(text);
            offered[0].names_another(peer)
        };
        assert!(!names_another("RTP/AVP;unicast;client_port=1-2"));
        assert!(!names_another("RTP/AVP;destination=192.0.2.1"));
        assert!(names_another("RTP/AVP;destination=198.51.100.7"));
        assert!(names_another("RTP/AVP;destination=victim.example"));
        assert!(names_another("RTP/AVP;multicast;client_port=1-2"));
    }
}
