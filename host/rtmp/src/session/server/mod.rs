//! The side that was dialled: publishers and players come to it.

mod commands;
mod event;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

pub use event::{Connect, Play, Publish, PublishKind, ServerEvent};

use super::link::{Link, WINDOW};
use super::{Error, Limits, Reason, reply};
use crate::handshake;
use crate::message::{Command, Control, Kind, LimitType, UserControl};
use crate::wire::STREAM_ID;

/// One connection of a server.
///
/// It asks for three verdicts at most, by [`ServerEvent::Connect`], [`ServerEvent::Publish`] and
/// [`ServerEvent::Play`]. Until [`Server::accept`] or [`Server::reject`] it looks at no further
/// input. A connection has one role at a time, and one message stream, [`STREAM_ID`], so that
/// wire messages can be shared.
#[derive(Debug)]
pub struct Server {
    /// Gone once the handshake is over.
    handshake: Option<handshake::Server>,
    link: Link,
    limits: Limits,
    state: State,
    deadline: Option<Instant>,
    events: VecDeque<ServerEvent>,
    app: String,
    app_query: String,
    /// The client announced its stream by `FCPublish`, and waits for `onFCPublish`.
    fc_publish: bool,
}

/// How far the connection is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Handshake,
    /// Before `connect`.
    Greeted,
    /// A verdict is awaited.
    Deciding(Question),
    /// Connected, without a role.
    Idle,
    Publishing,
    Playing,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Question {
    Connect {
        transaction: f64,
        object_encoding: f64,
        is_enhanced: bool,
    },
    Publish,
    Play {
        reset: bool,
    },
}

impl Server {
    /// A connection that was just accepted. `seed` makes the handshake's noise, and should differ
    /// between connections.
    pub fn new(now: Instant, limits: Limits, seed: u64) -> Self {
        Self {
            handshake: Some(handshake::Server::new(0, seed)),
            link: Link::new(limits),
            limits,
            state: State::Handshake,
            deadline: Some(now + limits.handshake_timeout),
            events: VecDeque::new(),
            app: String::new(),
            app_query: String::new(),
            fc_publish: false,
        }
    }

    /// Feeds what was read; some ten kilobytes a call are best, since all their events queue.
    ///
    /// Bytes that come after the end are dropped. After an error the session is over: write what
    /// [`Server::poll_output`] holds, and close.
    pub fn handle_input(&mut self, now: Instant, input: Bytes) -> Result<(), Error> {
        if self.state == State::Closed {
            return Ok(());
        }
        self.link.count_received(input.len());
        let result = self.take_input(now, input);
        self.close_on_error(result)
    }

    /// Tells that time has passed; see [`Server::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        let reason = match self.state {
            State::Handshake => Reason::HandshakeTimeout,
            State::Publishing => Reason::Silent,
            _ => Reason::SetupTimeout,
        };
        self.close(reason);
    }

    /// When [`Server::handle_timeout`] is to be called, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next bytes to write.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.link.poll_output()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// Whether reading makes sense: not while a verdict is awaited, and not after the end.
    pub fn wants_input(&self) -> bool {
        !matches!(self.state, State::Deciding(_) | State::Closed)
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Bytes received, the handshake's included.
    pub fn received_bytes(&self) -> u64 {
        self.link.received()
    }

    /// Messages and commands that meant nothing here.
    pub fn ignored_messages(&self) -> u64 {
        self.link.ignored()
    }

    /// Grants what the last [`ServerEvent::Connect`], [`ServerEvent::Publish`] or
    /// [`ServerEvent::Play`] asked, and goes on with input that waited. Does nothing if nothing
    /// was asked.
    pub fn accept(&mut self, now: Instant) -> Result<(), Error> {
        let State::Deciding(question) = self.state else {
            return Ok(());
        };
        let result = self.grant(now, question).and_then(|()| self.run(now));
        self.close_on_error(result)
    }

    /// Refuses what was asked, or ends a publisher or a player, with a code such as
    /// `NetStream.Publish.BadName` and words for a person. The session is over then.
    pub fn reject(&mut self, code: &str, description: &str) -> Result<(), Error> {
        let sent = match self.state {
            State::Deciding(Question::Connect { transaction, .. }) => self
                .link
                .send_command(&reply::refused(transaction, code, description)),
            State::Deciding(_) | State::Idle | State::Publishing | State::Playing => self
                .link
                .send_status(STREAM_ID, &reply::failure(code, description)),
            State::Handshake | State::Greeted => Ok(()),
            State::Closed => return Ok(()),
        };
        self.close(Reason::Refused);
        sent
    }

    /// Tells a player that its stream is over. The session is over then.
    pub fn finish_play(&mut self) -> Result<(), Error> {
        if self.state != State::Playing {
            return Ok(());
        }
        let end = Control::User(UserControl::StreamEof {
            stream_id: STREAM_ID,
        });
        let gone = reply::status("NetStream.Play.UnpublishNotify", "The publisher is gone.");
        let stop = reply::status("NetStream.Play.Stop", "The stream is over.");
        let sent = self
            .link
            .send_status(STREAM_ID, &gone)
            .and_then(|()| self.link.send_status(STREAM_ID, &stop))
            .and_then(|()| self.link.send_control(end));
        self.close(Reason::Finished);
        sent
    }

    fn take_input(&mut self, now: Instant, input: Bytes) -> Result<(), Error> {
        let input = match &mut self.handshake {
            None => input,
            Some(handshake) => {
                let progress = handshake.handle_input(input)?;
                self.link.queue(progress.output)?;
                let Some(rest) = progress.done else {
                    return Ok(());
                };
                self.handshake = None;
                self.enter(now, State::Greeted);
                rest
            }
        };
        if self.state == State::Publishing {
            self.deadline = Some(now + self.limits.publisher_timeout);
        }
        self.link.push(input);
        self.run(now)
    }

    /// Handles messages until they are used up or a verdict is needed.
    fn run(&mut self, now: Instant) -> Result<(), Error> {
        while self.wants_input() {
            let Some(message) = self.link.poll()? else {
                break;
            };
            match message.kind {
                Kind::CommandAmf0 | Kind::CommandAmf3 => {
                    if let Some(command) = Command::parse(&message, self.limits.amf)? {
                        self.on_command(now, &command)?;
                    }
                }
                _ if self.state == State::Publishing => {
                    let media = self.link.media(message).map(ServerEvent::Media);
                    self.events.extend(media);
                }
                _ => self.link.count_ignored(),
            }
        }
        if self.link.queued() > self.limits.max_waiting_input {
            let (len, max) = (self.link.queued(), self.limits.max_waiting_input);
            return Err(Error::TooMuchInput { len, max });
        }
        self.link.acknowledge()
    }

    fn grant(&mut self, now: Instant, question: Question) -> Result<(), Error> {
        match question {
            Question::Connect {
                transaction,
                object_encoding,
                is_enhanced,
            } => {
                self.link.send_control(Control::WindowAckSize(WINDOW))?;
                let limit = LimitType::Dynamic;
                self.link.send_control(Control::SetPeerBandwidth {
                    window: WINDOW,
                    limit,
                })?;
                self.link.send_chunk_size()?;
                self.link
                    .send_control(Control::User(UserControl::StreamBegin { stream_id: 0 }))?;
                let result = reply::connected(transaction, object_encoding, is_enhanced);
                self.link.send_command(&result)?;
                self.enter(now, State::Idle);
            }
            Question::Publish => {
                const CODE: &str = "NetStream.Publish.Start";
                self.link.let_in();
                if std::mem::take(&mut self.fc_publish) {
                    let started = reply::fc("onFCPublish", CODE, "Started publishing.");
                    self.link.send_status(STREAM_ID, &started)?;
                }
                self.link
                    .send_status(STREAM_ID, &reply::status(CODE, "Started publishing."))?;
                self.enter(now, State::Publishing);
            }
            Question::Play { reset } => {
                let begin = UserControl::StreamBegin {
                    stream_id: STREAM_ID,
                };
                self.link.send_control(Control::User(begin))?;
                if reset {
                    let status = reply::status("NetStream.Play.Reset", "Playing and resetting.");
                    self.link.send_status(STREAM_ID, &status)?;
                }
                let status = reply::status("NetStream.Play.Start", "Started playing.");
                self.link.send_status(STREAM_ID, &status)?;
                // Neither `|RtmpSampleAccess` nor `NetStream.Data.Start`: only Flash minds their
                // absence, and FFmpeg takes them for a stream of data that begins at zero.
                self.enter(now, State::Playing);
            }
        }
        Ok(())
    }

    /// Changes the state, and sets the deadline that goes with it.
    fn enter(&mut self, now: Instant, state: State) {
        self.state = state;
        self.deadline = match state {
            State::Handshake => Some(now + self.limits.handshake_timeout),
            State::Greeted | State::Idle => Some(now + self.limits.setup_timeout),
            State::Publishing => Some(now + self.limits.publisher_timeout),
            // Whoever decides has a deadline of its own; a player need not send a thing.
            State::Deciding(_) | State::Playing | State::Closed => None,
        };
    }

    fn close(&mut self, reason: Reason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.deadline = None;
            self.events.push_back(ServerEvent::Closed(reason));
        }
    }

    fn close_on_error(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if result.is_err() {
            self.state = State::Closed;
            self.deadline = None;
        }
        result
    }
}
