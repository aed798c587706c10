//! Ports for programs that cannot be asked which one the system gave them.

use crate::wait::until;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below Linux's range for outgoing connections (32768 on), which would take them away again.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A port that nobody has, over TCP nor UDP, and that nobody here gets a second time.
///
/// # Panics
/// When none of ten thousand is free.
pub fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run side by side begin at different places.
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_mul(37).wrapping_add(step) % COUNT;
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
    panic!("no port is free from {FIRST} on");
}

/// An address of this machine that is not loopback. Whoever calls it comes from there, too.
///
/// # Panics
/// When the machine is on no network.
pub fn own_address() -> Ipv4Addr {
    // Connecting over UDP sends nothing, and tells the address that a route begins at; the other
    // end is nobody's (RFC 5737).
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    let connected = socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9));
    connected.expect("this machine needs a network beside loopback for this test");
    match socket.local_addr().expect("an address").ip() {
        IpAddr::V4(address) if !address.is_loopback() => address,
        other => panic!("routes begin at {other}"),
    }
}

/// Waits until a program listens on a UDP port of 127.0.0.1, so that nothing sent is lost.
///
/// # Panics
/// When none does in time.
pub fn until_listened(port: u16) {
    // Address and port in hexadecimal, the address as the processor keeps it (proc(5)).
    let loopback = u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets());
    let listening = [loopback, 0].map(|address| format!("{address:08X}:{port:04X}"));
    until(&format!("UDP port {port} is listened on"), || {
        let table = fs::read_to_string("/proc/net/udp").unwrap_or_default();
        // The third column is the peer of a connected socket: a sender has the port there.
        let local = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
        let mut locals = table.lines().filter_map(local);
        locals.any(|local| listening.contains(&local))
    });
}
