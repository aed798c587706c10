//! Datagrams from a socket, many with one system call.

use bytes::{Bytes, BytesMut};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use tokio::io::Interest;

/// Messages taken by one system call; each may be a train of datagrams.
const MESSAGES: usize = 16;

/// The longest train that receive offload (GRO) makes.
const MESSAGE_BYTES: usize = 64 << 10;

thread_local! {
    /// Where messages land before they are packed. One a thread, not one a socket: a train
    /// may fill 64 KB where a lone datagram fills 1316 bytes, and what is kept must not pin
    /// the difference. Pages never written to take no memory.
    static LANDING: RefCell<Vec<u8>> = RefCell::new(vec![0; MESSAGES * MESSAGE_BYTES]);
}

/// Receives whole batches from one socket.
///
/// The runtime watches the socket only while somebody waits in [`Receiver::readable`] or between
/// two such waits: a watched socket wakes a thread for each datagram, whoever waits.
#[derive(Debug)]
pub(super) struct Receiver {
    socket: UdpSocket,
    watch: Option<tokio::net::UdpSocket>,
    offload: UdpSocketState,
}

impl Receiver {
    /// Turns on receive offload where the system has it.
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        let offload = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self {
            socket,
            watch: None,
            offload,
        })
    }

    /// Resolves when there may be datagrams. Cancel safe.
    pub(super) async fn readable(&mut self) -> io::Result<()> {
        let watch = match &mut self.watch {
            Some(watch) => watch,
            none => none.insert(super::socket::watch(&self.socket)?),
        };
        watch.readable().await
    }

    /// Has nobody woken for datagrams, until [`Receiver::readable`] is asked again.
    pub(super) fn look_away(&mut self) {
        self.watch = None;
    }

    /// Appends the datagrams that are there to `out`, at most those of [`MESSAGES`] messages;
    /// `Ok(0)` if there are none. Returns their bytes.
    pub(super) fn try_receive(&self, out: &mut Vec<Bytes>) -> io::Result<usize> {
        let mut receive = || LANDING.with_borrow_mut(|landing| self.receive_into(landing, out));
        let received = match &self.watch {
            Some(watch) => watch.try_io(Interest::READABLE, &mut receive),
            None => receive(),
        };
        match received {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    fn receive_into(&self, landing: &mut [u8], out: &mut Vec<Bytes>) -> io::Result<usize> {
        let mut metas = [RecvMeta::default(); MESSAGES];
        let count = {
            let mut messages = landing.chunks_exact_mut(MESSAGE_BYTES);
            let mut slices: [_; MESSAGES] =
                std::array::from_fn(|_| IoSliceMut::new(messages.next().unwrap_or_default()));
            self.offload
                .recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas)?
        };
        let metas = metas.get(..count).unwrap_or_default();
        let total = metas.iter().map(|meta| meta.len).sum();
        // One allocation of the exact size for all of them.
        let mut packed = BytesMut::with_capacity(total);
        for (meta, message) in metas.iter().zip(landing.chunks_exact(MESSAGE_BYTES)) {
            packed.extend_from_slice(message.get(..meta.len).unwrap_or_default());
        }
        let mut packed = packed.freeze();
        for meta in metas {
            cut(
                packed.split_to(meta.len.min(packed.len())),
                meta.stride,
                out,
            );
        }
        Ok(total)
    }
}

/// Cuts a train into its datagrams: all of `stride` bytes, the last may be shorter.
fn cut(mut train: Bytes, stride: usize, out: &mut Vec<Bytes>) {
    while train.len() > stride && stride > 0 {
        out.push(train.split_to(stride));
    }
    if !train.is_empty() {
        out.push(train);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::udp::DATAGRAM_BYTES;

    #[test]
    fn a_train_is_cut_at_its_stride_and_its_last_may_be_short() {
        let mut out = Vec::new();
        cut(Bytes::from(vec![1; 25]), 10, &mut out);
        let sizes: Vec<_> = out.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [10, 10, 5]);
        out.clear();
        cut(Bytes::from(vec![1; 25]), 0, &mut out);
        assert_eq!(out.len(), 1, "a nonsensical stride ends");
    }

    #[tokio::test]
    async fn datagrams_arrive_whole_in_order_and_packed_without_gaps() {
        let to = UdpSocket::bind("127.0.0.1:0").unwrap();
        to.set_nonblocking(true).unwrap();
        let from = UdpSocket::bind("127.0.0.1:0").unwrap();
        from.connect(to.local_addr().unwrap()).unwrap();
        let mut receiver = Receiver::new(to).unwrap();
        let sent: Vec<Vec<u8>> = (0..10_u8)
            .map(|n| vec![n; DATAGRAM_BYTES - 188 * usize::from(n % 3)])
            .collect();
        for datagram in &sent {
            from.send(datagram).unwrap();
        }
        let mut got = Vec::new();
        while got.len() < sent.len() {
            receiver.readable().await.unwrap();
            let before = got.len();
            receiver.try_receive(&mut got).unwrap();
            for pair in got[before..].windows(2) {
                let end = pair[0].as_ptr() as usize + pair[0].len();
                assert_eq!(end, pair[1].as_ptr() as usize, "packed without gaps");
            }
        }
        assert_eq!(got, sent);
    }

    #[tokio::test]
    async fn datagrams_that_came_while_nobody_looked_are_found_by_looking_and_by_waiting() {
        let to = UdpSocket::bind("127.0.0.1:0").unwrap();
        to.set_nonblocking(true).unwrap();
        let from = UdpSocket::bind("127.0.0.1:0").unwrap();
        from.connect(to.local_addr().unwrap()).unwrap();
        let mut receiver = Receiver::new(to).unwrap();
        let mut got = Vec::new();
        from.send(&[1; 188]).unwrap();
        receiver.readable().await.unwrap();
        receiver.try_receive(&mut got).unwrap();
        receiver.look_away();
        assert_eq!(receiver.try_receive(&mut got).unwrap(), 0);
        from.send(&[2; 188]).unwrap();
        assert_eq!(receiver.try_receive(&mut got).unwrap(), 188);
        from.send(&[3; 188]).unwrap();
        receiver.readable().await.unwrap();
        assert_eq!(receiver.try_receive(&mut got).unwrap(), 188);
        let firsts: Vec<_> = got.iter().map(|datagram| datagram[0]).collect();
        assert_eq!(firsts, [1, 2, 3]);
    }
}
