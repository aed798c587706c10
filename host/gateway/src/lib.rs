//! The edges: one folder a protocol, the same file names in each.
//!
//! `ingest` takes media in, `push` sends it to a peer that this host calls, `serve` answers
//! those who come. What a stream's inputs and outputs have in common, being kept up, is
//! [`link`]; what all gateways are given is [`context`].

mod audience;
pub mod context;
mod crowd;
pub mod dash;
pub mod file;
pub mod hls;
pub mod http;
pub mod mjpeg;
pub mod mp4;
pub mod package;
pub mod rtmp;
pub mod rtsp;
pub mod slate;
pub mod srt;
pub mod stream;
mod tcp;
pub mod test;
pub mod udp;
pub mod webrtc;

pub use context::Context;

use hub::Stream;
use link::{Direction, LinkHandle, Policy, Wiring};
use model::{Endpoint, Label, Retry};
use std::sync::Arc;

/// Keeps source `id` of a stream fed from `endpoint`.
pub fn start_source(
    context: &Context,
    stream: Arc<Stream>,
    id: Label,
    endpoint: Endpoint,
    retry: Retry,
) -> LinkHandle {
    let wiring = Wiring {
        context: context.links().clone(),
        stream,
        label: id,
        direction: Direction::In,
        retry: policy(&endpoint, retry),
    };
    match endpoint {
        Endpoint::Udp(endpoint) => udp::ingest::start(context, wiring, endpoint),
        Endpoint::Srt(endpoint) => srt::ingest::start(context, wiring, endpoint),
        Endpoint::Rtmp(endpoint) => rtmp::pull::start(context, wiring, endpoint),
        Endpoint::Rtsp(endpoint) => rtsp::pull::start(context, wiring, endpoint),
        Endpoint::File(endpoint) => file::ingest::start(context, wiring, endpoint),
        Endpoint::Slate(endpoint) => slate::ingest::start(context, wiring, endpoint),
        Endpoint::Stream(from) => stream::ingest::start(context, wiring, from),
        Endpoint::Test => test::ingest::start(context, wiring),
        other => unspoken(wiring, &other),
    }
}

/// Keeps output `name` of a stream sending to `endpoint`.
pub fn start_output(
    context: &Context,
    stream: Arc<Stream>,
    name: Label,
    endpoint: Endpoint,
    retry: Retry,
) -> LinkHandle {
    let wiring = Wiring {
        context: context.links().clone(),
        stream,
        label: name,
        direction: Direction::Out,
        retry: policy(&endpoint, retry),
    };
    match endpoint {
        Endpoint::Udp(endpoint) => udp::push::start(context, wiring, endpoint),
        Endpoint::Srt(endpoint) => srt::push::start(context, wiring, endpoint),
        Endpoint::Rtmp(endpoint) => rtmp::push::start(context, wiring, endpoint),
        Endpoint::Rtsp(endpoint) => rtsp::push::start(context, wiring, endpoint),
        Endpoint::Recording(endpoint) => file::push::start(context, wiring, endpoint),
        Endpoint::Http(endpoint) => hls::push::start(context, wiring, endpoint),
        other => unspoken(wiring, &other),
    }
}

/// When a link to this endpoint tries again: as its protocol does, where the operator says
/// nothing.
pub fn policy(endpoint: &Endpoint, retry: Retry) -> Policy {
    let usual = match endpoint {
        Endpoint::Udp(_) => udp::RETRY,
        Endpoint::Stream(_) => stream::RETRY,
        _ => Policy::default(),
    };
    usual.with(retry)
}

/// A link that fails at once and says why: this host does not speak the protocol that way.
fn unspoken(wiring: Wiring, endpoint: &Endpoint) -> LinkHandle {
    let (what, remedy) = match wiring.direction {
        Direction::In => (
            "taken from a URL",
            "publish to this host, or use udp or srt",
        ),
        Direction::Out => ("sent to a URL", "read from this host, or use udp or srt"),
    };
    let what = format!("{} is not {what} here", endpoint.scheme());
    link::misconfigured(wiring, what, remedy)
}
