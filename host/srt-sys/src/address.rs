//! `SocketAddr` to `sockaddr` and back.

use libc::{c_int, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage};
use std::mem::{MaybeUninit, size_of};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// A socket address in C's form.
pub(crate) struct RawAddress(sockaddr_storage);

const STORAGE_LEN: c_int = size_of::<sockaddr_storage>() as c_int;

impl RawAddress {
    /// The C form, and how many bytes of it count.
    pub(crate) fn new(address: SocketAddr) -> (Self, c_int) {
        let mut raw = Self::zeroed();
        let place = &raw mut raw.0;
        match address {
            SocketAddr::V4(v4) => {
                let value = sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(v4.ip().octets()),
                    },
                    sin_zero: [0; 8],
                };
                // SAFETY: sockaddr_storage has the size and alignment for every family.
                unsafe { place.cast::<sockaddr_in>().write(value) };
                (raw, size_of::<sockaddr_in>() as c_int)
            }
            SocketAddr::V6(v6) => {
                let value = sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: v6.ip().octets(),
                    },
                    sin6_scope_id: v6.scope_id(),
                };
                // SAFETY: as above.
                unsafe { place.cast::<sockaddr_in6>().write(value) };
                (raw, size_of::<sockaddr_in6>() as c_int)
            }
        }
    }

    /// Lets `fill` write an address; `None` when it fails or the family is neither IP.
    pub(crate) fn read_from(
        fill: impl FnOnce(*mut sockaddr, &mut c_int) -> bool,
    ) -> Option<SocketAddr> {
        let mut raw = Self::zeroed();
        let mut len = STORAGE_LEN;
        let filled = fill((&raw mut raw.0).cast(), &mut len);
        // SAFETY: `raw` is a whole, initialised sockaddr_storage on this stack.
        filled
            .then(|| unsafe { to_socket_addr(raw.as_ptr()) })
            .flatten()
    }

    /// For C functions that take `const sockaddr *`.
    pub(crate) const fn as_ptr(&self) -> *const sockaddr {
        (&raw const self.0).cast()
    }

    const fn zeroed() -> Self {
        // SAFETY: all-zero bytes are a valid sockaddr_storage (integers and byte arrays).
        unsafe { MaybeUninit::zeroed().assume_init() }
    }
}

/// Reads a C address; `None` when null or of another family than IPv4 and IPv6.
///
/// # Safety
/// `raw` is null or points to an address as long as its family says.
pub(crate) unsafe fn to_socket_addr(raw: *const sockaddr) -> Option<SocketAddr> {
    if raw.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for the family field and for the length it implies; the
    // reads are unaligned, so alignment does not matter.
    unsafe {
        match c_int::from((*raw).sa_family) {
            libc::AF_INET => {
                let v4 = raw.cast::<sockaddr_in>().read_unaligned();
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 => {
                let v6 = raw.cast::<sockaddr_in6>().read_unaligned();
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_to_c_and_back() {
        for text in ["127.0.0.1:9000", "[::1]:65535", "[fe80::1%3]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            let (raw, _) = RawAddress::new(address);
            // SAFETY: `raw` is a whole sockaddr_storage.
            assert_eq!(unsafe { to_socket_addr(raw.as_ptr()) }, Some(address));
        }
    }
}
