//! RTMP beyond what Adobe left: AV1, Opus and several tracks between two hosts, what a peer
//! that announces nothing gets of them, and RTMPS with FFmpeg.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod sealed;
#[path = "../tls_support/mod.rs"]
#[allow(dead_code)] // each test file uses its part
mod tls_support;
mod tracks;

use gateway::{Context, rtmp};
use hub::{Registry, Settings, Source, Stream};
use link::LinkHandle;
use model::{Endpoint, Protocol};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host with an RTMP port.
struct Host {
    context: Context,
    address: SocketAddr,
}

impl Host {
    async fn open() -> Self {
        let context = Context::new(Registry::new(Settings::default()), CancellationToken::new());
        let config = rtmp::Config::new(([127, 0, 0, 1], 0).into());
        let address = rtmp::serve(&context, config).await.unwrap();
        Self { context, address }
    }

    fn declare(&self, name: &str) -> Arc<Stream> {
        let registry = self.context.registry();
        registry.declare(&name.parse().unwrap(), None).unwrap()
    }

    /// A stream that the test feeds itself.
    fn feed(&self, name: &str) -> Source {
        let stream = self.declare(name);
        let id = "test".parse().unwrap();
        stream.connect_source(&id, Protocol::Udp, None).unwrap()
    }

    fn output(&self, stream: &Arc<Stream>, url: &str) -> LinkHandle {
        let endpoint: Endpoint = url.parse().unwrap();
        let (stream, id) = (stream.clone(), "out".parse().unwrap());
        gateway::start_output(&self.context, stream, id, endpoint, Default::default())
    }

    fn pull(&self, stream: &Arc<Stream>, url: &str) -> LinkHandle {
        let endpoint: Endpoint = url.parse().unwrap();
        let (stream, id) = (stream.clone(), "in".parse().unwrap());
        gateway::start_source(&self.context, stream, id, endpoint, Default::default())
    }
}

async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}
