//! What a routing policy is told and what it answers.
//!
//! The newest version of `routing` in `wit/`, as the host sees it: same fields, same units. The
//! bindings of every WIT version in the plugin plane convert from and to these types, and the
//! decision log stores them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Keys and values: labels, parameters, and what newer versions add.
pub type Attributes = BTreeMap<String, String>;

/// One stream as it stands at one moment; the input of a decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RoutingState {
    /// The stream's name, for example `live/cam1`.
    pub stream: String,
    /// Time of the decision, Unix milliseconds.
    pub now_unix_ms: u64,
    /// The host's offset from UTC now, minutes, east positive.
    #[serde(default)]
    pub utc_offset_minutes: i32,
    /// The operator's labels of the stream.
    #[serde(default)]
    pub labels: Attributes,
    /// Candidate sources, the operator's first choice first.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Outputs that are declared or that an earlier plan asked for.
    #[serde(default)]
    pub outputs: Vec<OutputState>,
    /// Viewers now, over every protocol.
    #[serde(default)]
    pub readers: u32,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// A source that may be put on air.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Unique within the stream, stable as long as the source exists.
    pub id: String,
    /// The name of its [`crate::Protocol`].
    pub protocol: String,
    /// Whether bytes arrive, or its peer is connected.
    #[serde(default)]
    pub connected: bool,
    /// Whether it is the one on air.
    #[serde(default)]
    pub on_air: bool,
    /// Bits per second over the last second or so.
    #[serde(default)]
    pub bitrate_bps: u64,
    /// Milliseconds since the last packet; none when there never was one.
    #[serde(default)]
    pub packet_age_ms: Option<u64>,
    /// Continuity errors (ISO/IEC 13818-1 §2.4.3.3) or lost messages since it connected.
    #[serde(default)]
    pub continuity_errors: u64,
    /// Milliseconds since it connected; 0 when it is not connected.
    #[serde(default)]
    pub uptime_ms: u64,
    /// The first video track, once its headers were seen.
    #[serde(default)]
    pub video: Option<Video>,
    /// The first audio track, once its headers were seen.
    #[serde(default)]
    pub audio: Option<Audio>,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// A video track.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// Lower case: `h264`, `hevc`.
    pub codec: String,
    /// Pixels; 0 when unknown.
    #[serde(default)]
    pub width: u32,
    /// Pixels; 0 when unknown.
    #[serde(default)]
    pub height: u32,
    /// Thousandths of a frame per second; 0 when unknown.
    #[serde(default)]
    pub fps_milli: u32,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// An audio track.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Audio {
    /// Lower case: `aac`, `mp2`.
    pub codec: String,
    /// Samples per second; 0 when unknown.
    #[serde(default)]
    pub sample_rate_hz: u32,
    /// Channels; 0 when unknown.
    #[serde(default)]
    pub channels: u32,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// An output as it stands at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputState {
    /// Unique within the stream.
    pub name: String,
    /// Where it sends.
    pub url: String,
    /// Whether the operator declared it; if not, an earlier plan asked for it.
    #[serde(default)]
    pub declared: bool,
    /// Whether the operator wants it.
    #[serde(default)]
    pub enabled: bool,
    /// The name of its [`crate::LinkState`].
    #[serde(default)]
    pub state: String,
    /// Since when it stands there, Unix milliseconds.
    #[serde(default)]
    pub since_unix_ms: u64,
    /// Attempts since it was last stable; 0 before the first.
    #[serde(default)]
    pub attempt: u32,
    /// Bits per second that its peer took over the last second or so.
    #[serde(default)]
    pub bitrate_bps: u64,
    /// Packets or access units dropped since it was started.
    #[serde(default)]
    pub drops: u64,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// What a policy wants from now on; whatever it leaves out shall not run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Id of the source to put on air; none leaves it as it is.
    #[serde(default)]
    pub on_air: Option<String>,
    /// Ids of sources that stand in, best first, while that one does not deliver.
    #[serde(default)]
    pub failover: Vec<String>,
    /// Id of the source to show when none of those delivers.
    #[serde(default)]
    pub slate: Option<String>,
    /// Every output that shall run. Names are unique.
    #[serde(default)]
    pub outputs: Vec<PlannedOutput>,
    /// Names of the protocols that viewers may take the stream over; none allows all.
    #[serde(default)]
    pub serve: Option<Vec<String>>,
    /// Labels beside the operator's, whose win.
    #[serde(default)]
    pub labels: Attributes,
    /// What an operator should know of, as long as it is in the plan.
    #[serde(default)]
    pub alerts: Vec<Alert>,
    /// Why, in a few words, for the operator.
    #[serde(default)]
    pub reason: String,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// How much an alert matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something to look into.
    Warning,
    /// Viewers are hurt, or soon will be.
    Critical,
}

/// Something an operator should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Names the condition; unique within the plan.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// For people.
    pub message: String,
}

/// An output that shall run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlannedOutput {
    /// Unique within the plan. The name of a declared output means that one.
    pub name: String,
    /// Where to send; none takes the declared output's own.
    #[serde(default)]
    pub url: Option<String>,
    /// Parameters that go before those of the url's query.
    #[serde(default)]
    pub params: Attributes,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

impl Plan {
    /// Whether viewers may take the stream over the named protocol.
    pub fn serves(&self, protocol: &str) -> bool {
        self.serve
            .as_ref()
            .is_none_or(|allowed| allowed.iter().any(|name| name == protocol))
    }
}
