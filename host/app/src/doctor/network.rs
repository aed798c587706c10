//! Kernel limits and features that datagrams depend on.

use super::Finding;
use crate::sys;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// What a 100 Mb/s stream needs for a hiccup of half a second, about.
const BUFFER_BYTES: u64 = 4 << 20;

/// An administratively scoped group (RFC 2365) that nobody else uses.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 201);

pub(super) fn examine() -> Vec<Finding> {
    vec![
        buffers("receive buffers", "net.core.rmem_max"),
        buffers("send buffers", "net.core.wmem_max"),
        offload(),
        multicast(),
    ]
}

fn buffers(what: &'static str, key: &str) -> Finding {
    let path = format!("/proc/sys/{}", key.replace('.', "/"));
    let read = std::fs::read_to_string(&path);
    match read.ok().and_then(|text| text.trim().parse::<u64>().ok()) {
        Some(limit) if limit >= BUFFER_BYTES => {
            Finding::ok(what, format!("{key} is {limit} bytes"))
        }
        Some(limit) => {
            let advice = format!(
                "bursts may be lost above some 50 Mb/s: sysctl -w {key}={}, and keep it in /etc/sysctl.d",
                BUFFER_BYTES * 2
            );
            Finding::warn(what, format!("{key} is {limit} bytes"), advice)
        }
        None => Finding::warn(
            what,
            format!("cannot read {path}"),
            "check the limit on the host",
        ),
    }
}

fn offload() -> Finding {
    let advice = "UDP costs three times the CPU without; Linux 5.0 or newer has both";
    let Ok(socket) = UdpSocket::bind("127.0.0.1:0") else {
        return Finding::fail("UDP batching", "cannot open a socket on loopback", advice);
    };
    let features = [("GSO", libc::UDP_SEGMENT), ("GRO", libc::UDP_GRO)];
    let lacking: Vec<_> = features
        .iter()
        .filter(|(_, option)| !sys::takes_udp_option(&socket, *option))
        .map(|(name, _)| *name)
        .collect();
    if lacking.is_empty() {
        Finding::ok("UDP batching", "GSO and GRO")
    } else {
        Finding::warn(
            "UDP batching",
            format!("no {}", lacking.join(", no ")),
            advice,
        )
    }
}

fn multicast() -> Finding {
    match multicast_round_trip() {
        Ok(()) => Finding::ok("multicast", "works on loopback"),
        Err(error) => {
            let advice = "only needed for groups on this machine: ip link set lo multicast on; \
                          ip route add 239.0.0.0/8 dev lo";
            Finding::warn("multicast", format!("not on loopback: {error}"), advice)
        }
    }
}

fn multicast_round_trip() -> io::Result<()> {
    let receiver = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    receiver.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)?;
    receiver.set_read_timeout(Some(Duration::from_millis(300)))?;
    let sender = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST)?;
    sender.set_multicast_loop_v4(true)?;
    let group = SocketAddr::from((GROUP, receiver.local_addr()?.port()));
    sender.send_to(b"pointsman", &group.into())?;
    let mut heard = [0; 16];
    receiver.recv(&mut heard).map(drop)
}
