//! Ports that a document binds: each once.

use super::faults::Faults;
use model::Endpoint;
use model::endpoint::SrtMode;
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    Source,
    Output,
}

/// Who receives on which UDP port; SRT listeners take UDP ports too.
#[derive(Default)]
pub(super) struct BoundPorts(HashMap<u16, Vec<(String, String)>>);

impl BoundPorts {
    pub(super) fn claim(
        &mut self,
        endpoint: &Endpoint,
        role: Role,
        item: &str,
        field: &str,
        faults: &mut Faults,
    ) {
        let (host, port) = match endpoint {
            Endpoint::Udp(udp) if role == Role::Source => (&udp.host, udp.port),
            Endpoint::Srt(srt) if srt.mode == SrtMode::Listener => (&srt.host, srt.port),
            _ => return,
        };
        let holders = self.0.entry(port).or_default();
        if let Some((_, holder)) = holders.iter().find(|(other, _)| overlap(other, host)) {
            let problem = format!(
                "UDP port {port} on {host} is taken by {holder}; choose another port, \
                 or leave the address out to be allotted one"
            );
            faults.add(item, field, problem);
        } else {
            holders.push((host.clone(), format!("{item} {field}")));
        }
    }
}

/// Whether sockets on both addresses would receive the same datagrams. A multicast group is an
/// address of its own, which a wildcard does not take.
fn overlap(a: &str, b: &str) -> bool {
    let wildcard = |host: &str| matches!(host, "0.0.0.0" | "::" | "*");
    let group = |host: &str| {
        host.parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_multicast())
    };
    a == b || (wildcard(a) && !group(b)) || (wildcard(b) && !group(a))
}
