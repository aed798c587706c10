//! Network interfaces.

use super::{number, text};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use utoipa::ToSchema;

/// Interfaces shown; a host of containers may have thousands.
const MAX_INTERFACES: usize = 64;

/// A network interface with its counters since it came up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Interface {
    /// Its name.
    #[schema(example = "eth0")]
    pub(crate) name: String,
    /// Its addresses.
    #[schema(value_type = Vec<String>, example = json!(["192.0.2.7"]))]
    pub(crate) addresses: Vec<IpAddr>,
    /// `up`, `down` or `unknown`.
    state: Option<String>,
    /// What it can carry, if it says so.
    speed_bps: Option<u64>,
    /// Bytes received.
    received_bytes: u64,
    /// Packets received.
    received_packets: u64,
    /// Packets received that were damaged.
    receive_errors: u64,
    /// Packets received that there was no room for.
    receive_drops: u64,
    /// Bytes sent.
    sent_bytes: u64,
    /// Packets sent.
    sent_packets: u64,
    /// Packets that could not be sent.
    send_errors: u64,
    /// Packets to be sent that there was no room for.
    send_drops: u64,
}

pub(super) fn read(addresses: Vec<(String, IpAddr)>) -> Vec<Interface> {
    let mut of_each: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for (name, address) in addresses {
        of_each.entry(name).or_default().push(address);
    }
    let table = fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let mut interfaces = counters(&table);
    for interface in &mut interfaces {
        let path = |file: &str| format!("/sys/class/net/{}/{file}", interface.name);
        // Mb/s; interfaces that have none say -1, or nothing.
        let speed = number(path("speed")).and_then(|speed| speed.checked_mul(1_000_000));
        let state = text(path("operstate"));
        (interface.speed_bps, interface.state) = (speed, state);
        interface.addresses = of_each.remove(&interface.name).unwrap_or_default();
    }
    interfaces
}

/// The lines of `/proc/net/dev` that are no heading.
fn counters(table: &str) -> Vec<Interface> {
    let interface = |line: &str| {
        let (name, counters) = line.split_once(':')?;
        let counters = counters.split_whitespace().map(str::parse::<u64>);
        let counters: Vec<u64> = counters.collect::<Result<_, _>>().ok()?;
        let &[
            received_bytes,
            received_packets,
            receive_errors,
            receive_drops,
            _,
            _,
            _,
            _,
            sent_bytes,
            sent_packets,
            send_errors,
            send_drops,
            ..,
        ] = &counters[..]
        else {
            return None;
        };
        Some(Interface {
            name: name.trim().to_owned(),
            received_bytes,
            received_packets,
            receive_errors,
            receive_drops,
            sent_bytes,
            sent_packets,
            send_errors,
            send_drops,
            ..Interface::default()
        })
    };
    table
        .lines()
        .filter_map(interface)
        .take(MAX_INTERFACES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read_and_its_headings_are_not() {
        let table = "Inter-|   Receive                |  Transmit\n \
                     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
                     lo: 10 1 2 3 0 0 0 0 20 4 5 6 0 0 0 0\n  eth0:7 1\n";
        let read = counters(table);
        assert_eq!(read.len(), 1);
        let lo = &read[0];
        assert_eq!(
            (lo.name.as_str(), lo.received_bytes, lo.receive_drops),
            ("lo", 10, 3)
        );
        assert_eq!(
            (
                lo.sent_bytes,
                lo.sent_packets,
                lo.send_errors,
                lo.send_drops
            ),
            (20, 4, 5, 6)
        );
    }
}
