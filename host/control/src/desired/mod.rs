//! What is wanted: a [`Site`] checked as a whole, with every address parsed.

mod bound;
mod check;
mod compare;
mod faults;
mod groups;
mod input;
mod merge;
mod ports;
#[cfg(test)]
mod tests;

pub use compare::{How, Touched, compare};
pub use faults::{Fault, Faults};
pub use merge::merge;
pub use ports::UdpPorts;

use crate::schedule::Schedule;
use media::still;
use model::encode::EncodeSpec;
use model::split::SplitSpec;
use model::{Egress, Endpoint, HlsSpec, Label, PolicySpec, Protocol, Retry, Site, StreamName};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a document is checked against, besides its own sense.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Allotted to UDP inputs that name no address.
    pub udp_ports: UdpPorts,
    /// How much may be declared.
    pub limits: Limits,
    /// What may be called.
    pub egress: Egress,
}

/// How much may be declared: `[limits]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Inputs of this host, 1 to 10000.
    pub inputs: usize,
    /// Outputs of one input, 1 to 200; a plan may name no more (`wit/1.0.0/routing.wit`).
    pub outputs_per_input: usize,
    /// Outputs of all inputs together, 1 to 10000.
    pub outputs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inputs: 200,
            outputs_per_input: 20,
            outputs: 200,
        }
    }
}

/// A document in which nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    site: Site,
    inputs: BTreeMap<StreamName, Input>,
}

/// A declared input with its addresses understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// Candidate sources, best first.
    pub sources: Vec<Source>,
    /// Outputs in the order of the document.
    pub outputs: Vec<Output>,
    /// How far apart its sources may be that carry the same transport stream.
    pub merge: Option<Duration>,
    /// When pictures of its sources are called frozen or black.
    pub pictures: still::Limits,
    /// Streams that are made of it.
    pub made: Option<Made>,
    /// How it is packaged, where that differs from the host's own way.
    pub hls: Option<HlsSpec>,
    /// For policies to read.
    pub labels: BTreeMap<String, String>,
}

/// Streams that are made of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Made {
    /// Its renditions.
    Renditions(EncodeSpec),
    /// What the screens of a wall show.
    Screens(SplitSpec),
}

/// Sources that carry the same transport stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Each a path.
    pub sources: Vec<Label>,
    /// How far apart they may be.
    pub hold: Duration,
}

/// A declared source.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Made from its address (`udp-127.0.0.1-5000`, `publish`), so that it stays the same
    /// when the list is reordered.
    pub id: Label,
    /// Where its media comes from; `None`: whoever publishes to the stream's name.
    pub endpoint: Option<Endpoint>,
    /// When to try again.
    pub retry: Retry,
}

/// A declared output.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Unique within its input.
    pub name: Label,
    /// The target as it was written.
    pub url: String,
    /// The target, parsed.
    pub endpoint: Endpoint,
    /// Wanted by the operator.
    pub enabled: bool,
    /// When to try again.
    pub retry: Retry,
    /// When, if not always.
    pub schedule: Option<Schedule>,
}

impl Desired {
    /// Checks a document and allots UDP ports to inputs that name none.
    ///
    /// `check_policy` is asked for each policy whether its plugin is there and takes its
    /// config. `before` is the document in force: an input keeps the port it was allotted.
    ///
    /// # Errors
    /// Every fault there is, not only the first.
    pub fn check(
        mut site: Site,
        rules: &Rules,
        before: &Site,
        check_policy: impl Fn(&PolicySpec) -> Result<(), String>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        ports::allot(&mut site, rules.udp_ports, before, &mut faults);
        let inputs = check::inputs(&site, rules, &mut faults);
        groups::check(&site, &mut faults);
        check::tenants(&site, &mut faults);
        check::policies(&site, check_policy, &mut faults);
        check::templates(&site, rules.limits, &mut faults);
        check::webhooks(&site, &mut faults);
        faults.into_result(Self { site, inputs })
    }

    /// The document, allotted ports filled in.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Declared inputs by name.
    pub fn inputs(&self) -> &BTreeMap<StreamName, Input> {
        &self.inputs
    }
}

impl Input {
    /// The sources that are merged, and how far apart they may be.
    pub fn merged(&self) -> Option<Merged> {
        let hold = self.merge?;
        let carries_ts = |source: &&Source| {
            let endpoint = source.endpoint.as_ref();
            endpoint.is_some_and(|it| matches!(it, Endpoint::Udp(_) | Endpoint::Srt(_)))
        };
        let sources = self.sources.iter().filter(carries_ts);
        let sources = sources.map(|source| source.id.clone()).collect();
        Some(Merged { sources, hold })
    }

    /// The source that publishers of this name fill, if the input takes any.
    pub fn publisher(&self) -> Option<&Label> {
        self.sources
            .iter()
            .find(|source| source.endpoint.is_none())
            .map(|source| &source.id)
    }
}

impl Source {
    /// How its media comes, as far as that is known before a publisher connects.
    pub fn protocol(&self) -> Protocol {
        match self.endpoint {
            Some(Endpoint::Udp(_)) => Protocol::Udp,
            Some(Endpoint::Srt(_)) => Protocol::Srt,
            Some(Endpoint::Rtsp(_)) => Protocol::Rtsp,
            Some(Endpoint::File(_)) => Protocol::File,
            Some(Endpoint::Slate(_)) => Protocol::Slate,
            Some(Endpoint::Test) => Protocol::Test,
            Some(Endpoint::Composite(_)) => Protocol::Composite,
            Some(Endpoint::Stream(_)) => Protocol::Stream,
            _ => Protocol::Rtmp,
        }
    }
}
