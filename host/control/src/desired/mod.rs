//! What is wanted: a [`Site`] checked as a whole, with every address parsed.

mod check;
mod ports;
#[cfg(test)]
mod tests;

pub use check::{Fault, Faults};
pub use ports::UdpPorts;

use model::{Endpoint, Label, PolicySpec, Protocol, Site, StreamName};
use std::collections::BTreeMap;

/// A document in which nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    site: Site,
    inputs: BTreeMap<StreamName, Input>,
}

/// A declared input with its addresses understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Candidate sources, best first.
    pub sources: Vec<Source>,
    /// Outputs in the order of the document.
    pub outputs: Vec<Output>,
    /// For policies to read.
    pub labels: BTreeMap<String, String>,
}

/// A declared source.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Made from its address (`udp-127.0.0.1-5000`, `publish`), so that it stays the same
    /// when the list is reordered.
    pub id: Label,
    /// Where its media comes from; `None`: whoever publishes to the stream's name.
    pub endpoint: Option<Endpoint>,
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
        udp_ports: UdpPorts,
        before: &Self,
        check_policy: impl Fn(&PolicySpec) -> Result<(), String>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        ports::allot(&mut site, udp_ports, &before.site, &mut faults);
        let inputs = check::inputs(&site, &mut faults);
        check::policies(&site, check_policy, &mut faults);
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
            _ => Protocol::Rtmp,
        }
    }
}
