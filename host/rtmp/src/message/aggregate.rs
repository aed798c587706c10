//! Aggregate messages, type 22: several FLV-like tags in one body (RTMP 1.0 §7.1.6).

use bytes::Bytes;

use super::{Error, Kind, Message};

/// Type, length, timestamp, its extension, stream id.
const HEADER_LEN: usize = 11;
/// The length of the tag, again, behind it.
const BACK_POINTER_LEN: usize = 4;

/// The longest aggregate that is split. FMS makes them of 64 KiB; a long one of empty parts would
/// become many times its size.
pub const MAX_LEN: usize = 1 << 20;

/// Refuses an aggregate longer than [`MAX_LEN`].
pub fn check_len(message: &Message) -> Result<(), Error> {
    match message.payload.len() {
        ..=MAX_LEN => Ok(()),
        len => Err(Error::AggregateTooLong { len }),
    }
}

/// Splits an aggregate; the inner messages share its memory.
///
/// Inner timestamps count from an epoch of their own: the first of them happens at the
/// aggregate's time, the others keep their distance to it. All belong to the aggregate's message
/// stream, whatever they say.
#[derive(Debug)]
pub struct Split {
    rest: Bytes,
    offset: usize,
    stream_id: u32,
    timestamp_ms: u32,
    first_ms: Option<u32>,
}

/// Begins to split `message`, which is of [`Kind::Aggregate`].
pub fn split(message: &Message) -> Split {
    Split {
        rest: message.payload.clone(),
        offset: 0,
        stream_id: message.stream_id,
        timestamp_ms: message.timestamp_ms,
        first_ms: None,
    }
}

impl Split {
    fn take(&mut self) -> Result<Message, Error> {
        let lie = |announced| Error::Aggregate {
            offset: self.offset,
            announced,
            left: self.rest.len(),
        };
        let Some(&header) = self.rest.first_chunk::<HEADER_LEN>() else {
            return Err(lie(HEADER_LEN));
        };
        let [kind, l2, l1, l0, t2, t1, t0, t3, ..] = header;
        let len = u32::from_be_bytes([0, l2, l1, l0]) as usize;
        let end = HEADER_LEN + len;
        if self.rest.len() < end {
            return Err(lie(end));
        }
        let own_ms = u32::from_be_bytes([t3, t2, t1, t0]);
        let first_ms = *self.first_ms.get_or_insert(own_ms);
        let message = Message {
            kind: Kind::from(kind),
            timestamp_ms: self
                .timestamp_ms
                .wrapping_add(own_ms.wrapping_sub(first_ms)),
            stream_id: self.stream_id,
            payload: self.rest.slice(HEADER_LEN..end),
        };
        // Some senders leave out the last back pointer.
        let next = (end + BACK_POINTER_LEN).min(self.rest.len());
        drop(self.rest.split_to(next));
        self.offset += next;
        Ok(message)
    }
}

impl Iterator for Split {
    type Item = Result<Message, Error>;

    /// The next inner message. After an error the iterator is over.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let taken = self.take();
        if taken.is_err() {
            self.rest.clear();
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};

    use super::*;

    fn tag(out: &mut BytesMut, kind: u8, ms: u32, payload: &[u8], announced: usize) {
        out.put_u8(kind);
        out.put_uint(announced as u64, 3);
        out.put_uint(u64::from(ms & 0xff_ffff), 3);
        out.put_u8((ms >> 24) as u8);
        out.put_uint(0, 3);
        out.put_slice(payload);
        out.put_u32((HEADER_LEN + payload.len()) as u32);
    }

    fn aggregate(payload: BytesMut) -> Message {
        let payload = payload.freeze();
        Message {
            kind: Kind::Aggregate,
            timestamp_ms: 5_000,
            stream_id: 1,
            payload,
        }
    }

    #[test]
    fn inner_timestamps_are_rebased_on_the_aggregates() {
        let mut body = BytesMut::new();
        tag(&mut body, 9, 0x0100_0000, b"key", 3);
        tag(&mut body, 8, 0x0100_0017, b"aac", 3);
        tag(&mut body, 8, 0x00ff_fff0, b"", 0);
        let parts: Result<Vec<_>, _> = split(&aggregate(body)).collect();
        let parts = parts.unwrap();
        let got: Vec<_> = parts
            .iter()
            .map(|part| (part.kind, part.timestamp_ms, &part.payload[..]))
            .collect();
        assert_eq!(
            got,
            [
                (Kind::Video, 5_000, &b"key"[..]),
                (Kind::Audio, 5_023, &b"aac"[..]),
                (Kind::Audio, 4_984, &b""[..]),
            ]
        );
    }

    #[test]
    fn a_length_past_the_end_is_an_error_and_the_end() {
        let mut body = BytesMut::new();
        tag(&mut body, 9, 0, b"good", 4);
        tag(&mut body, 9, 0, b"liar", 0xff_ffff);
        let parts: Vec<_> = split(&aggregate(body)).collect();
        assert!(parts[0].is_ok());
        let announced = HEADER_LEN + 0xff_ffff;
        assert_eq!(
            parts[1],
            Err(Error::Aggregate {
                offset: 19,
                announced,
                left: 19
            })
        );
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn the_last_back_pointer_may_be_missing() {
        let mut body = BytesMut::new();
        tag(&mut body, 9, 0, b"good", 4);
        body.truncate(body.len() - BACK_POINTER_LEN);
        assert!(split(&aggregate(body)).all(|part| part.is_ok()));
    }
}
