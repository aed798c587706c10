//! UDP ports for inputs that name none.

use super::faults::Faults;
use model::{Endpoint, Site, SourceSpec};
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The ports that may be allotted, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpPorts {
    first: u16,
    last: u16,
}

impl Default for UdpPorts {
    fn default() -> Self {
        Self {
            first: 5000,
            last: 5099,
        }
    }
}

impl UdpPorts {
    /// The ports, lowest first.
    pub fn range(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

/// Why a range of ports was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no range of ports; write FIRST-LAST, each from 1 to 65535, as in 5000-5099")]
pub struct BadPorts(String);

impl FromStr for UdpPorts {
    type Err = BadPorts;

    fn from_str(text: &str) -> Result<Self, BadPorts> {
        let bad = || BadPorts(text.chars().take(40).collect());
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(bad()),
        }
    }
}

/// Gives every UDP source without an address one on loopback. What an input was allotted
/// `before` it keeps, so that applying a document twice changes nothing.
pub(super) fn allot(site: &mut Site, ports: UdpPorts, before: &Site, faults: &mut Faults) {
    let mut taken = named_ports(site);
    let kept: HashMap<_, _> = before
        .inputs
        .iter()
        .map(|input| (&input.name, input))
        .collect();
    for input in &mut site.inputs {
        for (at, source) in input.sources.iter_mut().enumerate() {
            let SourceSpec::Udp { address, .. } = source else {
                continue;
            };
            if !address.is_empty() {
                continue;
            }
            let earlier = kept
                .get(&input.name)
                .and_then(|before| before.sources.get(at));
            let earlier = earlier
                .and_then(udp_port)
                .filter(|port| ports.range().contains(port));
            let free = earlier
                .into_iter()
                .chain(ports.range())
                .find(|port| !taken.contains(port));
            match free {
                Some(port) => {
                    taken.insert(port);
                    *address = format!("127.0.0.1:{port}");
                }
                None => {
                    let item = format!("input {}", input.name);
                    let problem = "no port of [udp] ports is left; widen the range or name one";
                    faults.add(item, format_args!("sources[{at}].address"), problem);
                }
            }
        }
    }
}

fn named_ports(site: &Site) -> BTreeSet<u16> {
    site.inputs
        .iter()
        .flat_map(|input| &input.sources)
        .filter_map(udp_port)
        .collect()
}

fn udp_port(source: &SourceSpec) -> Option<u16> {
    match source.endpoint() {
        Ok(Some(Endpoint::Udp(udp))) => Some(udp.port),
        Ok(Some(Endpoint::Srt(srt))) => Some(srt.port),
        _ => None,
    }
}
