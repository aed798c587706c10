//! Datagrams from a socket, many with one system call.

use bytes::{Bytes, BytesMut};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use tokio::io::Interest;
use tokio::net::UdpSocket;

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
#[derive(Debug)]
pub(super) struct Receiver {
    socket: UdpSocket,
    offload: UdpSocketState,
}

impl Receiver {
    /// Turns on receive offload where the system has it.
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        let offload = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self { socket, offload })
    }

    /// Resolves when there may be datagrams. Cancel safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Appends the datagrams that are there to `out`, at most those of [`MESSAGES`] messages;
    /// `Ok(0)` if there are none. Returns their bytes.
    pub(super) fn try_receive(&self, out: &mut Vec<Bytes>) -> io::Result<usize> {
        let receive = || LANDING.with_borrow_mut(|landing| self.receive_into(landing, out));
        match self.socket.try_io(Interest::READABLE, receive) {
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
        let to = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let from = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        from.connect(to.local_addr().unwrap()).await.unwrap();
        let receiver = Receiver::new(to).unwrap();
        let sent: Vec<Vec<u8>> = (0..10_u8)
            .map(|n| vec![n; DATAGRAM_BYTES - 188 * usize::from(n % 3)])
            .collect();
        for datagram in &sent {
            from.send(datagram).await.unwrap();
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
}
