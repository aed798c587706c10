//! Sockets: bound, joined, buffered.

use crate::context::Context;
use link::LinkError;
use model::endpoint;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

/// What a burst of a second of 32 Mb/s needs.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Bridges a pause of the network card's queue; datagrams beyond it wait in the output's queue.
const SEND_BUFFER: usize = 1 << 20;

/// The interface that multicast goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interface {
    /// By the routing table.
    Any,
    /// Whichever has this address.
    Address(Ipv4Addr),
    /// By index.
    Index(u32),
}

impl Interface {
    /// 0: by the routing table, as IPv6 socket options have it.
    const fn index(self) -> u32 {
        match self {
            Self::Index(index) => index,
            Self::Any | Self::Address(_) => 0,
        }
    }
}

/// A socket that receives what is sent to the endpoint; joins its group if it is one.
pub(super) async fn bind(
    context: &Context,
    endpoint: &endpoint::Udp,
) -> Result<UdpSocket, LinkError> {
    let address = link::resolve(&endpoint.host, endpoint.port).await?;
    let doing = format!("cannot listen on udp://{address}");
    let open = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        socket.set_nonblocking(true)?;
        if address.ip().is_multicast() {
            // Several receivers of one group on one host are usual; two of one unicast port
            // would take each other's datagrams.
            socket.set_reuse_address(true)?;
        }
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        let interface = find_interface(&socket, address, endpoint.interface.as_deref())?;
        socket.bind(&SockAddr::from(scoped(address, interface)))?;
        if address.ip().is_multicast() {
            join(&socket, address.ip(), interface)?;
        }
        let granted = grant(
            RECEIVE_BUFFER,
            |n| socket.set_recv_buffer_size(n),
            || socket.recv_buffer_size(),
        )?;
        warn_if_small(context, granted, RECEIVE_BUFFER, "net.core.rmem_max");
        Ok(socket.into())
    };
    open().map_err(LinkError::io(doing))
}

/// A socket that sends to the endpoint and hears of it when nobody listens there.
pub(super) async fn connect(
    context: &Context,
    endpoint: &endpoint::Udp,
) -> Result<(UdpSocket, SocketAddr), LinkError> {
    let address = link::one_to_call(context, &endpoint.host, endpoint.port).await?;
    let doing = format!("cannot send to udp://{address}");
    let open = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        socket.set_nonblocking(true)?;
        let interface = find_interface(&socket, address, endpoint.interface.as_deref())?;
        if address.ip().is_multicast() {
            send_to_group(&socket, address.ip(), interface, endpoint)?;
        }
        let granted = grant(
            SEND_BUFFER,
            |n| socket.set_send_buffer_size(n),
            || socket.send_buffer_size(),
        )?;
        warn_if_small(context, granted, SEND_BUFFER, "net.core.wmem_max");
        // Connected: errors come back to this output alone, and the route is looked up once.
        socket.connect(&SockAddr::from(scoped(address, interface)))?;
        Ok(socket.into())
    };
    Ok((open().map_err(LinkError::io(doing))?, address))
}

/// The same socket, registered with the runtime: to wait for it.
///
/// A registered socket wakes a thread whenever its buffers change, so sockets are registered only
/// while somebody waits.
pub(super) fn watch(socket: &UdpSocket) -> io::Result<tokio::net::UdpSocket> {
    tokio::net::UdpSocket::from_std(socket.try_clone()?)
}

fn join(socket: &Socket, group: IpAddr, interface: Interface) -> io::Result<()> {
    match (group, interface) {
        (IpAddr::V4(group), Interface::Any) => {
            socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)
        }
        (IpAddr::V4(group), Interface::Address(address)) => {
            socket.join_multicast_v4(&group, &address)
        }
        (IpAddr::V4(group), Interface::Index(index)) => {
            socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))
        }
        (IpAddr::V6(group), interface) => socket.join_multicast_v6(&group, interface.index()),
    }
}

fn send_to_group(
    socket: &Socket,
    group: IpAddr,
    interface: Interface,
    endpoint: &endpoint::Udp,
) -> io::Result<()> {
    let hops = u32::from(endpoint.ttl);
    match group {
        IpAddr::V4(group) => {
            socket.set_multicast_ttl_v4(hops)?;
            socket.set_multicast_loop_v4(endpoint.loopback)?;
            match interface {
                Interface::Any => Ok(()),
                Interface::Address(address) => socket.set_multicast_if_v4(&address),
                Interface::Index(index) => {
                    let any = Ipv4Addr::UNSPECIFIED;
                    rustix::net::sockopt::set_ip_multicast_if_with_ifindex(
                        socket, &group, &any, index,
                    )?;
                    Ok(())
                }
            }
        }
        IpAddr::V6(_) => {
            socket.set_multicast_hops_v6(hops)?;
            socket.set_multicast_loop_v6(endpoint.loopback)?;
            socket.set_multicast_if_v6(interface.index())
        }
    }
}

/// An address of a single link (RFC 4291 §2.5.6, §2.7) means nothing without its interface.
fn scoped(address: SocketAddr, interface: Interface) -> SocketAddr {
    match address {
        SocketAddr::V6(mut v6) if v6.scope_id() == 0 => {
            v6.set_scope_id(interface.index());
            v6.into()
        }
        _ => address,
    }
}

fn find_interface(
    socket: &Socket,
    address: SocketAddr,
    given: Option<&str>,
) -> io::Result<Interface> {
    let Some(given) = given else {
        return Ok(Interface::Any);
    };
    match given.parse() {
        Ok(interface) if address.is_ipv4() => return Ok(Interface::Address(interface)),
        Ok(_) => {
            let text = "IPv6 needs its interface by device name, as in interface=eth0";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Err(_) => {}
    }
    match rustix::net::netdevice::name_to_index(socket, given) {
        Ok(index) => Ok(Interface::Index(index)),
        Err(error) => {
            let text =
                format!("no network interface is called {given:?} ({error}); see `ip address`");
            Err(io::Error::new(io::ErrorKind::NotFound, text))
        }
    }
}

/// Asks for a buffer; returns what the system grants, in payload bytes.
fn grant(
    wanted: usize,
    set: impl FnOnce(usize) -> io::Result<()>,
    get: impl FnOnce() -> io::Result<usize>,
) -> io::Result<usize> {
    set(wanted)?;
    // Linux reports twice what it granted, the other half being for its own book-keeping
    // (socket(7), SO_RCVBUF).
    Ok(get()? / 2)
}

fn warn_if_small(context: &Context, granted: usize, wanted: usize, limit: &'static str) {
    if granted >= wanted {
        return;
    }
    if let Some(held_back) = context.complaints().admit(limit, Instant::now()) {
        tracing::warn!(
            granted,
            wanted,
            held_back,
            "the socket buffer is smaller than wanted, bursts may be lost; raise it: sysctl -w {limit}={wanted}"
        );
    }
}
