//! Chunks of a stream as SRT messages.

use bytes::{Bytes, BytesMut};

/// Payload bytes of a message: seven transport packets, what every SRT peer expects in live
/// mode (libsrt `SRT_LIVE_DEF_PLSIZE`).
pub(super) const MESSAGE_BYTES: usize = 7 * media::ts::PACKET_BYTES;

/// Lays chunks out as messages of at most [`MESSAGE_BYTES`], whole packets each.
///
/// What is large enough goes as it is or in slices; only chunks so small that several fit one
/// message are copied together.
pub(super) fn lay_out(chunks: impl IntoIterator<Item = Bytes>, messages: &mut Vec<Bytes>) {
    let mut gathered: Vec<Bytes> = Vec::new();
    let mut room = MESSAGE_BYTES;
    for mut chunk in chunks {
        while chunk.len() > room {
            flush(&mut gathered, messages);
            room = MESSAGE_BYTES;
            if chunk.len() > MESSAGE_BYTES {
                messages.push(chunk.split_to(MESSAGE_BYTES));
            }
        }
        if !chunk.is_empty() {
            room -= chunk.len();
            gathered.push(chunk);
        }
    }
    flush(&mut gathered, messages);
}

fn flush(gathered: &mut Vec<Bytes>, messages: &mut Vec<Bytes>) {
    if gathered.len() < 2 {
        messages.append(gathered);
        return;
    }
    let mut message = BytesMut::with_capacity(MESSAGE_BYTES);
    for chunk in gathered.drain(..) {
        message.extend_from_slice(&chunk);
    }
    messages.push(message.freeze());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets in each message, of chunks with so many packets.
    fn packets(chunks: &[usize]) -> Vec<usize> {
        let (mut sent, mut number) = (Vec::new(), 0_u8);
        let chunks = chunks.iter().map(|packets| {
            let bytes = (0..*packets).flat_map(|_| {
                number += 1;
                [number; 188]
            });
            let chunk: Bytes = bytes.collect::<Vec<u8>>().into();
            sent.extend_from_slice(&chunk);
            chunk
        });
        let mut messages = Vec::new();
        lay_out(chunks.collect::<Vec<_>>(), &mut messages);
        assert_eq!(messages.concat(), sent, "nothing is lost or moved");
        messages.iter().map(|message| message.len() / 188).collect()
    }

    #[test]
    fn messages_are_whole_packets_and_at_most_seven() {
        assert_eq!(packets(&[]), [0; 0]);
        assert_eq!(packets(&[7, 7]), [7, 7]);
        assert_eq!(packets(&[16]), [7, 7, 2]);
        assert_eq!(packets(&[1, 2, 4, 3]), [7, 3]);
        assert_eq!(packets(&[5, 5]), [5, 5]);
        assert_eq!(packets(&[3, 15, 6, 7]), [3, 7, 7, 7, 7]);
    }

    #[test]
    fn a_chunk_that_fills_a_message_is_not_copied() {
        let chunk = Bytes::from(vec![0x47; MESSAGE_BYTES]);
        let mut messages = Vec::new();
        lay_out([chunk.clone()], &mut messages);
        assert_eq!(messages[0].as_ptr(), chunk.as_ptr());
    }
}
