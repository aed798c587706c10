//! What a server session tells.

use super::super::{Enhanced, Media, Reason};
use crate::amf::Object;
use crate::url;

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// A client connects: [`super::Server::accept`] or [`super::Server::reject`].
    Connect(Connect),
    /// It wants to publish: accept or reject.
    Publish(Publish),
    /// It wants to play: accept or reject. Accepted, write what [`super::Server::poll_output`]
    /// holds, and then shared [wire messages](crate::wire).
    Play(Play),
    /// It published this.
    Media(Media),
    /// The player paused (true) or goes on (false).
    Pause(bool),
    /// It stopped publishing, and may publish or play again.
    Unpublish,
    /// It stopped playing, and may publish or play again.
    Stop,
    /// The session is over: write what [`super::Server::poll_output`] holds, and close.
    Closed(Reason),
}

/// What a client says of itself in `connect`.
#[derive(Debug, Clone, PartialEq)]
pub struct Connect {
    /// The application, without slashes at its ends and without query.
    pub app: String,
    /// What followed the app's question mark.
    pub query: String,
    /// The address the client dialled, as it wrote it.
    pub tc_url: String,
    /// The client's version, such as `FMLE/3.0 (compatible; Lavf59.27.100)`.
    pub flash_ver: String,
    /// What it takes of enhanced RTMP.
    pub enhanced: Enhanced,
    /// All of the command object.
    pub properties: Object,
}

/// What a client wants to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// The application of `connect`.
    pub app: String,
    /// The stream's name or key, without its query.
    pub name: String,
    /// The queries of app and name, joined by `&`; tokens travel here.
    pub query: String,
    /// What is to be done with the stream.
    pub kind: PublishKind,
}

/// What a publisher wants done with its stream (RTMP 1.0 §7.2.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishKind {
    /// Nothing but pass it on.
    Live,
    /// Record it to a new file.
    Record,
    /// Record it behind what was recorded.
    Append,
}

/// What a client wants to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// The application of `connect`.
    pub app: String,
    /// The stream's name, without its query.
    pub name: String,
    /// The queries of app and name, joined by `&`; tokens travel here.
    pub query: String,
    /// Milliseconds into a recording; -2000 (live, else recorded) or -1000 (live) as a rule.
    pub start_ms: i64,
}

impl Publish {
    /// The stream's name in this router: `APP/NAME`.
    pub fn stream_name(&self) -> String {
        url::stream_name(&self.app, &self.name)
    }
}

impl Play {
    /// The stream's name in this router: `APP/NAME`.
    pub fn stream_name(&self) -> String {
        url::stream_name(&self.app, &self.name)
    }
}

impl Connect {
    pub(super) fn new(properties: Object) -> Self {
        let text = |name| properties.get_str(name).unwrap_or_default();
        let (app, query) = url::split_query(text("app"));
        Self {
            app: app.trim_matches('/').to_owned(),
            query: query.to_owned(),
            tc_url: text("tcUrl").to_owned(),
            flash_ver: text("flashVer").to_owned(),
            enhanced: Enhanced::of(&properties),
            properties,
        }
    }
}

impl From<&str> for PublishKind {
    fn from(text: &str) -> Self {
        match text {
            "record" => Self::Record,
            "append" => Self::Append,
            _ => Self::Live,
        }
    }
}
