//! The configuration, as `config.schema.json` describes it.
//!
//! A decision needs one rule, and of the keys only those of that rule. So the configuration is
//! read over twice, both times without copying: rules as far as it takes to choose one, and then
//! what that one holds. Of a thousand rules, those not chosen cost a glance.

use pointsman_sdk::Error;
use pointsman_sdk::auth::Action;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The operator's settings, as text.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Config(Box<RawValue>);

impl Config {
    pub(crate) fn site(&self) -> Result<Site<'_>, Error> {
        read("the configuration", &self.0)
    }
}

/// Reads a part of the configuration.
pub(crate) fn read<'a, T: Deserialize<'a>>(what: &str, text: &'a RawValue) -> Result<T, Error> {
    serde_json::from_str(text.get()).map_err(|error| Error::new(format!("{what}: {error}")))
}

/// All of it, credentials and addresses unread.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site<'a> {
    #[serde(borrow, default)]
    pub(crate) deny_from: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) jwt: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) rules: Vec<Rule<'a>>,
}

/// A rule, credentials and addresses unread.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule<'a> {
    #[serde(borrow, default = "any")]
    pub(crate) streams: Cow<'a, str>,
    #[serde(default)]
    pub(crate) actions: Actions,
    #[serde(default)]
    pub(crate) methods: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) paths: Option<Vec<String>>,
    #[serde(borrow, default)]
    pub(crate) allow_from: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) deny_from: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) anyone: bool,
    #[serde(default)]
    pub(crate) jwt: bool,
    #[serde(borrow, default)]
    pub(crate) keys: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) key_in_name: bool,
    #[serde(borrow, default)]
    pub(crate) as_stream: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) ttl_ms: Option<u64>,
    #[serde(default)]
    pub(crate) max_bitrate_bps: Option<u64>,
    #[serde(default)]
    pub(crate) max_duration_ms: Option<u64>,
    #[serde(default)]
    pub(crate) max_readers: Option<u32>,
}

fn any<'a>() -> Cow<'a, str> {
    Cow::Borrowed("*")
}

/// A set of actions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actions {
    publish: bool,
    read: bool,
    api: bool,
}

impl Default for Actions {
    /// The API has to be opened by name.
    fn default() -> Self {
        Self {
            publish: true,
            read: true,
            api: false,
        }
    }
}

impl Actions {
    pub(crate) const fn has(self, action: Action) -> bool {
        match action {
            Action::Publish => self.publish,
            Action::Read => self.read,
            Action::Api => self.api,
        }
    }
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named: Vec<Action> = Deserialize::deserialize(deserializer)?;
        let has = |action| named.contains(&action);
        Ok(Self {
            publish: has(Action::Publish),
            read: has(Action::Read),
            api: has(Action::Api),
        })
    }
}
