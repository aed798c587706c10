//! The configuration: a TOML file, overridden by the environment, over defaults that work.
//!
//! Every scalar key is also an environment variable, `POINTSMAN_<SECTION>_<KEY>`
//! (`POINTSMAN_API_LISTEN`), or `POINTSMAN_<KEY>` for keys outside sections.

mod api;
mod env;
mod error;
mod hls;
mod keys;
mod mjpeg;
mod otlp;
mod plugins;
mod rtsp;
mod service;
mod stages;
#[cfg(test)]
mod tests;
mod videos;
mod webrtc;

pub use api::Api;
pub use env::variable_of;
pub use error::{ConfigError, Position};
pub use hls::Hls;
pub use mjpeg::Mjpeg;
pub use otlp::Otlp;
pub use plugins::{Overrides, Plugins};
pub use rtsp::Rtsp;
pub use service::{Compat, Log, Shutdown};
pub use stages::Stages;
pub use videos::Videos;
pub use webrtc::Webrtc;

use control::desired::{Limits, Rules, UdpPorts};
use model::history::Retention;
use model::tenant::TenantSpec;
use model::{Egress, GroupSpec, InputSpec, PolicySpec, Site, TemplateSpec, WebhookSpec};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use store::{BadServerUrl, ServerUrl};

/// Everything a host is told. Lists of policies and inputs are the [`Site`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the host keeps its own files: compiled plugins, the database.
    pub data_dir: PathBuf,
    /// Where what is wanted and what was decided is kept.
    pub database: Database,
    /// REST, HLS, metrics and the player page.
    pub api: Api,
    /// RTMP publishers and players.
    pub rtmp: Rtmp,
    /// RTSP publishers and players.
    pub rtsp: Rtsp,
    /// WHIP publishers and WHEP viewers.
    pub webrtc: Webrtc,
    /// Segments over HTTP.
    pub hls: Hls,
    /// JPEG pictures over HTTP.
    pub mjpeg: Mjpeg,
    /// Streams made of streams.
    pub stages: Stages,
    /// Files that operators upload.
    pub videos: Videos,
    /// SRT publishers and readers.
    pub srt: Srt,
    /// UDP inputs.
    pub udp: Udp,
    /// How much may be declared.
    pub limits: Limits,
    /// What this host may call.
    pub egress: Egress,
    /// Files as sources and targets.
    pub media: Media,
    /// Plugins: where they come from, and what they may take.
    pub plugins: Plugins,
    /// What is kept of decisions.
    pub decisions: Decisions,
    /// Where the log goes.
    pub log: Log,
    /// How the host ends.
    pub shutdown: Shutdown,
    /// Routes of other systems.
    pub compat: Compat,
    /// What is kept of the log of changes.
    pub audit: Audit,
    /// Who shares this host.
    pub tenants: Vec<TenantSpec>,
    /// Where figures and traces go.
    pub otlp: Otlp,
    /// Which plugin decides what.
    pub policies: Vec<PolicySpec>,
    /// Declared inputs.
    pub inputs: Vec<InputSpec>,
    /// Screens that show something together.
    pub groups: Vec<GroupSpec>,
    /// Sets of outputs to be added to inputs.
    pub templates: Vec<TemplateSpec>,
    /// Who is told by HTTP of what happens.
    pub webhooks: Vec<WebhookSpec>,
}

/// `[database]`
#[derive(Default, Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// A PostgreSQL database; none: SQLite, in a file below `data_dir`.
    #[serde(deserialize_with = "server_url")]
    pub url: Option<ServerUrl>,
}

impl Database {
    /// Set to nothing means not set, as usual for secrets.
    ///
    /// # Errors
    /// It is no URL of a PostgreSQL database. The text is not repeated.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = match url {
            "" => None,
            url => Some(
                url.parse()
                    .map_err(|error: BadServerUrl| error.to_string())?,
            ),
        };
        Ok(Self { url })
    }
}

/// `[rtmp]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rtmp {
    /// Address and port of the RTMP server.
    pub listen: SocketAddr,
    /// Address and port of the RTMPS server, under the certificate of `[api]`. Not set: there is
    /// none.
    pub tls_listen: Option<SocketAddr>,
    /// The longest that a message is kept back to be written with others, once a stream has many
    /// players, ms: 0 to 1000. Up to 50 players nothing is kept back.
    pub merge_ms: u32,
}

/// `[srt]`
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Srt {
    /// Address and port of the SRT listener.
    pub listen: SocketAddr,
    /// 0 to 30000 ms; the larger of both sides' holds.
    pub latency: u32,
    /// 10 to 79 characters; without it, connections are not encrypted.
    pub passphrase: Option<String>,
    /// AES key length of what is sent from here, in bytes: 16, 24 or 32.
    pub pbkeylen: u8,
}

/// `[udp]`
#[derive(Default, Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Udp {
    /// Allotted to inputs that name none.
    #[serde(deserialize_with = "ports")]
    pub ports: UdpPorts,
}

/// `[media]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Files are read and written below this folder, and nowhere else.
    pub dir: PathBuf,
}

/// `[decisions]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Decisions {
    /// Whether tokens and keys stay in what is shown and kept of decisions. Auth decisions can
    /// only be replayed with them.
    pub keep_secrets: bool,
    /// Whether decisions are kept in the database, too.
    pub history: bool,
    /// For how long.
    pub max_age_days: u32,
    /// How many at most.
    pub max_lines: u64,
    /// How much of their JSON at most.
    pub max_bytes: u64,
}

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// For how long a line of the log of changes is kept.
    pub max_age_days: u32,
    /// How many at most.
    pub max_rows: u64,
}

impl Default for Audit {
    fn default() -> Self {
        let kept = model::audit::Retention::default();
        Self {
            max_age_days: 365,
            max_rows: kept.max_rows,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            database: Database::default(),
            api: Api::default(),
            rtmp: Rtmp::default(),
            rtsp: Rtsp::default(),
            webrtc: Webrtc::default(),
            hls: Hls::default(),
            mjpeg: Mjpeg::default(),
            stages: Stages::default(),
            videos: Videos::default(),
            srt: Srt::default(),
            udp: Udp::default(),
            limits: Limits::default(),
            egress: Egress::default(),
            media: Media::default(),
            plugins: Plugins::default(),
            decisions: Decisions::default(),
            audit: Audit::default(),
            log: Log::default(),
            shutdown: Shutdown::default(),
            compat: Compat::default(),
            tenants: Vec::new(),
            otlp: Otlp::default(),
            policies: Vec::new(),
            inputs: Vec::new(),
            groups: Vec::new(),
            templates: Vec::new(),
            webhooks: Vec::new(),
        }
    }
}

impl Default for Rtmp {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1935)),
            tls_listen: None,
            merge_ms: 20,
        }
    }
}

impl Default for Srt {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8890));
        Self {
            listen,
            latency: model::endpoint::DEFAULT_SRT_LATENCY_MS,
            passphrase: None,
            pbkeylen: 16,
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self {
            dir: "media".into(),
        }
    }
}

impl Default for Decisions {
    fn default() -> Self {
        let kept = Retention::default();
        Self {
            keep_secrets: false,
            history: true,
            max_age_days: 7,
            max_lines: kept.max_lines,
            max_bytes: kept.max_bytes,
        }
    }
}

impl std::fmt::Debug for Srt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Srt")
            .field("listen", &self.listen)
            .field("latency", &self.latency)
            .field("encrypted", &self.passphrase.is_some())
            .finish()
    }
}

fn server_url<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Option<ServerUrl>, D::Error> {
    let database = Database::parse(&String::deserialize(text)?);
    Ok(database.map_err(serde::de::Error::custom)?.url)
}

fn ports<'de, D: serde::Deserializer<'de>>(text: D) -> Result<UdpPorts, D::Error> {
    String::deserialize(text)?
        .parse()
        .map_err(serde::de::Error::custom)
}

/// Reads a document. An empty one is the default configuration.
///
/// # Errors
/// With line and column; an unknown key with the nearest known one. Never panics.
pub fn parse(text: &str) -> Result<Config, ConfigError> {
    parse_with(text, std::iter::empty())
}

/// Reads a document with environment variables laid over it.
///
/// # Errors
/// As [`parse`]; a variable's value that does not fit is told with the variable's name.
pub fn parse_with(
    text: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    keys::check(text)?;
    let config: Config = toml::from_str(text).map_err(|error| ConfigError::syntax(text, &error))?;
    let config = env::overlay(config, variables)?;
    config.check()?;
    Ok(config)
}

/// Reads `path`, if there is one, and the process's environment.
///
/// # Errors
/// As [`parse_with`], with the file's name in front; or the file cannot be read.
pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
    let text = match path {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            file: path.to_owned(),
            error,
        })?,
    };
    let text_vars = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    parse_with(&text, text_vars).map_err(|error| error.in_file(path))
}

impl Config {
    /// The part that is reconciled.
    pub fn site(&self) -> Site {
        Site {
            tenants: self.tenants.clone(),
            policies: self.policies.clone(),
            inputs: self.inputs.clone(),
            groups: self.groups.clone(),
            templates: self.templates.clone(),
            webhooks: self.webhooks.clone(),
        }
    }

    /// The sections in which another configuration differs, but for the site: what a running host
    /// cannot take over.
    pub fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        // Whoever adds a section sees this, and says whether it is the site's.
        let Self {
            data_dir,
            database,
            api,
            rtmp,
            rtsp,
            webrtc,
            hls,
            mjpeg,
            stages,
            videos,
            srt,
            udp,
            limits,
            plugins,
            decisions,
            audit,
            log,
            shutdown,
            compat,
            egress,
            media,
            tenants: _,
            otlp,
            policies: _,
            inputs: _,
            groups: _,
            templates: _,
            webhooks: _,
        } = self;
        let compared = [
            ("data_dir", *data_dir == other.data_dir),
            ("[database]", *database == other.database),
            ("[api]", *api == other.api),
            ("[rtmp]", *rtmp == other.rtmp),
            ("[rtsp]", *rtsp == other.rtsp),
            ("[webrtc]", *webrtc == other.webrtc),
            ("[hls]", *hls == other.hls),
            ("[mjpeg]", *mjpeg == other.mjpeg),
            ("[stages]", *stages == other.stages),
            ("[videos]", *videos == other.videos),
            ("[srt]", *srt == other.srt),
            ("[udp]", *udp == other.udp),
            ("[limits]", *limits == other.limits),
            ("[plugins]", *plugins == other.plugins),
            ("[decisions]", *decisions == other.decisions),
            ("[audit]", *audit == other.audit),
            ("[log]", *log == other.log),
            ("[shutdown]", *shutdown == other.shutdown),
            ("[compat]", *compat == other.compat),
            ("[egress]", *egress == other.egress),
            ("[media]", *media == other.media),
            ("[otlp]", *otlp == other.otlp),
        ];
        let differing = compared.into_iter().filter(|(_, same)| !same);
        differing.map(|(section, _)| section).collect()
    }

    /// What the site and every change of it are checked against.
    pub fn rules(&self) -> Rules {
        Rules {
            udp_ports: self.udp.ports,
            limits: self.limits,
            egress: self.egress.clone(),
        }
    }

    /// Ranges that types do not hold.
    fn check(&self) -> Result<(), ConfigError> {
        if self.srt.latency > 30_000 {
            return Err(ConfigError::range("srt.latency", "0 to 30000 ms"));
        }
        if self.rtmp.merge_ms > 1_000 {
            return Err(ConfigError::range("rtmp.merge_ms", "0 to 1000 ms"));
        }
        if !matches!(self.srt.pbkeylen, 16 | 24 | 32) {
            return Err(ConfigError::range("srt.pbkeylen", "16, 24 or 32 bytes"));
        }
        let sound = |passphrase: &String| (10..=79).contains(&passphrase.len());
        if !self.srt.passphrase.as_ref().is_none_or(sound) {
            return Err(ConfigError::range("srt.passphrase", "10 to 79 characters"));
        }
        let Limits {
            inputs,
            outputs_per_input,
            outputs,
        } = self.limits;
        if !(1..=10_000).contains(&inputs) {
            return Err(ConfigError::range("limits.inputs", "1 to 10000"));
        }
        if !(1..=200).contains(&outputs_per_input) {
            return Err(ConfigError::range("limits.outputs_per_input", "1 to 200"));
        }
        if !(1..=10_000).contains(&outputs) {
            return Err(ConfigError::range("limits.outputs", "1 to 10000"));
        }
        self.api.check()?;
        self.hls.check()?;
        self.rtsp.check()?;
        self.webrtc.check()?;
        self.mjpeg.check()?;
        self.stages.check()?;
        self.videos.check()?;
        self.log.check()?;
        self.shutdown.check()?;
        self.otlp.check()?;
        self.plugins.check()
    }
}
