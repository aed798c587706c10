//! Requests, responses and interleaved packets, in and out of a byte stream.

use bytes::{Buf, Bytes, BytesMut};
use rtsp_types::{HeaderName, StatusCode};

/// A request with its body.
pub type Request = rtsp_types::Request<Vec<u8>>;

/// A response with its body.
pub type Response = rtsp_types::Response<Vec<u8>>;

/// A request line with its headers has at most this many bytes.
pub const MAX_HEAD_BYTES: usize = 16 << 10;

/// A body has at most this many bytes: descriptions have some thousand.
pub const MAX_BODY_BYTES: usize = 64 << 10;

/// `$`, channel and length (RFC 2326 §10.12).
pub const FRAME_HEADER_BYTES: usize = 4;

const DOLLAR: u8 = b'$';

/// What came over a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Of a client.
    Request(Request),
    /// Of a server.
    Response(Response),
    /// A packet within the connection.
    Data {
        /// As agreed on by `SETUP`.
        channel: u8,
        /// An RTP or RTCP packet; a slice of what was read.
        payload: Bytes,
    },
}

/// Why a byte stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Neither a message nor an interleaved packet begins here.
    #[error("byte {0:#04x} begins neither an RTSP message nor an interleaved packet")]
    Garbage(u8),
    /// A head that does not end.
    #[error("the head of a message has more than {MAX_HEAD_BYTES} bytes")]
    HeadTooLong,
    /// A body that is longer than any description.
    #[error("the body of a message has more than {MAX_BODY_BYTES} bytes")]
    BodyTooLong,
    /// A complete head that means nothing.
    #[error("a message cannot be parsed; expected is RTSP 1.0 (RFC 2326)")]
    Malformed,
}

/// Finds the messages of a byte stream. Holds at most one unfinished message.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    /// No head ends within so many bytes.
    searched: usize,
}

impl Decoder {
    /// Takes what was read. Reads that follow each other in one allocation are joined without a
    /// copy.
    pub fn push(&mut self, input: BytesMut) {
        match self.buffer.is_empty() {
            true => self.buffer = input,
            false => self.buffer.unsplit(input),
        }
    }

    /// The next message, if it is complete.
    ///
    /// # Errors
    /// When the stream makes no sense from here on: close the connection.
    pub fn poll(&mut self) -> Result<Option<Input>, DecodeError> {
        loop {
            match self.buffer.first() {
                None => return Ok(None),
                // Blank lines between messages keep connections alive.
                Some(b'\r' | b'\n') => self.buffer.advance(1),
                Some(&DOLLAR) => return Ok(self.frame()),
                Some(byte) if byte.is_ascii_uppercase() => return self.message(),
                Some(&byte) => return Err(DecodeError::Garbage(byte)),
            }
        }
    }

    fn frame(&mut self) -> Option<Input> {
        let (_, channel, length) = frame_header(&self.buffer)?;
        let end = FRAME_HEADER_BYTES + length;
        if self.buffer.len() < end {
            return None;
        }
        let mut payload = self.buffer.split_to(end);
        payload.advance(FRAME_HEADER_BYTES);
        Some(Input::Data {
            channel,
            payload: payload.freeze(),
        })
    }

    fn message(&mut self) -> Result<Option<Input>, DecodeError> {
        let from = self.searched.saturating_sub(3);
        let unsearched = self.buffer.get(from..).unwrap_or_default();
        let Some(at) = unsearched.windows(4).position(|four| four == b"\r\n\r\n") else {
            self.searched = self.buffer.len();
            return match self.searched > MAX_HEAD_BYTES {
                true => Err(DecodeError::HeadTooLong),
                false => Ok(None),
            };
        };
        let head = from + at + 4;
        if head > MAX_HEAD_BYTES {
            return Err(DecodeError::HeadTooLong);
        }
        self.searched = head - 1;
        let (message, used) = match rtsp_types::Message::<Vec<u8>>::parse(&self.buffer) {
            Ok(parsed) => parsed,
            Err(rtsp_types::ParseError::Incomplete(_)) => return self.await_body(head),
            Err(rtsp_types::ParseError::Error) => return Err(DecodeError::Malformed),
        };
        self.buffer.advance(used.min(self.buffer.len()));
        self.searched = 0;
        match message {
            rtsp_types::Message::Request(request) => Ok(Some(Input::Request(request))),
            rtsp_types::Message::Response(response) => Ok(Some(Input::Response(response))),
            rtsp_types::Message::Data(_) => Err(DecodeError::Malformed),
        }
    }

    /// A body is to follow; one that is announced too long is not waited for.
    fn await_body(&self, head: usize) -> Result<Option<Input>, DecodeError> {
        let text = self.buffer.get(..head).unwrap_or_default();
        let announced = String::from_utf8_lossy(text)
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse::<usize>().ok());
        match announced {
            Some(length) if length <= MAX_BODY_BYTES => Ok(None),
            Some(_) => Err(DecodeError::BodyTooLong),
            None => Err(DecodeError::Malformed),
        }
    }
}

/// Channel and length of an interleaved packet, from its first four bytes.
fn frame_header(bytes: &[u8]) -> Option<(u8, u8, usize)> {
    match bytes {
        [dollar, channel, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            Some((*dollar, *channel, length))
        }
        _ => None,
    }
}

/// The packets of a run of interleaved packets, each with its channel and its header: slices of
/// `wire`.
pub fn frames(wire: &Bytes) -> impl Iterator<Item = (u8, Bytes)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (_, channel, length) = frame_header(wire.get(at..)?)?;
        let begin = at;
        at += FRAME_HEADER_BYTES + length;
        (at <= wire.len()).then(|| (channel, wire.slice(begin..at)))
    })
}

/// As [`frames`], without the headers.
pub fn interleaved(wire: &Bytes) -> impl Iterator<Item = (u8, Bytes)> {
    frames(wire).map(|(channel, mut frame)| {
        frame.advance(FRAME_HEADER_BYTES.min(frame.len()));
        (channel, frame)
    })
}

/// The header of an interleaved packet.
pub const fn frame(channel: u8, length: u16) -> [u8; FRAME_HEADER_BYTES] {
    let [high, low] = length.to_be_bytes();
    [DOLLAR, channel, high, low]
}

/// A header of a request or response, if it is there.
pub(crate) trait Headers {
    fn text(&self, name: &str) -> Option<&str>;
}

impl Headers for Request {
    fn text(&self, name: &str) -> Option<&str> {
        let name = HeaderName::try_from(name).ok()?;
        self.header(&name).map(|value| value.as_str())
    }
}

impl Headers for Response {
    fn text(&self, name: &str) -> Option<&str> {
        let name = HeaderName::try_from(name).ok()?;
        self.header(&name).map(|value| value.as_str())
    }
}

/// What is sent: a first line, headers, a body.
///
/// Written here and not by `rtsp-types`, which joins headers of one name into one line: FFmpeg
/// and GStreamer read of several challenges only those that have a line of their own.
#[derive(Debug)]
pub struct Outgoing {
    text: String,
    body: Option<(&'static str, String)>,
}

impl Outgoing {
    /// A response.
    pub fn response(status: StatusCode) -> Self {
        let reason = match status {
            // Simple clients look for these very letters.
            StatusCode::Ok => "OK".to_owned(),
            other => other.to_string(),
        };
        Self {
            text: format!("RTSP/1.0 {} {reason}\r\n", u16::from(status)),
            body: None,
        }
    }

    /// A request.
    pub fn request(method: &str, uri: &str) -> Self {
        Self {
            text: format!("{method} {uri} RTSP/1.0\r\n"),
            body: None,
        }
    }

    /// One more header. Line breaks in a value, which would begin another, become spaces.
    pub fn header(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let value = value.to_string().replace(['\r', '\n'], " ");
        self.text.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With a body of that type.
    pub fn body(mut self, kind: &'static str, body: String) -> Self {
        self.body = Some((kind, body));
        self
    }

    /// As it goes over the wire.
    pub fn build(mut self) -> Bytes {
        if let Some((kind, body)) = self.body.take() {
            let length = body.len();
            self = self
                .header("Content-Type", kind)
                .header("Content-Length", length);
            self.text.push_str("\r\n");
            self.text.push_str(&body);
        } else {
            self.text.push_str("\r\n");
        }
        self.text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(decoder: &mut Decoder) -> Vec<Input> {
        std::iter::from_fn(|| decoder.poll().unwrap()).collect()
    }

    #[test]
    fn messages_and_packets_are_told_apart_however_they_are_cut() {
        let wire = b"\r\nOPTIONS rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x02\x00\x03abc\
            ANNOUNCE rtsp://h/a RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 4\r\n\r\nv=0\n$\x00\x00\x00";
        for step in [1, 2, 7, wire.len()] {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in wire.chunks(step) {
                decoder.push(piece.into());
                found.extend(all(&mut decoder));
            }
            let [
                Input::Request(first),
                Input::Data {
                    channel: 2,
                    payload,
                },
                Input::Request(second),
                Input::Data { channel: 0, .. },
            ] = &found[..]
            else {
                panic!("{step}: {found:?}")
            };
            assert_eq!(first.method(), &rtsp_types::Method::Options);
            assert_eq!(&payload[..], b"abc");
            assert_eq!(second.body(), b"v=0\n");
        }
    }

    #[test]
    fn what_would_grow_without_end_or_means_nothing_is_an_error() {
        let endless = format!(
            "OPTIONS rtsp://h/{} RTSP/1.0\r\n",
            "x".repeat(MAX_HEAD_BYTES)
        );
        let cases: [(&[u8], DecodeError); 6] = [
            (b"\x16\x03\x01\x02", DecodeError::Garbage(0x16)),
            (endless.as_bytes(), DecodeError::HeadTooLong),
            (
                b"ANNOUNCE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999999\r\n\r\n",
                DecodeError::BodyTooLong,
            ),
            (
                b"ANNOUNCE rtsp://h/a RTSP/1.0\r\ncontent-length: 65537\r\n\r\n",
                DecodeError::BodyTooLong,
            ),
            (b"GET / HTTP/1.1\r\n\r\n", DecodeError::Malformed),
            (b"OPTIONS\r\n\r\n", DecodeError::Malformed),
        ];
        for (wire, error) in cases {
            let mut decoder = Decoder::default();
            decoder.push(wire.into());
            assert_eq!(
                decoder.poll(),
                Err(error),
                "{}",
                String::from_utf8_lossy(wire)
            );
        }
    }

    #[test]
    fn a_header_cannot_smuggle_another() {
        let sent = Outgoing::response(StatusCode::Ok).header("Session", "a\r\nX: y");
        assert_eq!(sent.build(), "RTSP/1.0 200 OK\r\nSession: a  X: y\r\n\r\n");
    }

    #[test]
    fn a_run_of_packets_is_taken_apart_and_its_stump_left_out() {
        let wire = Bytes::from_static(b"$\x00\x00\x02ab$\x01\x00\x01c$\x00\x00\x09d");
        let packets: Vec<_> = interleaved(&wire).collect();
        assert_eq!(packets, [(0, "ab".into()), (1, "c".into())]);
    }
}
