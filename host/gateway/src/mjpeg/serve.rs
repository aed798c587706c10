//! Media out: a stream's pictures, as `multipart/x-mixed-replace`.

use super::Service;
use super::answer::{self, Problem};
use super::feed::{Shot, Shown};
use super::feeds::Feed;
use crate::http::Shown as Credentials;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use hub::{Pass, Viewer};
use model::{Intent, Protocol, Refusal};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a request waits for the first picture.
const PATIENCE: Duration = Duration::from_secs(10);

/// What opens the first part.
const OPENING: Bytes = Bytes::from_static(b"--frame\r\n");

/// What stands behind a picture. The next part's boundary goes out with it at once: browsers show
/// a picture only when they see the boundary behind it.
const CLOSING: Bytes = Bytes::from_static(b"\r\n--frame\r\n");

/// `GET /stream/NAME`
pub(super) async fn view(
    State(service): State<Service>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let shown = Credentials::of(&headers, &query);
    let watched = match method {
        Method::GET => service.watch(peer, path, shown).await,
        Method::HEAD => service.look(peer, path, shown).await,
        _ => Err(Problem::Method("GET, HEAD")),
    };
    let mut response = watched.unwrap_or_else(IntoResponse::into_response);
    // Any page may show it: nothing here depends on cookies.
    let every = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, every);
    response
}

impl Service {
    async fn watch(
        &self,
        peer: SocketAddr,
        path: Result<Path<String>, PathRejection>,
        shown: Credentials,
    ) -> Result<Response, Problem> {
        let (pass, viewer) = self.let_in(peer, path, shown).await?;
        let feed = self.0.feeds.open(viewer.stream());
        let mut pictures = feed.shown.clone();
        self.first(&mut pictures).await?;
        let (sender, receiver) = mpsc::channel(1);
        let service = self.clone();
        self.0.context.tasks().spawn(async move {
            send(&service, &feed, (pass, viewer), pictures, sender).await;
        });
        Ok(answer(Body::from_stream(bytes_of(receiver))))
    }

    /// As [`Service::watch`], without any pictures.
    async fn look(
        &self,
        peer: SocketAddr,
        path: Result<Path<String>, PathRejection>,
        shown: Credentials,
    ) -> Result<Response, Problem> {
        self.let_in(peer, path, shown).await?;
        Ok(answer(Body::empty()))
    }

    async fn let_in(
        &self,
        peer: SocketAddr,
        path: Result<Path<String>, PathRejection>,
        shown: Credentials,
    ) -> Result<(Pass, Viewer), Refusal> {
        let name = answer::name_of(path)?;
        let registry = self.0.context.registry();
        let edge = self.0.context.counters().of(Protocol::Mjpeg);
        let ask = shown.asks(Intent::Read, name, Protocol::Mjpeg, peer);
        let admitted = match registry.admit(ask).await {
            Ok(pass) => registry.read(&pass).map(|viewer| (pass, viewer)),
            Err(refusal) => Err(refusal),
        };
        match &admitted {
            Ok(_) => edge.connections.add(1),
            Err(_) => edge.refused.add(1),
        }
        admitted
    }

    /// Waits until there is a picture, or it is known that there will be none.
    async fn first(&self, shown: &mut watch::Receiver<Shown>) -> Result<(), Problem> {
        let waiting = "viewers that wait for a first picture";
        let limit = super::MAX_WAITING;
        let _place = self.0.waiting.try_acquire().map_err(|_| {
            let what = waiting;
            Refusal::Overloaded { what, limit }
        })?;
        let known = shown.wait_for(|shown| !matches!(shown, Shown::Nothing));
        let none = || Problem::NoMedia("no picture came in time: is a source connected?".into());
        let known = tokio::time::timeout(PATIENCE, known).await;
        match &*known.map_err(|_| none())?.map_err(|_| none())? {
            Shown::Picture(_) => Ok(()),
            Shown::Refused(refusal) => Err(refusal.clone().into()),
            Shown::Failed(why) => Err(Problem::NoMedia(why.clone())),
            Shown::Nothing => Err(none()),
        }
    }
}

fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("multipart/x-mixed-replace; boundary=frame");
    headers.insert(header::CONTENT_TYPE, kind);
    let cache = HeaderValue::from_static("no-cache, no-store, must-revalidate, private");
    headers.insert(header::CACHE_CONTROL, cache);
    response
}

/// Hands a viewer the newest picture whenever there is room, until it leaves or has to go.
async fn send(
    service: &Service,
    feed: &Arc<Feed>,
    (pass, viewer): (Pass, Viewer),
    shown: watch::Receiver<Shown>,
    to: mpsc::Sender<Shot>,
) {
    let (context, stall) = (&service.0.context, service.0.settings.stall);
    let traffic = viewer.traffic();
    let seat = Seat {
        feed,
        viewer,
        shown,
        stall,
        due: 0,
    };
    tokio::select! {
        _ended = seat.run(&to) => {}
        () = to.closed() => {}
        _cut_off = context.registry().watch(pass, traffic) => {
            context.counters().of(Protocol::Mjpeg).refused.add(1);
        }
        () = context.shutdown().cancelled() => {}
    }
}

/// A viewer and how far it has come.
struct Seat<'a> {
    feed: &'a Feed,
    viewer: Viewer,
    shown: watch::Receiver<Shown>,
    stall: Duration,
    /// The first picture that was neither sent nor counted as skipped.
    due: u64,
}

impl Seat<'_> {
    /// Ends with the feed, or when the viewer takes nothing any more.
    async fn run(mut self, to: &mpsc::Sender<Shot>) -> Option<()> {
        if let Shown::Picture(first) = &*self.shown.borrow() {
            self.due = first.number;
        }
        loop {
            // Room first: what is then taken is the newest.
            let room = tokio::time::timeout(self.stall, self.room(to)).await;
            let room = room.ok()??;
            let shot = self.newest().await?;
            self.overtaken_by(shot.number);
            self.due = shot.number + 1;
            let bytes = shot.head.len() + shot.data.len() + CLOSING.len();
            self.viewer.sent(bytes);
            room.send(shot);
        }
    }

    /// Waits for room, and counts what comes meanwhile.
    async fn room<'s>(&mut self, to: &'s mpsc::Sender<Shot>) -> Option<mpsc::Permit<'s, Shot>> {
        loop {
            tokio::select! {
                room = to.reserve() => return room.ok(),
                changed = self.shown.changed() => changed.ok()?,
            }
            let number = match &*self.shown.borrow_and_update() {
                Shown::Picture(shot) => shot.number,
                _ => return None,
            };
            self.overtaken_by(number);
        }
    }

    /// The newest picture, once there is one that is due.
    async fn newest(&mut self) -> Option<Shot> {
        loop {
            match &*self.shown.borrow_and_update() {
                Shown::Picture(shot) if shot.number >= self.due => return Some(shot.clone()),
                Shown::Picture(_) => {}
                _ => return None,
            }
            self.shown.changed().await.ok()?;
        }
    }

    fn overtaken_by(&mut self, number: u64) {
        let skipped = number.saturating_sub(self.due);
        if skipped > 0 {
            self.due = number;
            self.viewer.lost(skipped);
            self.feed.skip(skipped);
        }
    }
}

/// The bytes of the pictures; the pictures' own are shared by all viewers.
fn bytes_of(
    pictures: mpsc::Receiver<Shot>,
) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    let begin = (pictures, VecDeque::from([OPENING]));
    stream::unfold(begin, async |(mut pictures, mut pieces)| {
        if pieces.is_empty() {
            let shot = pictures.recv().await?;
            pieces.extend([shot.head, shot.data, CLOSING]);
        }
        let piece = pieces.pop_front()?;
        Some((Ok(piece), (pictures, pieces)))
    })
}
