//! The server's session: one presentation a connection, described or announced, set up track by
//! track, then played or recorded (RFC 2326 appendix A.2).

mod judge;

use super::target::Target;
use crate::message::{DecodeError, Decoder, Headers, Input, Outgoing, Request};
use crate::sdp::{self, Track};
use crate::transport::Transport;
use bytes::{Bytes, BytesMut};
use rtsp_types::{Method, StatusCode};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

const PUBLIC: &str = "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, TEARDOWN, \
                      GET_PARAMETER, SET_PARAMETER";

/// How long a session may take and be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the connection to `PLAY` or `RECORD`.
    pub setup_timeout: Duration,
    /// Without a request or packet of the client, from then on. Told to clients, which send a
    /// request before it is over. Not for players within the connection: there the system finds
    /// out who takes nothing.
    pub session_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            setup_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(60),
        }
    }
}

/// Why a session is over before its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// What the client sends makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The client did not come to the point.
    #[error("neither played nor recorded within {} s", .0.as_secs())]
    Setup(Duration),
    /// No sign of life.
    #[error("no request and no packet for {} s", .0.as_secs())]
    Silent(Duration),
}

/// A track that the client wants to be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Which, of those described or announced.
    pub track: usize,
    /// The way it is to travel: the first of the client's offers that can be taken. Channels are
    /// settled already.
    pub transport: Transport,
}

/// What the client wants, or sent. Of requests, no further one is looked at before this one has
/// been answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// To know a stream's tracks: [`Server::describe`] or [`Server::refuse`].
    Describe(Target),
    /// To publish these tracks: [`Server::accept`] or [`Server::refuse`].
    Announce(Target, Vec<Track>),
    /// [`Server::set_up`] or [`Server::refuse`].
    Setup(Setup),
    /// [`Server::accept`] or [`Server::refuse`].
    Play,
    /// [`Server::accept`] or [`Server::refuse`].
    Record,
    /// It has been told so already.
    Pause,
    /// A packet within the connection.
    Packet {
        /// Of which track.
        track: usize,
        /// RTCP, not RTP.
        rtcp: bool,
        /// The packet.
        payload: Bytes,
    },
    /// It said goodbye.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// Tracks are known, from us or from the client.
    Known {
        record: bool,
    },
    Playing,
    Paused,
    Recording,
    Closed,
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Pending {
    sequence: Option<u32>,
    what: Asked,
}

#[derive(Debug)]
enum Asked {
    Describe(Target),
    Announce(Target, Vec<Track>),
    Setup(Setup),
    Play,
    Record,
}

/// A track's control address, and how it travels once it is set up.
#[derive(Debug)]
struct Agreed {
    control: String,
    transport: Option<Transport>,
}

/// A session with one client over one connection, and over UDP if agreed on.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    peer: IpAddr,
    /// Whether packets may travel over UDP.
    udp: bool,
    id: String,
    decoder: Decoder,
    output: VecDeque<Bytes>,
    state: State,
    presentation: Target,
    tracks: Vec<Agreed>,
    pending: Option<Pending>,
    deadline: Option<Instant>,
}

impl Server {
    /// With a client at `peer`, to which alone packets are sent. `seed` makes the session's
    /// identifier.
    pub fn new(now: Instant, limits: Limits, peer: IpAddr, udp: bool, seed: u64) -> Self {
        Self {
            limits,
            peer: peer.to_canonical(),
            udp,
            id: format!("{seed:016x}"),
            decoder: Decoder::default(),
            output: VecDeque::new(),
            state: State::Idle,
            presentation: Target::default(),
            tracks: Vec::new(),
            pending: None,
            deadline: Some(now + limits.setup_timeout),
        }
    }

    /// Takes what was read from the connection; what came of it waits in [`Server::poll_event`].
    pub fn handle_input(&mut self, now: Instant, input: BytesMut) {
        self.decoder.push(input);
        self.alive(now);
    }

    /// A packet of the client came over UDP.
    pub fn alive(&mut self, now: Instant) {
        match self.state {
            State::Idle | State::Known { .. } | State::Closed => {}
            State::Playing if self.is_interleaved() => self.deadline = None,
            State::Playing | State::Paused | State::Recording => {
                self.deadline = Some(now + self.limits.session_timeout);
            }
        }
    }

    /// When [`Server::handle_timeout`] is to be called.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// # Errors
    /// When the client took too long: close the connection.
    pub fn handle_timeout(&self, now: Instant) -> Result<(), ServerError> {
        match self.deadline {
            Some(deadline) if deadline <= now => Err(match self.state {
                State::Idle | State::Known { .. } => ServerError::Setup(self.limits.setup_timeout),
                _ => ServerError::Silent(self.limits.session_timeout),
            }),
            _ => Ok(()),
        }
    }

    /// Bytes for the connection.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.output.pop_front()
    }

    /// What the client wants next; none while an answer is due, or until more is read.
    ///
    /// # Errors
    /// When it makes no sense: write the output, close the connection.
    pub fn poll_event(&mut self, now: Instant) -> Result<Option<ServerEvent>, ServerError> {
        while self.pending.is_none() && self.state != State::Closed {
            let input = match self.decoder.poll() {
                Ok(Some(input)) => input,
                Ok(None) => break,
                Err(error) => {
                    self.reply(None, Outgoing::response(StatusCode::BadRequest));
                    return Err(error.into());
                }
            };
            let event = match input {
                Input::Request(request) => self.request(now, &request),
                Input::Data { channel, payload } => self.packet(channel, payload),
                // Nothing was asked.
                Input::Response(_) => None,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Answers [`ServerEvent::Describe`]. `host` is the address that the client called.
    pub fn describe(&mut self, host: IpAddr, tracks: &[Track]) {
        let Some(Pending { sequence, what }) = self.pending.take() else {
            return;
        };
        if let Asked::Describe(target) = what {
            let text = sdp::build(&target.path, host, tracks);
            let answer = Outgoing::response(StatusCode::Ok)
                .header("Content-Base", target.base())
                .body("application/sdp", text);
            self.know(target, tracks, false);
            self.reply(sequence, answer);
        }
    }

    /// Answers [`ServerEvent::Setup`]: with the server's ports if it travels over UDP.
    pub fn set_up(&mut self, server_port: Option<(u16, u16)>, ssrc: Option<u32>) {
        let Some(Pending { sequence, what }) = self.pending.take() else {
            return;
        };
        if let Asked::Setup(Setup {
            track,
            mut transport,
        }) = what
        {
            (transport.server_port, transport.ssrc) = (server_port, ssrc);
            let answer = Outgoing::response(StatusCode::Ok).header("Transport", &transport);
            if let Some(agreed) = self.tracks.get_mut(track) {
                agreed.transport = Some(transport);
            }
            self.reply(sequence, answer);
        }
    }

    /// Answers [`ServerEvent::Announce`], [`ServerEvent::Play`] or [`ServerEvent::Record`].
    pub fn accept(&mut self, now: Instant) {
        let Some(Pending { sequence, what }) = self.pending.take() else {
            return;
        };
        let mut answer = Outgoing::response(StatusCode::Ok);
        match what {
            Asked::Announce(target, tracks) => self.know(target, &tracks, true),
            Asked::Play => {
                self.state = State::Playing;
                answer = answer.header("Range", "npt=now-");
            }
            Asked::Record => self.state = State::Recording,
            Asked::Describe(_) | Asked::Setup(_) => {}
        }
        self.alive(now);
        self.reply(sequence, answer);
    }

    /// Says no to whatever was asked; `challenges` are the lines of `WWW-Authenticate`.
    pub fn refuse(&mut self, status: StatusCode, challenges: &[String]) {
        let sequence = self.pending.take().and_then(|pending| pending.sequence);
        let mut answer = Outgoing::response(status);
        for challenge in challenges {
            answer = answer.header("WWW-Authenticate", challenge);
        }
        self.reply(sequence, answer);
    }

    /// How each track travels, in their order; `None` for those not set up.
    pub fn transports(&self) -> impl Iterator<Item = Option<&Transport>> {
        self.tracks.iter().map(|track| track.transport.as_ref())
    }

    /// Whether packets travel within the connection.
    pub fn is_interleaved(&self) -> bool {
        let mut agreed = self.transports().flatten();
        agreed.any(|transport| transport.tcp)
    }

    fn know(&mut self, target: Target, tracks: &[Track], record: bool) {
        let agreed = |track: &Track| Agreed {
            control: track.control.clone(),
            transport: None,
        };
        self.presentation = target;
        self.tracks = tracks.iter().map(agreed).collect();
        self.state = State::Known { record };
    }

    fn packet(&mut self, channel: u8, payload: Bytes) -> Option<ServerEvent> {
        let channels = |track: &Agreed| track.transport.as_ref()?.interleaved;
        let mut tracks = self.tracks.iter().enumerate();
        // Of channels never set up nothing is taken.
        tracks.find_map(|(track, agreed)| {
            let (rtp, rtcp) = channels(agreed)?;
            (channel == rtp || channel == rtcp).then(|| ServerEvent::Packet {
                track,
                rtcp: channel == rtcp,
                payload: payload.clone(),
            })
        })
    }

    fn request(&mut self, now: Instant, request: &Request) -> Option<ServerEvent> {
        let sequence = request
            .text("CSeq")
            .and_then(|text| text.trim().parse().ok());
        match self.judge(request) {
            Ok(None) => {
                let answer = Outgoing::response(StatusCode::Ok);
                match request.method() {
                    Method::Options => self.reply(sequence, answer.header("Public", PUBLIC)),
                    Method::Teardown => {
                        self.state = State::Closed;
                        self.reply(sequence, answer);
                        return Some(ServerEvent::Closed);
                    }
                    Method::Pause => {
                        self.state = State::Paused;
                        self.alive(now);
                        self.reply(sequence, answer);
                        return Some(ServerEvent::Pause);
                    }
                    _ => self.reply(sequence, answer),
                }
                None
            }
            Ok(Some(what)) => {
                let event = event_of(&what);
                self.pending = Some(Pending { sequence, what });
                Some(event)
            }
            Err(status) => {
                let mut answer = Outgoing::response(status);
                if status == StatusCode::OptionNotSupported {
                    let wanted = request.text("Require").unwrap_or_default();
                    answer = answer.header("Unsupported", wanted);
                }
                self.reply(sequence, answer);
                None
            }
        }
    }

    fn reply(&mut self, sequence: Option<u32>, mut answer: Outgoing) {
        if let Some(sequence) = sequence {
            answer = answer.header("CSeq", sequence);
        }
        answer = answer.header("Server", "Pointsman");
        if self.transports().flatten().next().is_some() {
            let (id, timeout) = (&self.id, self.limits.session_timeout.as_secs());
            answer = answer.header("Session", format!("{id};timeout={timeout}"));
        }
        self.output.push_back(answer.build());
    }
}

fn event_of(what: &Asked) -> ServerEvent {
    match what {
        Asked::Describe(target) => ServerEvent::Describe(target.clone()),
        Asked::Announce(target, tracks) => ServerEvent::Announce(target.clone(), tracks.clone()),
        Asked::Setup(setup) => ServerEvent::Setup(setup.clone()),
        Asked::Play => ServerEvent::Play,
        Asked::Record => ServerEvent::Record,
    }
}
