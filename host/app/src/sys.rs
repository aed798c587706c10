//! The system calls that neither std nor tokio wraps.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

/// Soft and hard limit of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimit {
    /// What holds now.
    pub soft: u64,
    /// How far it may be raised.
    pub hard: u64,
}

/// Descriptors that the table is made large enough for at the start.
const TABLE: u64 = 65_536;

/// The limit of open files (getrlimit(2)).
pub(crate) fn file_limit() -> io::Result<FileLimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place for the kernel to write to for the whole call.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } {
        0 => Ok(FileLimit {
            soft: limit.rlim_cur,
            hard: limit.rlim_max,
        }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Raises the soft limit of open files to the hard one and grows the descriptor table once.
///
/// To be called before any thread is started: a process with several threads that grows its
/// table waits in the kernel for an RCU grace period, inside `socket` or `accept`; seconds
/// have been seen.
pub fn prepare_descriptors() -> io::Result<FileLimit> {
    let FileLimit { hard, .. } = file_limit()?;
    let wanted = libc::rlimit {
        rlim_cur: hard,
        rlim_max: hard,
    };
    // SAFETY: `wanted` is initialised and outlives the call, which only reads it.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let highest =
        libc::c_int::try_from(hard.min(TABLE).saturating_sub(1)).unwrap_or(libc::c_int::MAX);
    let any = std::fs::File::open("/dev/null")?;
    // SAFETY: `any` is an open descriptor; F_DUPFD_CLOEXEC makes a new one and touches no
    // memory of ours.
    let high = unsafe { libc::fcntl(any.as_raw_fd(), libc::F_DUPFD_CLOEXEC, highest) };
    if high < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `high` was made by the call above and is owned by nobody else.
    unsafe { libc::close(high) };
    file_limit()
}

/// From this size on a block of memory is the system's again as soon as it is freed.
#[cfg(target_env = "gnu")]
const LARGE_BLOCK: libc::c_int = 64 << 10;

/// Has glibc give large blocks back at once (mallopt(3), `M_MMAP_THRESHOLD`).
///
/// Left alone it raises that size to that of the largest block it saw freed, a key frame for
/// example. Such blocks then leave gaps that smaller ones never quite fill: a stream RTMP to RTMP
/// took 3.1 MB, and takes 2.8 MB so. Other C libraries have no such habit.
pub fn prepare_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number within the allocator; any value is allowed, and other threads are not
    // there yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BLOCK);
    }
}

/// The offset of local time from UTC at a Unix time, in minutes, east positive; 0 if the
/// system does not say.
pub(crate) fn utc_offset_minutes(unix_s: u64) -> i32 {
    let Ok(at) = libc::time_t::try_from(unix_s) else {
        return 0;
    };
    // SAFETY: `tm` is plain data for which all zeros is a value.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to valid, distinct locals for the whole call; localtime_r
    // keeps neither.
    if unsafe { libc::localtime_r(&raw const at, &raw mut local) }.is_null() {
        return 0;
    }
    i32::try_from(local.tm_gmtoff / 60).unwrap_or(0)
}

/// The addresses of this machine's interfaces, by their names (getifaddrs(3)); none if the system
/// does not say.
pub(crate) fn interface_addresses() -> Vec<(String, IpAddr)> {
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `first` is a valid place to write a pointer to.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Vec::new();
    }
    let mut addresses = Vec::new();
    let mut next = first;
    // SAFETY: the list ends with null; each of its entries is valid until freeifaddrs below.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: the address is null, or as long as its family demands.
        if let Some(address) = unsafe { address_of(entry.ifa_addr) } {
            // SAFETY: the name is a C string for as long as the entry is there.
            let name = unsafe { CStr::from_ptr(entry.ifa_name) };
            addresses.push((name.to_string_lossy().into_owned(), address));
        }
        next = entry.ifa_next;
    }
    // SAFETY: `first` came from getifaddrs, and nothing of the list is used after this.
    unsafe { libc::freeifaddrs(first) };
    addresses
}

/// # Safety
/// `address` is null or points to a socket address of the size that its family has.
unsafe fn address_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: the caller's promise.
    let family = libc::c_int::from(unsafe { address.as_ref() }?.sa_family);
    match family {
        libc::AF_INET => {
            // SAFETY: the caller's promise; unaligned, since nobody promises alignment.
            let v4 = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

/// Whether a socket takes an option of the UDP level (udp(7): `UDP_SEGMENT`, `UDP_GRO`).
pub(crate) fn takes_udp_option(socket: &std::net::UdpSocket, option: libc::c_int) -> bool {
    let value: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(4);
    // SAFETY: the pointer and size describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            option,
            (&raw const value).cast(),
            size,
        )
    };
    result == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_of_files_is_raised_to_the_hard_one() {
        let limit = prepare_descriptors().unwrap();
        assert_eq!(limit.soft, limit.hard);
    }

    #[test]
    fn loopback_has_its_address() {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let found = interface_addresses();
        assert!(found.contains(&("lo".to_owned(), here)), "{found:?}");
    }

    #[test]
    fn offsets_are_within_what_the_world_uses() {
        assert!((-720..=840).contains(&utc_offset_minutes(1_700_000_000)));
    }
}
