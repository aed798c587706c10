//! One peer connection: what drives str0m, which does no I/O of its own.
//!
//! After every mutation of the connection its output is drained, before the next; so says str0m's
//! contract.

use super::port::{Berth, Datagram};
use bytes::BytesMut;
use quinn_udp::Transmit;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use str0m::net::{Protocol, Receive};
use str0m::{Event, Input, Output, Rtc, RtcError};
use tokio::sync::mpsc;

/// A run of datagrams is sent by one call, up to this size (`UDP_SEGMENT`, udp(7)).
const RUN_BYTES: usize = 60 << 10;
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// A connection, its place at the port, and what it has to say.
pub(super) struct Peer {
    rtc: Box<Rtc>,
    berth: Berth,
    inbox: mpsc::Receiver<Datagram>,
    ways: Ways,
    run: Run,
    deadline: Instant,
    events: VecDeque<Event>,
    /// Bytes of datagrams that made no sense.
    garbage: u64,
}

/// Something for the connection to take in.
pub(super) enum Heard {
    Datagram(Datagram),
    Timeout,
}

/// The addresses that peers were told, and the one of this host that stands behind each.
#[derive(Debug)]
struct Ways(Vec<(SocketAddr, Option<IpAddr>)>);

/// Datagrams of one size to one address; the last may be shorter.
#[derive(Debug, Default)]
struct Run {
    bytes: BytesMut,
    segment: usize,
    segments: usize,
    way: Option<(SocketAddr, Option<IpAddr>)>,
    /// Nothing can follow a shorter datagram.
    closed: bool,
}

impl Peer {
    pub(super) fn new(
        rtc: Rtc,
        candidates: &[SocketAddr],
        berth: Berth,
        inbox: mpsc::Receiver<Datagram>,
    ) -> Self {
        Self {
            rtc: Box::new(rtc),
            berth,
            inbox,
            ways: Ways(candidates.iter().map(|address| (*address, None)).collect()),
            run: Run::default(),
            deadline: Instant::now(),
            events: VecDeque::new(),
            garbage: 0,
        }
    }

    /// For mutations; [`Peer::drain`] has to follow each.
    pub(super) fn rtc(&mut self) -> &mut Rtc {
        &mut self.rtc
    }

    /// The next thing that happened.
    pub(super) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes of datagrams that made no sense since the last call.
    pub(super) const fn take_garbage(&mut self) -> u64 {
        std::mem::replace(&mut self.garbage, 0)
    }

    /// Waits for something to take in. Cancel safe.
    pub(super) async fn listen(&mut self) -> Heard {
        let deadline = self.deadline;
        tokio::select! {
            datagram = self.inbox.recv() => match datagram {
                Some(datagram) => Heard::Datagram(datagram),
                // The port outlives its sessions: their places hold it.
                None => std::future::pending().await,
            },
            () = tokio::time::sleep_until(deadline.into()) => Heard::Timeout,
        }
    }

    /// Takes it in, with all the datagrams that came with it, and says what there is to say.
    pub(super) async fn take(&mut self, heard: Heard) -> Result<(), RtcError> {
        match heard {
            Heard::Datagram(datagram) => {
                self.receive(&datagram)?;
                self.drain().await?;
                while let Ok(datagram) = self.inbox.try_recv() {
                    self.receive(&datagram)?;
                    self.drain().await?;
                }
            }
            Heard::Timeout => {
                self.rtc.handle_input(Input::Timeout(Instant::now()))?;
                self.drain().await?;
            }
        }
        self.flush().await;
        Ok(())
    }

    /// Datagrams that make no sense are the sender's affair, and he may be anybody: they do not
    /// end the session.
    fn receive(&mut self, datagram: &Datagram) -> Result<(), RtcError> {
        let local = self.ways.told(datagram.local);
        let contents = &datagram.bytes[..];
        let Ok(received) = Receive::new(Protocol::Udp, datagram.source, local, contents) else {
            self.garbage += datagram.bytes.len() as u64;
            return Ok(());
        };
        let input = Input::Receive(datagram.at, received);
        if !self.rtc.accepts(&input) {
            self.garbage += datagram.bytes.len() as u64;
            return Ok(());
        }
        if contents.first().is_some_and(|first| *first < 2) {
            self.berth.learn(datagram.source);
        }
        self.rtc.handle_input(input)
    }

    /// Has what was written packed at once. Left to the connection's own time, it would be packed
    /// in the order of its wall clock, which may be moved meanwhile.
    pub(super) async fn pack(&mut self) -> Result<(), RtcError> {
        self.drain().await?;
        self.rtc.handle_input(Input::Timeout(Instant::now()))?;
        self.drain().await
    }

    /// Sends what the connection has to say, and keeps what it has to tell. Not cancel safe: to
    /// be awaited to its end.
    pub(super) async fn drain(&mut self) -> Result<(), RtcError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return Ok(());
                }
                Output::Event(event) => self.events.push_back(event),
                Output::Transmit(transmit) => {
                    let to = (transmit.destination, self.ways.behind(transmit.source));
                    let limit = self.berth.port().max_segments();
                    if !self.run.takes(&transmit.contents, to, limit) {
                        self.flush().await;
                    }
                    self.run.add(&transmit.contents, to);
                }
            }
        }
    }

    /// Sends the run that has gathered.
    pub(super) async fn flush(&mut self) {
        if let Some((destination, src_ip)) = self.run.way.take() {
            let transmit = Transmit {
                destination,
                ecn: None,
                contents: &self.run.bytes,
                segment_size: (self.run.segments > 1).then_some(self.run.segment),
                src_ip,
            };
            // What cannot be sent is lost; a peer that is gone is found out by its silence.
            let _ = self.berth.port().send(&transmit).await;
        }
        self.run.bytes.clear();
        self.run.closed = false;
        self.run.segments = 0;
    }

    /// Says goodbye: BYE and close_notify.
    pub(super) async fn close(mut self) {
        let farewell = async {
            if self.rtc.close().is_ok() {
                let _ = self.drain().await;
                self.flush().await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, farewell).await;
    }
}

impl Ways {
    /// The address that peers were told, for what came to `local`.
    fn told(&mut self, local: Option<IpAddr>) -> SocketAddr {
        let Some(local) = local else {
            return self.first();
        };
        let same = |(told, _): &&mut (SocketAddr, _)| told.ip() == local;
        if let Some((told, behind)) = self.0.iter_mut().find(same) {
            *behind = Some(local);
            return *told;
        }
        // A translator of addresses stands between.
        let family = |(told, _): &&(SocketAddr, _)| told.is_ipv4() == local.is_ipv4();
        self.0
            .iter()
            .find(family)
            .map_or(self.first(), |(told, _)| *told)
    }

    fn first(&self) -> SocketAddr {
        let first = self.0.first();
        first.map_or(SocketAddr::from(([127, 0, 0, 1], 0)), |(told, _)| *told)
    }

    /// The address of this host to send from, where it is known.
    fn behind(&self, told: SocketAddr) -> Option<IpAddr> {
        let way = self.0.iter().find(|(address, _)| *address == told);
        way.and_then(|(_, behind)| *behind)
    }
}

impl Run {
    /// Whether a datagram can be part of it.
    fn takes(&self, datagram: &[u8], way: (SocketAddr, Option<IpAddr>), limit: usize) -> bool {
        let Some(this) = self.way else { return true };
        this == way
            && !self.closed
            && datagram.len() <= self.segment
            && self.segments < limit
            && self.bytes.len() + datagram.len() <= RUN_BYTES
    }

    fn add(&mut self, datagram: &[u8], way: (SocketAddr, Option<IpAddr>)) {
        if self.way.is_none() {
            self.way = Some(way);
            self.segment = datagram.len();
        }
        self.closed = datagram.len() < self.segment;
        self.segments += 1;
        self.bytes.extend_from_slice(datagram);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_one_size_and_ends_with_a_shorter_datagram() {
        let way = (SocketAddr::from(([127, 0, 0, 1], 1)), None);
        let mut run = Run::default();
        assert!(run.takes(&[0; 1200], way, 64));
        run.add(&[0; 1200], way);
        assert!(!run.takes(&[0; 1201], way, 64), "longer");
        let other = (SocketAddr::from(([127, 0, 0, 1], 2)), None);
        assert!(!run.takes(&[0; 1200], other, 64), "to another");
        run.add(&[0; 1200], way);
        assert!(!run.takes(&[0; 1200], way, 2), "enough");
        run.add(&[0; 7], way);
        assert!(!run.takes(&[0; 7], way, 64), "behind a shorter one");
    }

    #[test]
    fn what_comes_through_a_translator_came_to_the_first_of_its_family() {
        let told =
            ["203.0.113.5:1", "[2001:db8::1]:1", "127.0.0.1:1"].map(|it| it.parse().unwrap());
        let mut ways = Ways(told.map(|told| (told, None)).to_vec());
        let ip = |text: &str| Some(text.parse().unwrap());
        assert_eq!(ways.told(ip("127.0.0.1")), told[2]);
        assert_eq!(ways.behind(told[2]), ip("127.0.0.1"));
        assert_eq!(ways.told(ip("10.0.0.1")), told[0]);
        assert_eq!(ways.behind(told[0]), None, "not an address of this host");
        assert_eq!(ways.told(ip("fd00::1")), told[1]);
        assert_eq!(ways.told(None), told[0]);
    }
}
