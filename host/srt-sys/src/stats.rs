//! Figures of one connection.

use crate::ffi::SRT_TRACEBSTATS;

/// Figures of one connection, totals since it began (`srt_bistats`).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Age of the connection.
    pub age_ms: u64,
    /// Smoothed round-trip time.
    pub rtt_ms: f64,
    /// Data packets sent, retransmissions included.
    pub sent_packets: u64,
    /// Data bytes sent with headers, retransmissions included.
    pub sent_bytes: u64,
    /// Data packets sent once or more.
    pub sent_unique_packets: u64,
    /// Packets the peer reported lost.
    pub send_lost_packets: u64,
    /// Packets sent again.
    pub retransmitted_packets: u64,
    /// Packets that waited too long to be sent and were dropped by the sender.
    pub send_dropped_packets: u64,
    /// Data packets received, repeated ones included.
    pub received_packets: u64,
    /// Data bytes received with headers.
    pub received_bytes: u64,
    /// Data packets received, each once.
    pub received_unique_packets: u64,
    /// Gaps seen by the receiver, in packets; most of them are filled later.
    pub receive_lost_packets: u64,
    /// Repeated packets received since the connection began.
    pub receive_retransmitted_packets: u64,
    /// Packets that never came in time: gaps in what was delivered.
    pub receive_dropped_packets: u64,
    /// Packets that could not be decrypted.
    pub undecrypted_packets: u64,
    /// Sending rate since the connection began.
    pub send_rate_mbps: f64,
    /// Receiving rate since the connection began.
    pub receive_rate_mbps: f64,
    /// Estimated capacity of the link.
    pub bandwidth_mbps: f64,
    /// Unacknowledged time span in the send buffer.
    pub send_buffer_ms: u32,
    /// Undelivered time span in the receive buffer.
    pub receive_buffer_ms: u32,
    /// Receive delay in force at this side, after negotiation.
    pub latency_ms: u32,
    /// Receive delay in force at the peer, after negotiation.
    pub peer_latency_ms: u32,
}

impl From<&SRT_TRACEBSTATS> for Stats {
    fn from(raw: &SRT_TRACEBSTATS) -> Self {
        Self {
            age_ms: count(raw.msTimeStamp),
            rtt_ms: raw.msRTT,
            sent_packets: count(raw.pktSentTotal),
            sent_bytes: raw.byteSentTotal,
            sent_unique_packets: count(raw.pktSentUniqueTotal),
            send_lost_packets: count(raw.pktSndLossTotal),
            retransmitted_packets: count(raw.pktRetransTotal),
            send_dropped_packets: count(raw.pktSndDropTotal),
            received_packets: count(raw.pktRecvTotal),
            received_bytes: raw.byteRecvTotal,
            received_unique_packets: count(raw.pktRecvUniqueTotal),
            receive_lost_packets: count(raw.pktRcvLossTotal),
            // Only a local counter exists; it is the total because nothing clears it.
            receive_retransmitted_packets: count(raw.pktRcvRetrans),
            receive_dropped_packets: count(raw.pktRcvDropTotal),
            undecrypted_packets: count(raw.pktRcvUndecryptTotal),
            send_rate_mbps: raw.mbpsSendRate,
            receive_rate_mbps: raw.mbpsRecvRate,
            bandwidth_mbps: raw.mbpsBandwidth,
            send_buffer_ms: millis(raw.msSndBuf),
            receive_buffer_ms: millis(raw.msRcvBuf),
            latency_ms: millis(raw.msRcvTsbPdDelay),
            peer_latency_ms: millis(raw.msSndTsbPdDelay),
        }
    }
}

/// libsrt's counters are signed and never negative.
fn count(raw: impl Into<i64>) -> u64 {
    u64::try_from(raw.into()).unwrap_or(0)
}

fn millis(raw: i32) -> u32 {
    u32::try_from(raw).unwrap_or(0)
}
