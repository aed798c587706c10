//! A client's session that publishes: ANNOUNCE, SETUP of each track, RECORD.

use crate::auth::{Account, Challenge};
use crate::message::{DecodeError, Decoder, Headers, Input, Outgoing, Response};
use crate::sdp::{self, Track};
use crate::transport::Transport;
use bytes::{Bytes, BytesMut};
use rtsp_types::StatusCode;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server's session lasts without a request, if it does not say (RFC 2326 §12.37).
const USUAL_TIMEOUT_S: u64 = 60;

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// What the server sends makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The server says no.
    #[error("the server answers {method} with {code} {reason}")]
    Refused {
        /// To which request.
        method: &'static str,
        /// Its status.
        code: u16,
        /// In words.
        reason: String,
    },
    /// Name and password, or none, are not what the server wants.
    #[error("the server wants a user and a password; those given are missing or wrong")]
    Unauthorized,
    /// No answer.
    #[error("the server did not answer {method} within {} s", PATIENCE.as_secs())]
    Silent {
        /// Which request.
        method: &'static str,
    },
    /// An answer that cannot be worked with.
    #[error("the server agrees to a transport that was not offered")]
    Transport,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// Packets may be sent, each track's as agreed on.
    Ready(Vec<Transport>),
    /// A packet of the server within the connection.
    Packet {
        /// As agreed on.
        channel: u8,
        /// The packet.
        payload: Bytes,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Announce,
    Setup(usize),
    Record,
    Ready,
}

impl Step {
    const fn method(self) -> &'static str {
        match self {
            Self::Announce => "ANNOUNCE",
            Self::Setup(_) => "SETUP",
            Self::Record => "RECORD",
            Self::Ready => "OPTIONS",
        }
    }
}

/// A session with one server over one connection.
#[derive(Debug)]
pub struct Client {
    uri: String,
    account: Option<Account>,
    challenge: Option<Challenge>,
    seed: u64,
    description: String,
    controls: Vec<String>,
    /// Where each track's packets are sent from; none: within the connection.
    ports: Option<Vec<(u16, u16)>>,
    decoder: Decoder,
    output: VecDeque<Bytes>,
    events: VecDeque<ClientEvent>,
    step: Step,
    agreed: Vec<Transport>,
    session: Option<String>,
    timeout: Duration,
    sequence: u32,
    /// The number and the deadline of the request that waits for its answer.
    awaited: Option<(u32, Instant)>,
    keep_alive: Option<Instant>,
}

impl Client {
    /// Publishes `tracks` at `uri`, over UDP from `ports` if there are any (a pair a track).
    /// `host` is the address this host is seen under, `seed` makes nonces.
    pub fn new(
        now: Instant,
        uri: &str,
        account: Option<Account>,
        host: IpAddr,
        tracks: &[Track],
        ports: Option<Vec<(u16, u16)>>,
        seed: u64,
    ) -> Self {
        let mut client = Self {
            uri: uri.to_owned(),
            account,
            challenge: None,
            seed,
            description: sdp::build("Pointsman", host, tracks),
            controls: tracks.iter().map(|track| track.control.clone()).collect(),
            ports,
            decoder: Decoder::default(),
            output: VecDeque::new(),
            events: VecDeque::new(),
            step: Step::Announce,
            agreed: Vec::new(),
            session: None,
            timeout: Duration::from_secs(USUAL_TIMEOUT_S),
            sequence: 0,
            awaited: None,
            keep_alive: None,
        };
        client.ask(now);
        client
    }

    /// Takes what was read.
    ///
    /// # Errors
    /// When the session is over.
    pub fn handle_input(&mut self, now: Instant, input: BytesMut) -> Result<(), ClientError> {
        self.decoder.push(input);
        while let Some(input) = self.decoder.poll()? {
            match input {
                Input::Response(response) => self.response(now, &response)?,
                Input::Data { channel, payload } => {
                    self.events
                        .push_back(ClientEvent::Packet { channel, payload });
                }
                // Servers may ask whether we live; nothing depends on the answer.
                Input::Request(_) => {}
            }
        }
        Ok(())
    }

    /// # Errors
    /// When the server does not answer.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ClientError> {
        if self.awaited.is_some_and(|(_, deadline)| deadline <= now) {
            let method = self.step.method();
            return Err(ClientError::Silent { method });
        }
        if self.keep_alive.is_some_and(|at| at <= now) && self.awaited.is_none() {
            self.ask(now);
        }
        Ok(())
    }

    /// When [`Client::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.awaited
            .map(|(_, deadline)| deadline)
            .or(self.keep_alive)
    }

    /// Bytes for the connection.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.output.pop_front()
    }

    /// What became of it.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Says goodbye.
    pub fn finish(&mut self) {
        let uri = self.uri.clone();
        let request = self.request("TEARDOWN", &uri);
        self.output.push_back(request.build());
    }

    fn response(&mut self, now: Instant, response: &Response) -> Result<(), ClientError> {
        let sequence: Option<u32> = response
            .text("CSeq")
            .and_then(|text| text.trim().parse().ok());
        // One without a number answers the only request there is.
        let awaited = |(number, _): &mut (u32, Instant)| sequence.is_none_or(|s| s == *number);
        if self.awaited.take_if(awaited).is_none() {
            return Ok(());
        }
        if response.status() == StatusCode::Unauthorized {
            return self.authorize(now, response);
        }
        if !response.status().is_success() {
            return Err(ClientError::Refused {
                method: self.step.method(),
                code: response.status().into(),
                reason: response.reason_phrase().to_owned(),
            });
        }
        self.adopt_session(response);
        self.advance(now, response)
    }

    /// Tries once more with what the server asks for; twice the same answer helps nobody, unless
    /// the nonce had become stale.
    fn authorize(&mut self, now: Instant, response: &Response) -> Result<(), ClientError> {
        let header = response.text("WWW-Authenticate").unwrap_or_default();
        let stale = header
            .to_ascii_lowercase()
            .replace('"', "")
            .contains("stale=true");
        let again = self.challenge.is_some() && !stale;
        let challenge = Challenge::parse(header).filter(|_| self.account.is_some() && !again);
        self.challenge = Some(challenge.ok_or(ClientError::Unauthorized)?);
        self.ask(now);
        Ok(())
    }

    fn adopt_session(&mut self, response: &Response) {
        let Some(text) = response.text("Session") else {
            return;
        };
        let mut parts = text.split(';');
        self.session = parts.next().map(|id| id.trim().chars().take(256).collect());
        let timeout = parts.find_map(|part| part.trim().strip_prefix("timeout="));
        if let Some(seconds) = timeout.and_then(|text| text.trim().parse::<u64>().ok()) {
            self.timeout = Duration::from_secs(seconds.clamp(4, 3600));
        }
    }

    fn advance(&mut self, now: Instant, response: &Response) -> Result<(), ClientError> {
        if let Step::Setup(_) = self.step {
            self.agree(response)?;
        }
        self.step = match self.step {
            Step::Announce => Step::Setup(0),
            Step::Setup(done) if done + 1 < self.controls.len() => Step::Setup(done + 1),
            Step::Setup(_) => Step::Record,
            Step::Record => {
                self.events
                    .push_back(ClientEvent::Ready(self.agreed.clone()));
                Step::Ready
            }
            Step::Ready => Step::Ready,
        };
        match self.step {
            Step::Ready => self.keep_alive = Some(now + self.timeout / 2),
            _ => self.ask(now),
        }
        Ok(())
    }

    fn agree(&mut self, response: &Response) -> Result<(), ClientError> {
        let header = response.text("Transport").unwrap_or_default();
        let answer = Transport::parse_all(header).into_iter().next();
        let agreed = answer.filter(|answer| match self.ports {
            Some(_) => !answer.tcp && answer.server_port.is_some_and(|(rtp, _)| rtp > 0),
            None => answer.tcp && answer.interleaved.is_some(),
        });
        self.agreed.push(agreed.ok_or(ClientError::Transport)?);
        Ok(())
    }

    /// Sends the request of this step.
    fn ask(&mut self, now: Instant) {
        let method = self.step.method();
        let uri = match self.step {
            Step::Setup(track) => {
                let control = self.controls.get(track).map(String::as_str);
                format!(
                    "{}/{}",
                    self.uri.trim_end_matches('/'),
                    control.unwrap_or_default()
                )
            }
            _ => self.uri.clone(),
        };
        let mut request = self.request(method, &uri);
        match self.step {
            Step::Announce => {
                request = request.body("application/sdp", self.description.clone());
            }
            Step::Setup(track) => request = request.header("Transport", self.offer(track)),
            Step::Record => request = request.header("Range", "npt=0.000-"),
            Step::Ready => {}
        }
        self.keep_alive = None;
        self.awaited = Some((self.sequence, now + PATIENCE));
        self.output.push_back(request.build());
    }

    fn offer(&self, track: usize) -> Transport {
        let first = (2 * track) as u8; // there are at most 16 tracks
        let port = self
            .ports
            .as_ref()
            .and_then(|ports| ports.get(track))
            .copied();
        Transport {
            tcp: port.is_none(),
            interleaved: port.is_none().then_some((first, first + 1)),
            client_port: port,
            record: true,
            ..Transport::default()
        }
    }

    fn request(&mut self, method: &'static str, uri: &str) -> Outgoing {
        self.sequence += 1;
        let mut request = Outgoing::request(method, uri)
            .header("CSeq", self.sequence)
            .header("User-Agent", "Pointsman");
        if let Some(session) = &self.session {
            request = request.header("Session", session);
        }
        if let (Some(challenge), Some(account)) = (&mut self.challenge, &self.account) {
            let seed = self.seed.wrapping_add(u64::from(self.sequence));
            request = request.header(
                "Authorization",
                challenge.answer(account, method, uri, seed),
            );
        }
        request
    }
}
