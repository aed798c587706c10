//! One system call for a run of datagrams.

use super::batch::Run;
use libc::{SOL_UDP, UDP_SEGMENT};
use socket2::{MsgHdr, SockRef};
use std::io::{self, IoSlice};
use std::net::UdpSocket;

/// Bytes of a `cmsghdr` (cmsg(3)): length, level, type.
const HEADER_BYTES: usize = size_of::<usize>() + 2 * size_of::<i32>();

/// Bytes of the control message, its `u16` padded to the alignment of a `usize`.
const CONTROL_BYTES: usize = HEADER_BYTES + size_of::<usize>();

/// Sends a run to the peer the socket is connected to, as one call; the kernel or the network
/// card cuts it. Does not wait: `WouldBlock` when the send buffer is full.
pub(super) fn send_run(socket: &UdpSocket, run: &Run, slices: &[IoSlice<'_>]) -> io::Result<()> {
    let control = segment_control(run.segment_bytes);
    let mut message = MsgHdr::new().with_buffers(slices);
    if slices.len() > 1 {
        message = message.with_control(&control);
    }
    SockRef::from(socket).sendmsg(&message, 0).map(drop)
}

/// Sends one datagram.
pub(super) fn send_one(socket: &UdpSocket, datagram: &[u8]) -> io::Result<()> {
    socket.send(datagram).map(drop)
}

/// Tells the kernel where to cut (udp(7), `UDP_SEGMENT`). Written out byte for byte, since the
/// `CMSG_*` macros work on raw pointers; the kernel asks for no alignment of the buffer.
fn segment_control(segment_bytes: usize) -> [u8; CONTROL_BYTES] {
    let length = HEADER_BYTES + size_of::<u16>();
    // A segment is at most a datagram, which fits.
    let segment = u16::try_from(segment_bytes).unwrap_or(u16::MAX);
    let fields = length
        .to_ne_bytes()
        .into_iter()
        .chain(SOL_UDP.to_ne_bytes())
        .chain(UDP_SEGMENT.to_ne_bytes())
        .chain(segment.to_ne_bytes());
    let mut control = [0; CONTROL_BYTES];
    for (byte, value) in control.iter_mut().zip(fields) {
        *byte = value;
    }
    control
}

/// Whether an error of a segmented send means that segmentation itself is not to be had here:
/// an old kernel, a device without checksum offload, a segment beyond the path's MTU.
pub(super) fn is_about_offload(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::EIO | libc::EOPNOTSUPP | libc::EMSGSIZE | libc::ENOPROTOOPT)
    )
}
