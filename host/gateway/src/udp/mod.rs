//! MPEG-TS in plain UDP datagrams, unicast and multicast (no RFC; 7 packets of 188 bytes a
//! datagram by convention, since eight do not fit an Ethernet frame).
//!
//! [`ingest`] takes datagrams in, as they came, many at a time. [`push`] is one output's link;
//! the sending for all UDP outputs of a stream is done by one task, [`fanout`], in batches
//! that [`batch`] lays out for UDP segmentation offload.

pub mod batch;
mod fanout;
pub mod ingest;
mod member;
mod pace;
pub mod push;
mod receive;
mod send;
mod socket;
mod timerfd;

pub(crate) use member::Member;

use link::Policy;
use std::time::Duration;

/// Bytes in the usual datagram: seven transport packets.
pub const DATAGRAM_BYTES: usize = 7 * media::ts::PACKET_BYTES;

/// UDP tells of a missing peer by one ICMP message for a datagram sent, which costs nearly
/// nothing, while a receiver that was just started waits: so tries stay close together.
pub(crate) const RETRY: Policy = Policy {
    initial: Duration::from_millis(500),
    factor: 2,
    cap: Duration::from_secs(2),
    jitter_percent: 20,
    stable_after: Duration::from_secs(10),
    max_attempts: None,
};
