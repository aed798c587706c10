//! The gateways' links, seen from here: started, looked at, stopped.

use crate::desired::{Made, Output};
use crate::diff::OutputShape;
use crate::plan::Target;
use crate::state::OutputReport;
use hub::Stream;
use link::{Details, Direction, LinkHandle, Policy, SrtFigures, Wiring};
use model::{Endpoint, Label, LinkStatus, Retry};
use stage::Stages;
use std::sync::Arc;

/// A running link.
pub(crate) struct Link(LinkHandle);

/// A link at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct LinkReport {
    pub(crate) srt: Option<SrtFigures>,
    pub(crate) status: LinkStatus,
    pub(crate) bytes: u64,
    pub(crate) bitrate_bps: u64,
    pub(crate) drops: u64,
}

impl Link {
    pub(crate) fn source(
        context: &gateway::Context,
        stages: &Stages,
        stream: &Arc<Stream>,
        source: &Label,
        endpoint: &Endpoint,
        retry: Retry,
    ) -> Self {
        if let Endpoint::Composite(spec) = endpoint {
            let wiring = Wiring {
                context: context.links().clone(),
                stream: stream.clone(),
                label: source.clone(),
                direction: Direction::In,
                retry: gateway::policy(endpoint, retry),
            };
            let started =
                stage::composite::start(&stages.composites, wiring.clone(), (**spec).clone());
            return Self(started.unwrap_or_else(|error| {
                link::misconfigured(wiring, error.to_string(), "change the composite")
            }));
        }
        Self(gateway::start_source(
            context,
            stream.clone(),
            source.clone(),
            endpoint.clone(),
            retry,
        ))
    }

    /// Makes streams of the stream.
    pub(crate) fn make(
        context: &gateway::Context,
        stages: &Stages,
        stream: &Arc<Stream>,
        made: Made,
    ) -> Option<Self> {
        let wiring = Wiring {
            context: context.links().clone(),
            stream: stream.clone(),
            label: "made".parse().ok()?,
            direction: Direction::Out,
            retry: Policy::default(),
        };
        let profiles = &stages.profiles;
        Some(Self(match made {
            Made::Renditions(spec) => stage::encode::start(wiring, spec, profiles),
            Made::Screens(spec) => stage::split::start(wiring, spec, profiles),
        }))
    }

    pub(crate) fn output(
        context: &gateway::Context,
        stream: &Arc<Stream>,
        output: &Label,
        to: &OutputShape,
    ) -> Self {
        Self(gateway::start_output(
            context,
            stream.clone(),
            output.clone(),
            to.endpoint.clone(),
            to.retry,
        ))
    }

    pub(crate) fn report(&self) -> LinkReport {
        let snapshot = self.0.snapshot();
        let srt = match snapshot.details {
            Some(Details::Srt(figures)) => Some(figures),
            _ => None,
        };
        LinkReport {
            srt,
            status: snapshot.status,
            bytes: snapshot.bytes,
            bitrate_bps: snapshot.bitrate_bps,
            drops: snapshot.drops,
        }
    }

    /// Tries again at once, unless it has a session.
    pub(crate) fn retry(&self) {
        self.0.retry();
    }

    /// Follows other rules about tries; what is live stays so.
    pub(crate) fn tune(&self, endpoint: &Endpoint, retry: Retry) {
        self.0.adopt(gateway::policy(endpoint, retry));
    }

    /// Resolves when its sockets are closed.
    pub(crate) async fn stop(self) {
        self.0.stop().await;
    }
}

impl LinkReport {
    /// As part of an output that is declared, planned for, or both.
    pub(crate) fn of_output(
        self,
        name: &Label,
        target: Option<&Target>,
        declared: Option<&Output>,
    ) -> OutputReport {
        let url = target
            .map(|target| &target.url)
            .or(declared.map(|output| &output.url));
        OutputReport {
            name: name.to_string(),
            url: url.cloned().unwrap_or_default(),
            declared: declared.is_some(),
            enabled: declared.is_none_or(|output| output.enabled),
            retry: declared.map(|output| output.retry).unwrap_or_default(),
            status: self.status,
            bytes: self.bytes,
            bitrate_bps: self.bitrate_bps,
            drops: self.drops,
            srt: self.srt,
            schedule: declared.and_then(|output| Some(output.schedule.as_ref()?.spec().clone())),
            standing: None,
        }
    }
}
