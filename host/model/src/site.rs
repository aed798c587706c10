//! The desired document: what the config file, `POST /api/v1/apply` and exports have in common.

use crate::composite::CompositeSpec;
use crate::encode::EncodeSpec;
use crate::tenant::TenantSpec;
use crate::{
    Endpoint, EndpointError, GroupSpec, Label, Retry, ScheduleSpec, StreamName, StreamPattern,
    TemplateSpec, WebhookSpec,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

/// Everything that is wanted of one host, listeners aside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// Who shares this host, and how much of it is theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantSpec>,
    /// Which plugin decides what, for which streams.
    pub policies: Vec<PolicySpec>,
    /// Declared inputs, each a stream of its own.
    pub inputs: Vec<InputSpec>,
    /// Screens that show something together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupSpec>,
    /// Sets of outputs to be added to inputs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<TemplateSpec>,
    /// Who is told by HTTP of what happens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookSpec>,
}

/// The kinds of decision a plugin can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PolicyKind {
    /// Which source is on air and which outputs run.
    Routing,
    /// Which clip a channel plays next.
    Selection,
    /// Where pictures stand on a canvas.
    Layout,
    /// Who may publish, read, or use the API.
    Auth,
}

impl PolicyKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Routing, Self::Selection, Self::Layout, Self::Auth];

    /// The name used in the API, the config and a plugin's metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Selection => "selection",
            Self::Layout => "layout",
            Self::Auth => "auth",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl std::fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the decisions of a policy are for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    /// They are made true.
    #[default]
    Active,
    /// They are only compared with those of the active policy, and the differences counted.
    Shadow,
    /// They are made true for a share of the streams, chosen by a hash of the name, in place of
    /// those of the active policy.
    Canary,
}

impl PolicyMode {
    /// The name used in the API and the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
        }
    }
}

/// Binds a plugin to a kind of decision, for the streams a pattern matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// What it decides.
    pub kind: PolicyKind,
    /// For which streams; the most specific match wins.
    #[serde(default = "StreamPattern::any")]
    pub streams: StreamPattern,
    /// Whether it decides, or is only tried.
    #[serde(default)]
    pub mode: PolicyMode,
    /// Of a canary: the share of streams it decides for, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// The plugin's name, as in `plugins/NAME.wasm`.
    pub plugin: Label,
    /// Checked against the plugin's own JSON Schema.
    #[serde(default = "empty_object")]
    pub config: serde_json::Value,
}

impl PolicySpec {
    /// It in the words of an error: what it decides, and for which streams.
    pub fn what(&self) -> String {
        let (kind, streams) = (self.kind, &self.streams);
        match self.mode {
            PolicyMode::Active => format!("policy {kind} for {streams}"),
            mode => format!("{} policy {kind} for {streams}", mode.as_str()),
        }
    }
}

fn empty_object() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

/// A declared input: a stream that exists whether or not anybody feeds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// The stream's name.
    pub name: StreamName,
    /// Candidate sources, best first. None: one `publish` source.
    #[serde(default)]
    pub sources: Vec<SourceSpec>,
    /// Where the stream is sent.
    #[serde(default)]
    pub outputs: Vec<OutputSpec>,
    /// Set: its UDP and SRT sources carry the same transport stream over several paths, so many
    /// milliseconds apart at most, and each packet is taken from whichever brings it. 10 to 1000;
    /// the stream is that much later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_ms: Option<u32>,
    /// Set: a source whose picture has not moved for so long counts as one that does not deliver;
    /// 1000 to 600000. It is told from the sizes of coded pictures, without decoding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_ms: Option<u32>,
    /// Set: the same of a source that has shown nothing but black, or another plain colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub black_ms: Option<u32>,
    /// Set: renditions are made of it, each a stream `NAME@RENDITION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<EncodeSpec>,
    /// How it is packaged for viewers over HTTP, where that differs from `[hls]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls: Option<HlsSpec>,
    /// For policies to read; the host gives them no meaning.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

impl InputSpec {
    /// One that takes publishers and goes nowhere.
    pub fn new(name: StreamName) -> Self {
        Self {
            name,
            sources: Vec::new(),
            outputs: Vec::new(),
            merge_ms: None,
            freeze_ms: None,
            black_ms: None,
            encode: None,
            hls: None,
            labels: BTreeMap::new(),
        }
    }
}

/// How one input is packaged for HLS and DASH. What is left out is as `[hls]` says. After a change
/// its window begins anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HlsSpec {
    /// What `index.m3u8` leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<HlsForm>,
    /// How far back viewers may seek, 0 to 43200 s; six segments are listed at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_s: Option<u32>,
    /// Segments are encrypted with AES-128 (RFC 8216 §4.3.2.4), with a new key every so many, 1 to
    /// 1000; 0: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_rotation: Option<u32>,
}

/// The form of segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HlsForm {
    /// Fragmented MP4 (CMAF, ISO/IEC 23000-19), one rendition a track, with low latency.
    #[default]
    Cmaf,
    /// Transport stream, with all that it carries.
    Ts,
}

impl FromStr for HlsForm {
    type Err = UnknownForm;

    fn from_str(text: &str) -> Result<Self, UnknownForm> {
        match text {
            "cmaf" => Ok(Self::Cmaf),
            "ts" => Ok(Self::Ts),
            _ => Err(UnknownForm),
        }
    }
}

/// A form that there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be cmaf or ts")]
pub struct UnknownForm;

/// Where a candidate source's media comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum SourceSpec {
    /// MPEG-TS datagrams received on an address; a multicast group is joined.
    Udp {
        /// `HOST:PORT` to bind, or the group to join; left out: a port of `[udp] ports`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        address: String,
        /// Address of the local interface to join the group on (IPv4), or its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interface: Option<String>,
    },
    /// SRT: `srt://HOST:PORT?mode=caller` calls, `mode=listener` waits.
    Srt {
        /// With `latency` (ms), `passphrase`, `pbkeylen`, `streamid`.
        url: String,
        /// When to try again.
        #[serde(default, skip_serializing_if = "Retry::is_usual")]
        retry: Retry,
    },
    /// A stream of an RTMP server, which is called: `rtmp://HOST/APP/NAME`, or `rtmps`.
    Rtmp {
        /// Its query is passed on to the server.
        url: String,
        /// When to try again.
        #[serde(default, skip_serializing_if = "Retry::is_usual")]
        retry: Retry,
    },
    /// A camera or a stream of an RTSP server, which is called: `rtsp://[USER:PASSWORD@]HOST/PATH`
    /// with RTP interleaved in TCP, `rtspu` over UDP.
    Rtsp {
        /// Its query is passed on as it stands.
        url: String,
        /// When to try again.
        #[serde(default, skip_serializing_if = "Retry::is_usual")]
        retry: Retry,
    },
    /// A file, over and over, in real time.
    File {
        /// Below the media folder (`[media] dir`).
        path: String,
    },
    /// A picture or a clip for when nothing else is left, wherever it stands among the sources.
    /// It is encoded once, like the stream, and then played over and over.
    Slate {
        /// Below the media folder (`[media] dir`).
        path: String,
    },
    /// A test picture with the stream's name and a clock, and a tone.
    Test {},
    /// Several streams and files on one canvas, where the layout policy says.
    Composite(Arc<CompositeSpec>),
    /// What is on air on another stream of this host.
    Stream {
        /// Its name; it may come later.
        name: StreamName,
    },
    /// Whoever publishes to the stream's name, over whatever this host listens for.
    Publish {},
}

impl SourceSpec {
    /// The endpoint to listen on or to call; `None` for [`SourceSpec::Publish`].
    pub fn endpoint(&self) -> Result<Option<Endpoint>, EndpointError> {
        match self {
            Self::Udp { address, interface } => {
                Endpoint::udp(address, interface.as_deref()).map(Some)
            }
            Self::Srt { url, .. } => of_scheme(url, &["srt"]).map(Some),
            Self::Rtmp { url, .. } => of_scheme(url, &["rtmp", "rtmps"]).map(Some),
            Self::Rtsp { url, .. } => of_scheme(url, &["rtsp", "rtspu"]).map(Some),
            Self::File { path } => Endpoint::file(path).map(Some),
            Self::Slate { path } => Endpoint::slate(path).map(Some),
            Self::Test {} => Ok(Some(Endpoint::Test)),
            Self::Composite(spec) => {
                spec.check()?;
                Ok(Some(Endpoint::Composite(spec.clone())))
            }
            Self::Stream { name } => Ok(Some(Endpoint::Stream(name.clone()))),
            Self::Publish {} => Ok(None),
        }
    }

    /// The other streams of this host that it is made of.
    pub fn takes(&self) -> Vec<&StreamName> {
        match self {
            Self::Stream { name } => vec![name],
            Self::Composite(spec) => spec.streams().collect(),
            _ => Vec::new(),
        }
    }

    /// When to try again; as usual for sources that call nobody.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Srt { retry, .. } | Self::Rtmp { retry, .. } | Self::Rtsp { retry, .. } => *retry,
            Self::Udp { .. }
            | Self::File { .. }
            | Self::Slate { .. }
            | Self::Test {}
            | Self::Composite(_)
            | Self::Stream { .. }
            | Self::Publish {} => Retry::default(),
        }
    }
}

fn of_scheme(url: &str, schemes: &[&'static str]) -> Result<Endpoint, EndpointError> {
    let endpoint: Endpoint = url.parse()?;
    match (schemes.first(), endpoint.scheme()) {
        (Some(wanted), found) if !schemes.contains(&found) => {
            Err(EndpointError::WrongScheme { wanted, found })
        }
        _ => Ok(endpoint),
    }
}

/// Somewhere a stream is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// Unique within its input.
    pub name: Label,
    /// The target, parameters in its query; see [`Endpoint`].
    pub url: String,
    /// Wanted; a routing plan may switch it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// When to try again.
    #[serde(default, skip_serializing_if = "Retry::is_usual")]
    pub retry: Retry,
    /// When it is wanted, if not always. What is not enabled is never wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,
}

fn yes() -> bool {
    true
}
