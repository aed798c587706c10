//! str0m as the other side: a peer that says exactly what a test wants.

use crate::house::{Answer, House, bounded};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaData, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::net::UdpSocket;

/// A peer connection and its socket.
pub(crate) struct Client {
    pub(crate) rtc: Rtc,
    pub(crate) socket: UdpSocket,
    pub(crate) video: Mid,
    pub(crate) audio: Mid,
    pub(crate) resource: String,
    pub(crate) tag: String,
    pub(crate) got: Vec<MediaData>,
    pub(crate) key_frame_requests: usize,
    pub(crate) connected: bool,
    pub(crate) closed: bool,
    /// Every so many datagrams from there, one is lost on purpose.
    pub(crate) lose: Option<usize>,
    /// The address that it believes to have, behind a translator.
    pub(crate) claims: Option<SocketAddr>,
    /// The house's ICE user fragment.
    pub(crate) fragment: String,
    received: usize,
    deadline: Instant,
}

/// An offer that has not been answered.
pub(crate) struct Offer {
    rtc: Rtc,
    socket: UdpSocket,
    video: Mid,
    audio: Mid,
    pending: str0m::change::SdpPendingOffer,
    pub(crate) sdp: String,
}

impl Offer {
    pub(crate) async fn new(direction: Direction) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_h264(true)
            .enable_opus(true, false)
            .build(Instant::now());
        let candidate = Candidate::host(socket.local_addr().unwrap(), "udp").unwrap();
        rtc.add_local_candidate(candidate);
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, direction, None, None, None);
        let audio = changes.add_media(MediaKind::Audio, direction, None, None, None);
        let (offer, pending) = changes.apply().unwrap();
        Self {
            rtc,
            socket,
            video,
            audio,
            pending,
            sdp: offer.to_sdp_string(),
        }
    }

    pub(crate) async fn post(&self, house: &House, path: &str) -> Answer {
        let line = format!("POST {path}");
        house
            .request(&line, "content-type: application/sdp\r\n", &self.sdp)
            .await
    }

    pub(crate) fn accept(self, answer: &Answer) -> Client {
        assert_eq!(answer.status, 201, "{answer:?}");
        let mut rtc = self.rtc;
        let fragment = answer
            .body
            .lines()
            .find_map(|it| it.strip_prefix("a=ice-ufrag:"));
        let fragment = fragment.unwrap().trim();
        let sdp = SdpAnswer::from_sdp_string(&answer.body).unwrap();
        rtc.sdp_api().accept_answer(self.pending, sdp).unwrap();
        Client {
            rtc,
            socket: self.socket,
            video: self.video,
            audio: self.audio,
            resource: answer.header("location").unwrap().to_owned(),
            tag: answer.header("etag").unwrap().to_owned(),
            got: Vec::new(),
            key_frame_requests: 0,
            connected: false,
            closed: false,
            lose: None,
            claims: None,
            fragment: fragment.to_owned(),
            received: 0,
            deadline: Instant::now(),
        }
    }
}

impl Client {
    /// Watches or publishes.
    pub(crate) async fn join(house: &House, path: &str, direction: Direction) -> Self {
        let offer = Offer::new(direction).await;
        let answer = offer.post(house, path).await;
        offer.accept(&answer)
    }

    async fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return;
                }
                Output::Transmit(it) => {
                    let _ = self.socket.send_to(&it.contents, it.destination).await;
                }
                Output::Event(event) => match event {
                    Event::Connected => self.connected = true,
                    Event::Closed => self.closed = true,
                    Event::MediaData(data) => self.got.push(data),
                    Event::KeyframeRequest(_) => self.key_frame_requests += 1,
                    _ => {}
                },
            }
        }
    }

    /// Goes on for so long, or until something came.
    pub(crate) async fn turn(&mut self, longest: Duration) {
        self.drain().await;
        let mut buffer = [0; 2048];
        let until = self.deadline.min(Instant::now() + longest);
        let came = tokio::time::timeout_at(until.into(), self.socket.recv_from(&mut buffer)).await;
        let now = Instant::now();
        match came {
            Ok(received) => {
                let (bytes, source) = received.unwrap();
                self.received += 1;
                if self
                    .lose
                    .is_some_and(|every| self.received.is_multiple_of(every))
                {
                    return;
                }
                let local = self.claims.unwrap_or(self.local());
                let Ok(received) = Receive::new(Protocol::Udp, source, local, &buffer[..bytes])
                else {
                    return;
                };
                let _ = self.rtc.handle_input(Input::Receive(now, received));
            }
            Err(_) => self.rtc.handle_input(Input::Timeout(now)).unwrap(),
        }
        self.drain().await;
    }

    pub(crate) async fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        bounded(what, async {
            while !condition(self) {
                self.turn(Duration::from_millis(50)).await;
            }
        })
        .await;
    }

    pub(crate) async fn connect(&mut self) {
        self.until("a connection", |it| it.connected).await;
    }

    /// Sends a picture or a packet.
    pub(crate) async fn send(&mut self, mid: Mid, time: MediaTime, data: &[u8]) {
        let Some(writer) = self.rtc.writer(mid) else {
            return;
        };
        let Some(pt) = writer.payload_params().next().map(|params| params.pt()) else {
            panic!("nothing was agreed on");
        };
        writer
            .write(pt, Instant::now(), time, Arc::<[u8]>::from(data))
            .unwrap();
        self.drain().await;
        self.rtc
            .handle_input(Input::Timeout(Instant::now()))
            .unwrap();
        self.drain().await;
    }

    pub(crate) fn pictures(&self) -> impl Iterator<Item = &MediaData> {
        self.got.iter().filter(|data| data.mid == self.video)
    }

    pub(crate) fn sounds(&self) -> impl Iterator<Item = &MediaData> {
        self.got.iter().filter(|data| data.mid == self.audio)
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }
}
