//! System calls that the standard library has no words for.

#![allow(unsafe_code)]

use std::io;
use std::net::{SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// Nanoseconds of the clock that every process of this host shares (`CLOCK_MONOTONIC`).
pub(crate) fn monotonic_ns() -> u64 {
    nanoseconds(read_clock(libc::CLOCK_MONOTONIC).unwrap_or(NEVER))
}

/// Processor time a process has used, its ended threads included. Finer than the ticks of
/// `/proc/PID/stat`, and the same account.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    let mut clock = 0;
    // SAFETY: `clock` is a valid place for the answer.
    let refused = unsafe { libc::clock_getcpuclockid(pid.cast_signed(), &raw mut clock) };
    if refused != 0 {
        return Err(io::Error::from_raw_os_error(refused));
    }
    read_clock(clock).map(|time| Duration::from_nanos(nanoseconds(time)))
}

/// Asks a process to end.
pub(crate) fn terminate(pid: u32) {
    // SAFETY: a signal touches no memory of ours. It may find nobody: then all is done.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGTERM) };
}

/// Has a child end when the thread that starts it ends, even if that is killed.
pub(crate) fn end_with_parent(command: &mut Command) -> &mut Command {
    let ask = || {
        // SAFETY: takes numbers only.
        checked(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) }).map(drop)
    };
    // SAFETY: between fork and exec there is one system call, and no allocation.
    unsafe { command.pre_exec(ask) }
}

/// Lets this thread's sleeps end on time: by default the kernel adds up to 50 µs.
pub(crate) fn sleep_precisely() {
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000_u64) };
}

/// Raises the limit of open files as far as it goes.
pub(crate) fn raise_descriptor_limit() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place to read from and to write to.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
}

/// Takes up to `max` received bytes off a TCP socket without copying them (tcp(7), `MSG_TRUNC`).
pub(crate) fn discard(tcp: &TcpStream, max: usize) -> io::Result<usize> {
    let flags = libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    // SAFETY: with MSG_TRUNC on TCP nothing is written to the buffer, so it may be null.
    let taken = unsafe { libc::recv(tcp.as_raw_fd(), std::ptr::null_mut(), max, flags) };
    usize::try_from(taken).map_err(|_| io::Error::last_os_error())
}

/// Waits for many sockets at once.
pub(crate) struct Poller {
    epoll: OwnedFd,
    ready: Vec<libc::epoll_event>,
}

impl Poller {
    /// Watches nothing yet.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: the call takes a flag; what it returns is a new descriptor, ours alone.
        let epoll = unsafe {
            let fd = checked(libc::epoll_create1(libc::EPOLL_CLOEXEC))?;
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Self {
            epoll,
            ready: vec![libc::epoll_event { events: 0, u64: 0 }; 64],
        })
    }

    /// Reports `token` whenever `socket` can be read, until it is closed.
    pub(crate) fn watch(&self, socket: &impl AsRawFd, token: usize) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token as u64,
        };
        let (epoll, fd) = (self.epoll.as_raw_fd(), socket.as_raw_fd());
        // SAFETY: both descriptors are open, `event` is read during the call only.
        checked(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) })?;
        Ok(())
    }

    /// The tokens of sockets that can be read, after at most `timeout`, in whole milliseconds.
    pub(crate) fn wait(
        &mut self,
        timeout: Duration,
    ) -> io::Result<impl Iterator<Item = usize> + '_> {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let (places, room) = (self.ready.as_mut_ptr(), self.ready.len() as i32);
        // SAFETY: `places` has room for `room` events.
        let count = unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), places, room, timeout_ms) };
        let count = match checked(count) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            count => count? as usize,
        };
        Ok(self
            .ready
            .iter()
            .take(count)
            .map(|event| event.u64 as usize))
    }
}

/// Receives many datagrams with one system call.
pub(crate) struct Receiver {
    room: Box<[[u8; Receiver::DATAGRAM]]>,
    lengths: [usize; Receiver::BATCH],
}

impl Receiver {
    const BATCH: usize = 64;
    const DATAGRAM: usize = 2048;

    /// With room of its own, to be used with any number of sockets.
    pub(crate) fn new() -> Self {
        let room = vec![[0; Self::DATAGRAM]; Self::BATCH].into_boxed_slice();
        Self {
            room,
            lengths: [0; Self::BATCH],
        }
    }

    /// What is there, up to 64 datagrams; empty if nothing is.
    pub(crate) fn receive(
        &mut self,
        socket: &UdpSocket,
    ) -> io::Result<impl Iterator<Item = &[u8]>> {
        let mut slices = self.room.each_slot();
        // SAFETY: all zeros are valid for these plain structures.
        let mut headers: [libc::mmsghdr; Self::BATCH] = unsafe { std::mem::zeroed() };
        for (header, slice) in headers.iter_mut().zip(&mut slices) {
            header.msg_hdr.msg_iov = slice;
            header.msg_hdr.msg_iovlen = 1;
        }
        let (fd, none) = (socket.as_raw_fd(), std::ptr::null_mut());
        let (first, count) = (headers.as_mut_ptr(), Self::BATCH as u32);
        // SAFETY: each header points at one slice, and each slice at a slot of `room`.
        let count = unsafe { libc::recvmmsg(fd, first, count, libc::MSG_DONTWAIT, none) };
        let count = match checked(count) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            count => count? as usize,
        };
        for (length, header) in self.lengths.iter_mut().zip(&headers) {
            *length = header.msg_len as usize;
        }
        let slots = self.room.iter().zip(self.lengths).take(count);
        Ok(slots.filter_map(|(slot, length)| slot.get(..length)))
    }
}

/// Slots of memory, described for the kernel.
trait Slots {
    fn each_slot(&mut self) -> Vec<libc::iovec>;
}

impl Slots for [[u8; Receiver::DATAGRAM]] {
    fn each_slot(&mut self) -> Vec<libc::iovec> {
        let describe = |slot: &mut [u8; Receiver::DATAGRAM]| libc::iovec {
            iov_base: slot.as_mut_ptr().cast(),
            iov_len: Receiver::DATAGRAM,
        };
        self.iter_mut().map(describe).collect()
    }
}

/// The control message that has the kernel cut a buffer to datagrams (udp(7), `UDP_SEGMENT`).
#[repr(C, align(8))]
struct Segment {
    header: libc::cmsghdr,
    bytes: u16,
}

/// Sends one buffer, as datagrams of `segment` bytes, to each of `peers` with one system call.
pub(crate) fn send_to_all(
    socket: &UdpSocket,
    buffer: &[u8],
    segment: u16,
    peers: &[SocketAddrV4],
) -> io::Result<()> {
    let mut slice = libc::iovec {
        iov_base: buffer.as_ptr().cast_mut().cast(),
        iov_len: buffer.len(),
    };
    let mut control = Segment {
        // SAFETY: all zeros are valid for a plain structure.
        header: unsafe { std::mem::zeroed() },
        bytes: segment,
    };
    control.header.cmsg_len = size_of::<libc::cmsghdr>() + size_of::<u16>();
    control.header.cmsg_level = libc::SOL_UDP;
    control.header.cmsg_type = libc::UDP_SEGMENT;
    let mut names: Vec<_> = peers.iter().map(|&peer| raw_address(peer)).collect();
    let message = |name: &mut libc::sockaddr_in| {
        // SAFETY: as above.
        let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
        message.msg_hdr.msg_name = (&raw mut *name).cast();
        message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
        message.msg_hdr.msg_iov = &raw mut slice;
        message.msg_hdr.msg_iovlen = 1;
        if buffer.len() > usize::from(segment) {
            message.msg_hdr.msg_control = (&raw mut control).cast();
            message.msg_hdr.msg_controllen = size_of::<Segment>();
        }
        message
    };
    let mut messages: Vec<_> = names.iter_mut().map(message).collect();
    let mut sent = 0;
    while let Some(rest) = messages.get_mut(sent..).filter(|rest| !rest.is_empty()) {
        let (first, count) = (rest.as_mut_ptr(), rest.len() as u32);
        // SAFETY: names, slice and control outlive the call; the kernel only reads them.
        sent += checked(unsafe { libc::sendmmsg(socket.as_raw_fd(), first, count, 0) })? as usize;
    }
    Ok(())
}

fn raw_address(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from(*address.ip()).to_be(),
        },
        sin_zero: [0; 8],
    }
}

const NEVER: libc::timespec = libc::timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

fn read_clock(clock: libc::clockid_t) -> io::Result<libc::timespec> {
    let mut time = NEVER;
    // SAFETY: `time` is a valid place for the answer.
    checked(unsafe { libc::clock_gettime(clock, &raw mut time) })?;
    Ok(time)
}

fn nanoseconds(time: libc::timespec) -> u64 {
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

fn checked(result: RawFd) -> io::Result<i32> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
