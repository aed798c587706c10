//! The side that dials: pushes to another server, or pulls from it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::link::{Link, WINDOW};
use super::{Enhanced, Error, Limits, Media, Reason, enhanced};
use crate::amf::{Object, Value};
use crate::handshake;
use crate::message::{Command, Control, Kind, Message, UserControl};
use crate::url::Url;

/// What a client wants from the other server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// To send it a stream.
    Publish,
    /// To receive a stream from it.
    Play,
}

/// How a client presents itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientConfig {
    /// Where the stream is, or shall be.
    pub url: Url,
    /// What to do with it.
    pub role: Role,
    /// What to call ourselves; some servers want to read `FMLE/3.0` there.
    pub flash_ver: String,
    /// From the first byte on, until the stream is ready.
    pub setup_timeout: Duration,
    /// Silence after which a played stream is given up.
    pub silence_timeout: Duration,
    /// What the server may cost.
    pub limits: Limits,
}

impl ClientConfig {
    /// The usual figures for `role` at `url`.
    pub fn new(url: Url, role: Role) -> Self {
        Self {
            url,
            role,
            flash_ver: "FMLE/3.0 (compatible; Pointsman)".to_owned(),
            setup_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(30),
            limits: Limits::default(),
        }
    }
}

/// What happened on a connection we made.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server agreed. A publisher now writes what [`Client::poll_output`] holds, and then
    /// [wire messages](crate::wire) for this message stream, metadata with
    /// [`crate::message::set_data_frame`].
    Ready {
        /// The message stream; [`crate::wire::STREAM_ID`] with most servers.
        stream_id: u32,
        /// What it takes of enhanced RTMP.
        enhanced: Enhanced,
    },
    /// The server sent this; to a player only.
    Media(Media),
    /// The server says something that changes nothing, such as `NetStream.Play.Reset`.
    Status {
        /// Its code.
        code: String,
        /// Its words.
        description: String,
    },
    /// The session is over: write what [`Client::poll_output`] holds, and close.
    Closed(Reason),
}

/// One connection to another server.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    /// Gone once the handshake is over.
    handshake: Option<handshake::Client>,
    link: Link,
    state: State,
    stream_id: u32,
    enhanced: Enhanced,
    deadline: Option<Instant>,
    events: VecDeque<ClientEvent>,
}

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Connect,
    CreateStream,
    Start,
    Ready,
    Closed,
}

const CONNECT: f64 = 1.0;
const RELEASE_STREAM: f64 = 2.0;
const FC_PUBLISH: f64 = 3.0;
const CREATE_STREAM: f64 = 4.0;
const START: f64 = 5.0;
const FC_UNPUBLISH: f64 = 6.0;
const DELETE_STREAM: f64 = 7.0;

impl Client {
    /// A connection that was just made; [`Client::poll_output`] has the first bytes. `seed` makes
    /// the handshake's noise, and should differ between connections.
    pub fn new(now: Instant, config: ClientConfig, seed: u64) -> Result<Self, Error> {
        let handshake = handshake::Client::new(0, seed);
        let mut link = Link::new(config.limits);
        link.queue(handshake.start())?;
        Ok(Self {
            deadline: Some(now + config.setup_timeout),
            config,
            handshake: Some(handshake),
            link,
            state: State::Handshake,
            stream_id: 0,
            enhanced: Enhanced::default(),
            events: VecDeque::new(),
        })
    }

    /// Feeds what was read. After an error the session is over: write what
    /// [`Client::poll_output`] holds, and close.
    pub fn handle_input(&mut self, now: Instant, input: Bytes) -> Result<(), Error> {
        if self.state == State::Closed {
            return Ok(());
        }
        self.link.count_received(input.len());
        let result = self.take_input(now, input);
        if result.is_err() {
            self.state = State::Closed;
            self.deadline = None;
        }
        result
    }

    /// Tells that time has passed; see [`Client::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.end(match self.state {
            State::Handshake => Reason::HandshakeTimeout,
            State::Ready => Reason::Silent,
            _ => Reason::SetupTimeout,
        });
    }

    /// When [`Client::handle_timeout`] is to be called, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next bytes to write.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.link.poll_output()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Bytes received, the handshake's included.
    pub fn received_bytes(&self) -> u64 {
        self.link.received()
    }

    /// Takes leave of the server. The session is over then.
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.state == State::Closed {
            return Ok(());
        }
        let sent = self.say_goodbye();
        self.end(Reason::Finished);
        sent
    }

    fn say_goodbye(&mut self) -> Result<(), Error> {
        if !matches!(self.state, State::Start | State::Ready) {
            return Ok(());
        }
        if self.config.role == Role::Publish {
            self.call("FCUnpublish", FC_UNPUBLISH, [Value::Null, self.key()])?;
        }
        let stream_id = Value::Number(self.stream_id.into());
        self.call("deleteStream", DELETE_STREAM, [Value::Null, stream_id])
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
                self.connect()?;
                rest
            }
        };
        if self.state == State::Ready && self.config.role == Role::Play {
            self.deadline = Some(now + self.config.silence_timeout);
        }
        self.link.push(input);
        while self.state != State::Closed {
            let Some(message) = self.link.poll()? else {
                break;
            };
            self.on_message(now, message)?;
        }
        self.link.acknowledge()
    }

    fn on_message(&mut self, now: Instant, message: Message) -> Result<(), Error> {
        match message.kind {
            Kind::CommandAmf0 | Kind::CommandAmf3 => {
                match Command::parse(&message, self.config.limits.amf)? {
                    Some(command) => self.on_command(now, &command),
                    None => Ok(()),
                }
            }
            _ if self.state == State::Ready && self.config.role == Role::Play => {
                let media = self.link.media(message).map(ClientEvent::Media);
                self.events.extend(media);
                Ok(())
            }
            _ => {
                self.link.count_ignored();
                Ok(())
            }
        }
    }

    fn on_command(&mut self, now: Instant, command: &Command) -> Result<(), Error> {
        match (command.name.as_str(), command.transaction) {
            ("_result", CONNECT) if self.state == State::Connect => {
                self.enhanced = Enhanced::of_answer(command);
                self.create_stream()
            }
            ("_result", CREATE_STREAM) if self.state == State::CreateStream => self.start(command),
            ("_error", CONNECT) => Err(refused("connect", command)),
            ("_error", CREATE_STREAM) => Err(refused("createStream", command)),
            ("_error", START) => Err(refused(self.verb(), command)),
            ("onStatus", _) => self.on_status(now, command),
            ("close", _) => {
                self.end(Reason::PeerFinished);
                Ok(())
            }
            // Among them `onBWDone`, and errors to `releaseStream` or `FCPublish`, which many
            // servers do not know.
            _ => {
                self.link.count_ignored();
                Ok(())
            }
        }
    }

    fn on_status(&mut self, now: Instant, command: &Command) -> Result<(), Error> {
        let (level, code, description) = status_of(command);
        match (code.as_str(), self.state) {
            _ if level == "error" => return Err(refused(self.verb(), command)),
            ("NetStream.Publish.Start" | "NetStream.Play.Start", State::Start) => {
                self.state = State::Ready;
                self.link.let_in();
                let stream_id = self.stream_id;
                let enhanced = std::mem::take(&mut self.enhanced);
                self.events.push_back(ClientEvent::Ready {
                    stream_id,
                    enhanced,
                });
                self.deadline = match self.config.role {
                    Role::Publish => None,
                    Role::Play => Some(now + self.config.silence_timeout),
                };
            }
            (
                "NetStream.Play.UnpublishNotify"
                | "NetStream.Play.Stop"
                | "NetStream.Play.Complete"
                | "NetStream.Unpublish.Success"
                | "NetConnection.Connect.Closed",
                _,
            ) => self.end(Reason::PeerFinished),
            _ => self
                .events
                .push_back(ClientEvent::Status { code, description }),
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<(), Error> {
        let url = &self.config.url;
        let mut properties = vec![
            ("app", Value::from(&*url.app)),
            ("type", "nonprivate".into()),
            ("flashVer", self.config.flash_ver.as_str().into()),
            ("tcUrl", url.tc_url().as_str().into()),
        ];
        properties.extend(enhanced::announcement());
        if self.config.role == Role::Play {
            // Flash's: no proxy, all its codecs, and seeking to the frame.
            properties.extend([
                ("fpad", false.into()),
                ("capabilities", 15.0.into()),
                ("audioCodecs", 4071.0.into()),
                ("videoCodecs", 252.0.into()),
                ("videoFunction", 1.0.into()),
            ]);
        }
        self.state = State::Connect;
        self.call("connect", CONNECT, [Value::object(properties)])
    }

    fn create_stream(&mut self) -> Result<(), Error> {
        self.link.send_control(Control::WindowAckSize(WINDOW))?;
        self.link.send_chunk_size()?;
        if self.config.role == Role::Publish {
            self.call("releaseStream", RELEASE_STREAM, [Value::Null, self.key()])?;
            self.call("FCPublish", FC_PUBLISH, [Value::Null, self.key()])?;
        }
        self.state = State::CreateStream;
        self.call("createStream", CREATE_STREAM, [Value::Null])
    }

    fn start(&mut self, created: &Command) -> Result<(), Error> {
        // The cast saturates, and the server only gets back what it sent.
        self.stream_id = created.argument(1).as_f64().unwrap_or(1.0) as u32;
        let arguments = match self.config.role {
            Role::Publish => vec![Value::Null, self.key(), "live".into()],
            Role::Play => vec![Value::Null, self.key(), (-2000.0).into()],
        };
        self.link
            .send_status(self.stream_id, &Command::new(self.verb(), START, arguments))?;
        if self.config.role == Role::Play {
            let (stream_id, buffer_ms) = (self.stream_id, 3000);
            let buffer = UserControl::SetBufferLength {
                stream_id,
                buffer_ms,
            };
            self.link.send_control(Control::User(buffer))?;
        }
        self.state = State::Start;
        Ok(())
    }

    fn call(
        &mut self,
        name: &str,
        transaction: f64,
        arguments: impl Into<Vec<Value>>,
    ) -> Result<(), Error> {
        self.link
            .send_command(&Command::new(name, transaction, arguments))
    }

    fn key(&self) -> Value {
        Value::String(self.config.url.stream_key())
    }

    fn verb(&self) -> &'static str {
        match self.config.role {
            Role::Publish => "publish",
            Role::Play => "play",
        }
    }

    fn end(&mut self, reason: Reason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.deadline = None;
            self.events.push_back(ClientEvent::Closed(reason));
        }
    }
}

/// Level, code and description of a status or an error.
fn status_of(command: &Command) -> (String, String, String) {
    let nothing = Object::default();
    let info = command
        .arguments
        .iter()
        .rev()
        .find_map(Value::as_object)
        .unwrap_or(&nothing);
    let text = |name| info.get_str(name).unwrap_or_default().to_owned();
    (text("level"), text("code"), text("description"))
}

fn refused(command: &'static str, answer: &Command) -> Error {
    let (_, code, description) = status_of(answer);
    Error::Refused {
        command,
        code,
        description,
    }
}
