//! Protocol control and user control messages (RTMP 1.0 §5.4, §6.2, §7.1.7).

use bytes::{BufMut, BytesMut};

use super::{Error, Kind, Message};

/// How a bandwidth limit is meant (RTMP 1.0 §5.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitType {
    /// Limit the output to the window.
    Hard,
    /// Limit it to the window or what is in force, whichever is less.
    Soft,
    /// Hard if the last one was hard, else to be ignored.
    Dynamic,
}

/// What user control messages say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserControl {
    /// 0: the stream is ready for use.
    StreamBegin {
        /// The message stream.
        stream_id: u32,
    },
    /// 1: playback of the stream is over.
    StreamEof {
        /// The message stream.
        stream_id: u32,
    },
    /// 3: how much the client buffers.
    SetBufferLength {
        /// The message stream.
        stream_id: u32,
        /// In milliseconds.
        buffer_ms: u32,
    },
    /// 6: asks for a [`UserControl::PingResponse`] with the same time.
    PingRequest {
        /// The sender's clock, in milliseconds.
        time_ms: u32,
    },
    /// 7: answers a ping.
    PingResponse {
        /// The time that was asked with.
        time_ms: u32,
    },
    /// Any other event; carries nothing we act on.
    Other(u16),
}

/// A control message, understood. All travel on message stream 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// The sender's chunk size, in bytes.
    SetChunkSize(u32),
    /// Forget the partial message of this chunk stream.
    Abort(u32),
    /// Bytes received since the connection began, modulo 2^32.
    Acknowledgement(u32),
    /// Bytes between acknowledgements.
    WindowAckSize(u32),
    /// The output window the peer shall use.
    SetPeerBandwidth {
        /// In bytes.
        window: u32,
        /// How it is meant.
        limit: LimitType,
    },
    /// A user control event.
    User(UserControl),
}

impl Control {
    /// Reads a control message; `None` if `message` is of another kind.
    pub fn parse(message: &Message) -> Result<Option<Self>, Error> {
        let payload = &message.payload[..];
        let word = || be32(message.kind, payload, 0);
        Ok(Some(match message.kind {
            Kind::SetChunkSize => Self::SetChunkSize(word()?),
            Kind::Abort => Self::Abort(word()?),
            Kind::Acknowledgement => Self::Acknowledgement(word()?),
            Kind::WindowAckSize => Self::WindowAckSize(word()?),
            Kind::SetPeerBandwidth => Self::SetPeerBandwidth {
                window: word()?,
                limit: match payload.get(4) {
                    Some(0) => LimitType::Hard,
                    Some(1) => LimitType::Soft,
                    _ => LimitType::Dynamic,
                },
            },
            Kind::UserControl => Self::User(UserControl::parse(payload)?),
            _ => return Ok(None),
        }))
    }

    /// The message to send.
    pub fn to_message(self) -> Message {
        let mut out = BytesMut::with_capacity(10);
        let kind = match self {
            Self::SetChunkSize(size) => {
                out.put_u32(size);
                Kind::SetChunkSize
            }
            Self::Abort(csid) => {
                out.put_u32(csid);
                Kind::Abort
            }
            Self::Acknowledgement(total) => {
                out.put_u32(total);
                Kind::Acknowledgement
            }
            Self::WindowAckSize(window) => {
                out.put_u32(window);
                Kind::WindowAckSize
            }
            Self::SetPeerBandwidth { window, limit } => {
                out.put_u32(window);
                out.put_u8(limit as u8);
                Kind::SetPeerBandwidth
            }
            Self::User(event) => {
                event.write(&mut out);
                Kind::UserControl
            }
        };
        Message {
            kind,
            timestamp_ms: 0,
            stream_id: 0,
            payload: out.freeze(),
        }
    }
}

impl UserControl {
    fn parse(payload: &[u8]) -> Result<Self, Error> {
        let Some(&event) = payload.first_chunk::<2>() else {
            return Err(Error::Truncated {
                kind: Kind::UserControl,
                len: payload.len(),
                needed: 2,
            });
        };
        let word = |at| be32(Kind::UserControl, payload, at);
        Ok(match u16::from_be_bytes(event) {
            0 => Self::StreamBegin {
                stream_id: word(2)?,
            },
            1 => Self::StreamEof {
                stream_id: word(2)?,
            },
            3 => Self::SetBufferLength {
                stream_id: word(2)?,
                buffer_ms: word(6)?,
            },
            6 => Self::PingRequest { time_ms: word(2)? },
            7 => Self::PingResponse { time_ms: word(2)? },
            other => Self::Other(other),
        })
    }

    fn write(self, out: &mut BytesMut) {
        match self {
            Self::StreamBegin { stream_id } => put_event(out, 0, stream_id),
            Self::StreamEof { stream_id } => put_event(out, 1, stream_id),
            Self::SetBufferLength {
                stream_id,
                buffer_ms,
            } => {
                put_event(out, 3, stream_id);
                out.put_u32(buffer_ms);
            }
            Self::PingRequest { time_ms } => put_event(out, 6, time_ms),
            Self::PingResponse { time_ms } => put_event(out, 7, time_ms),
            Self::Other(event) => out.put_u16(event),
        }
    }
}

fn put_event(out: &mut BytesMut, event: u16, value: u32) {
    out.put_u16(event);
    out.put_u32(value);
}

fn be32(kind: Kind, payload: &[u8], at: usize) -> Result<u32, Error> {
    payload
        .get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map(|bytes| u32::from_be_bytes(*bytes))
        .ok_or(Error::Truncated {
            kind,
            len: payload.len(),
            needed: at + 4,
        })
}

impl From<Control> for Message {
    fn from(control: Control) -> Self {
        control.to_message()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn raw(kind: Kind, payload: &'static [u8]) -> Message {
        Message {
            kind,
            timestamp_ms: 0,
            stream_id: 0,
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn every_control_message_survives_the_wire() {
        for control in [
            Control::SetChunkSize(65536),
            Control::Abort(4),
            Control::Acknowledgement(u32::MAX),
            Control::WindowAckSize(2_500_000),
            Control::SetPeerBandwidth {
                window: 1,
                limit: LimitType::Soft,
            },
            Control::User(UserControl::StreamBegin { stream_id: 1 }),
            Control::User(UserControl::StreamEof { stream_id: 1 }),
            Control::User(UserControl::SetBufferLength {
                stream_id: 1,
                buffer_ms: 3000,
            }),
            Control::User(UserControl::PingRequest { time_ms: 77 }),
            Control::User(UserControl::PingResponse { time_ms: 77 }),
            Control::User(UserControl::Other(31)),
        ] {
            assert_eq!(Control::parse(&control.to_message()), Ok(Some(control)));
        }
    }

    #[test]
    fn a_short_body_is_an_error_that_says_how_short() {
        let error = Control::parse(&raw(Kind::Acknowledgement, &[0, 0, 1])).unwrap_err();
        assert_eq!(
            error,
            Error::Truncated {
                kind: Kind::Acknowledgement,
                len: 3,
                needed: 4
            }
        );
        assert!(Control::parse(&raw(Kind::UserControl, &[0])).is_err());
        assert!(Control::parse(&raw(Kind::UserControl, &[0, 3, 0, 0, 0, 1])).is_err());
    }
}
