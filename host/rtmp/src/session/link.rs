//! What both sides do alike: chunks, acknowledgements, pings, aggregates.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::{Error, Limits, Media, MediaKind};
use crate::chunk::{Decoder, Encoder};
use crate::message::{self, Command, Control, Kind, Message, UserControl, aggregate};
use crate::wire;

/// Our window until the peer names one, as FMS and nginx-rtmp have it.
pub(super) const WINDOW: u32 = 2_500_000;

/// Shorter media are copied out of what they were read with. Held as views they would keep all of
/// it, and a peer may send one byte of media with each block of something else.
const COPIED_BYTES: usize = 16 << 10;

/// A connection behind its handshake.
#[derive(Debug)]
pub(super) struct Link {
    decoder: Decoder,
    encoder: Encoder,
    limits: Limits,
    aggregate: Option<aggregate::Split>,
    output: VecDeque<Bytes>,
    output_len: usize,
    received: u64,
    acknowledged: u64,
    /// Bytes after which the peer wants an acknowledgement.
    window: u32,
    ignored: u64,
}

impl Link {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            decoder: Decoder::new(limits.setup_chunk),
            encoder: Encoder::new(),
            limits,
            aggregate: None,
            output: VecDeque::new(),
            output_len: 0,
            received: 0,
            acknowledged: 0,
            window: WINDOW,
            ignored: 0,
        }
    }

    /// Counts bytes of the connection, the handshake's too.
    pub(super) fn count_received(&mut self, len: usize) {
        self.received += len as u64;
    }

    pub(super) fn push(&mut self, input: Bytes) {
        self.decoder.push(input);
    }

    pub(super) fn queued(&self) -> usize {
        self.decoder.queued()
    }

    /// From here on the limits for peers that were let in are in force.
    pub(super) fn let_in(&mut self) {
        self.decoder.set_limits(self.limits.chunk);
    }

    /// The next message that is not about the connection itself.
    pub(super) fn poll(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if let Some(part) = self.aggregate.as_mut().and_then(Iterator::next) {
                return Ok(Some(part?));
            }
            self.aggregate = None;
            let Some(message) = self.decoder.poll()? else {
                return Ok(None);
            };
            if message.kind == Kind::Aggregate {
                aggregate::check_len(&message)?;
                self.aggregate = Some(aggregate::split(&message));
                continue;
            }
            match Control::parse(&message)? {
                None => return Ok(Some(message)),
                Some(control) => self.on_control(control)?,
            }
        }
    }

    fn on_control(&mut self, control: Control) -> Result<(), Error> {
        match control {
            Control::WindowAckSize(window) => self.window = window,
            Control::SetPeerBandwidth { window, .. } => {
                self.send_control(Control::WindowAckSize(window))?;
            }
            Control::User(UserControl::PingRequest { time_ms }) => {
                self.send_control(Control::User(UserControl::PingResponse { time_ms }))?;
            }
            // Acknowledgements say nothing that TCP does not enforce, and players' buffer
            // lengths nothing that a live stream could heed.
            _ => {}
        }
        Ok(())
    }

    /// Acknowledges what was received, if the peer's window is full: the total, modulo 2^32
    /// (RTMP 1.0 §5.4.3). At most once a call, however small the window.
    pub(super) fn acknowledge(&mut self) -> Result<(), Error> {
        if self.received - self.acknowledged < u64::from(self.window.max(1)) {
            return Ok(());
        }
        self.acknowledged = self.received;
        self.send_control(Control::Acknowledgement(self.received as u32))
    }

    pub(super) fn send_control(&mut self, control: Control) -> Result<(), Error> {
        self.send(wire::CSID_CONTROL, &control.to_message())
    }

    /// Sends a command about the connection.
    pub(super) fn send_command(&mut self, command: &Command) -> Result<(), Error> {
        self.send(wire::CSID_COMMAND, &command.to_message(0))
    }

    /// Sends a command about a message stream.
    pub(super) fn send_status(&mut self, stream_id: u32, command: &Command) -> Result<(), Error> {
        self.send(wire::CSID_STATUS, &command.to_message(stream_id))
    }

    pub(super) fn send(&mut self, csid: u32, message: &Message) -> Result<(), Error> {
        let mut out = BytesMut::new();
        self.encoder.encode(csid, message, &mut out)?;
        self.queue(out.freeze())
    }

    /// Sets our chunk size to that of the shared wire messages.
    pub(super) fn send_chunk_size(&mut self) -> Result<(), Error> {
        let mut out = BytesMut::new();
        self.encoder.set_chunk_size(wire::CHUNK_SIZE, &mut out)?;
        self.queue(out.freeze())
    }

    /// Queues bytes as they are.
    pub(super) fn queue(&mut self, bytes: Bytes) -> Result<(), Error> {
        let (len, max) = (
            self.output_len + bytes.len(),
            self.limits.max_waiting_output,
        );
        if len > max {
            return Err(Error::TooMuchOutput { len, max });
        }
        if !bytes.is_empty() {
            self.output_len = len;
            self.output.push_back(bytes);
        }
        Ok(())
    }

    pub(super) fn poll_output(&mut self) -> Option<Bytes> {
        let bytes = self.output.pop_front()?;
        self.output_len -= bytes.len();
        Some(bytes)
    }

    /// The media in `message`; `None` if it holds none, which is counted.
    pub(super) fn media(&mut self, message: Message) -> Option<Media> {
        let timestamp_ms = message.timestamp_ms;
        let media = match message.kind {
            Kind::Audio => Some((MediaKind::Audio, message.payload)),
            Kind::Video => Some((MediaKind::Video, message.payload)),
            // Metadata that cannot be read is no reason to lose the stream it describes.
            _ => match message::data_payload(&message, self.limits.amf) {
                Ok(Some(payload)) => Some((MediaKind::Data, payload)),
                Ok(None) | Err(_) => None,
            },
        };
        let media = media.filter(|(_, payload)| !payload.is_empty());
        if media.is_none() {
            self.count_ignored();
        }
        media.map(|(kind, payload)| Media {
            kind,
            timestamp_ms,
            payload: match payload.len() {
                ..COPIED_BYTES => Bytes::copy_from_slice(&payload),
                _ => payload,
            },
        })
    }

    pub(super) fn count_ignored(&mut self) {
        self.ignored += 1;
    }

    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }
}
