//! MPEG-TS in plain datagrams: `udp://`.

use super::EndpointError;
use super::url::{host_of, number, port_of};
use url::Url;

/// A UDP address and how to reach or join it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Udp {
    /// Host name or address; a multicast group too.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    /// Local IPv4 address or device name for multicast.
    pub interface: Option<String>,
    /// Multicast hops, 1 to 255.
    pub ttl: u8,
    /// Whether this host's own receivers see the multicast.
    pub loopback: bool,
}

pub(super) fn parse(url: &Url) -> Result<Udp, EndpointError> {
    let mut udp = Udp {
        host: host_of(url),
        port: port_of(url)?,
        interface: None,
        ttl: 1,
        loopback: true,
    };
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "interface" => udp.interface = Some(value.into_owned()),
            "ttl" => udp.ttl = number("ttl", &value, 1..=255, "1 to 255")?,
            "loop" => udp.loopback = number("loop", &value, 0..=1, "0 or 1")? == 1,
            _ => {
                return Err(EndpointError::UnknownParameter {
                    scheme: "udp",
                    key: key.into_owned(),
                    known: "interface, ttl, loop",
                });
            }
        }
    }
    Ok(udp)
}
