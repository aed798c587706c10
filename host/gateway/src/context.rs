//! What every gateway is given: what links are given, and what gateways keep for all their streams.

use crate::crowd::Crowds;
use crate::package::Packages;
use crate::rtmp::Seat;
use crate::slate::Slates;
use crate::srt;
use crate::udp::Member;
use hub::Registry;
use link::context::Settings;
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Shared by all gateways of a host; cloning is a reference count. It is a [`link::Context`] as
/// well.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    links: link::Context,
    udp_outputs: Crowds<Member>,
    rtmp_players: Crowds<Arc<Seat>>,
    srt_readers: Crowds<srt::Arrival>,
    srt: srt::Connections,
    packages: Packages,
    slates: Slates,
}

impl Context {
    /// For the streams of `registry`; `shutdown` ends every task started through it.
    pub fn new(registry: Registry, shutdown: CancellationToken) -> Self {
        Self::with_settings(registry, shutdown, Settings::default())
    }

    /// As [`Context::new`], as the configuration says.
    pub fn with_settings(
        registry: Registry,
        shutdown: CancellationToken,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Inner {
            links: link::Context::new(registry, shutdown, settings),
            udp_outputs: Crowds::default(),
            rtmp_players: Crowds::default(),
            srt_readers: Crowds::default(),
            srt: srt::Connections::default(),
            packages: Packages::default(),
            slates: Slates::default(),
        }))
    }

    /// What links are given.
    pub fn links(&self) -> &link::Context {
        &self.0.links
    }

    /// The SRT connections there are.
    pub fn srt(&self) -> &srt::Connections {
        &self.0.srt
    }

    /// Streams watched as CMAF, and how streams are packaged.
    pub fn packages(&self) -> &Packages {
        &self.0.packages
    }

    /// How slates are prepared and where they are kept.
    pub fn slates(&self) -> &Slates {
        &self.0.slates
    }

    pub(crate) fn udp_outputs(&self) -> &Crowds<Member> {
        &self.0.udp_outputs
    }

    pub(crate) fn rtmp_players(&self) -> &Crowds<Arc<Seat>> {
        &self.0.rtmp_players
    }

    pub(crate) fn srt_readers(&self) -> &Crowds<srt::Arrival> {
        &self.0.srt_readers
    }
}

impl Deref for Context {
    type Target = link::Context;

    fn deref(&self) -> &link::Context {
        self.links()
    }
}
