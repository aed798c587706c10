//! Media in: from a POST to pictures of a publisher.

use super::Service;
use super::answer::{self, Problem};
use super::intake::{Intake, IntakeError};
use super::publication::{Publication, Pushed};
use super::publishers::Entry;
use crate::http::Shown;
use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use media::jpeg;
use model::{Intent, Protocol, Refusal, StreamName};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// What a form may have besides its picture.
const FORM_BYTES: u64 = 64 << 10;

/// What is answered once a body has been taken; the names are those of the system this path comes
/// from.
#[derive(Debug, Serialize)]
struct Taken {
    status: &'static str,
    stream: Option<StreamName>,
    /// Bytes of the last picture.
    frame_size: usize,
    /// Pictures taken from this request.
    frames: u64,
}

/// `POST /publish/NAME`
pub(super) async fn publish(
    State(service): State<Service>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if method != Method::POST && method != Method::PUT {
        return Problem::Method("POST, PUT").into_response();
    }
    let query = query.unwrap_or_default();
    let request = Request {
        service: &service,
        headers: &headers,
        body: body.into_data_stream(),
    };
    match request.take(peer, path, &query).await {
        Ok(taken) => answer::json(&taken),
        Err(problem) => {
            service.garbage(&problem);
            problem.into_response()
        }
    }
}

struct Request<'a> {
    service: &'a Service,
    headers: &'a HeaderMap,
    body: BodyDataStream,
}

impl Request<'_> {
    async fn take(
        mut self,
        peer: SocketAddr,
        path: Result<Path<String>, PathRejection>,
        query: &str,
    ) -> Result<Taken, Problem> {
        let name = answer::name_of(path)?;
        let mut intake = self.intake()?;
        let ask = Shown::of(self.headers, query).asks(Intent::Publish, name, Protocol::Mjpeg, peer);
        // Before anything of the body is read.
        let mut entry = self.service.0.publishers.admit(ask).await?;
        let mut taken = Taken {
            status: "success",
            stream: None,
            frame_size: 0,
            frames: 0,
        };
        let mut publisher = None;
        let read = self
            .read(&mut entry, &mut publisher, &mut intake, &mut taken)
            .await;
        // Whoever sends more than one picture a request is gone with its connection.
        if let Some(publisher) = publisher.filter(|_| taken.frames > 1) {
            publisher.close();
        }
        read.map(|()| taken)
    }

    /// What can be said of the body by its head alone.
    fn intake(&self) -> Result<Intake, Problem> {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let limit = self.service.0.settings.max_frame_bytes;
        let limits = jpeg::Limits {
            bytes: limit,
            ..jpeg::Limits::default()
        };
        let intake = Intake::new(text(header::CONTENT_TYPE), limits)?;
        let length = text(header::CONTENT_LENGTH).and_then(|it| it.parse::<u64>().ok());
        if intake.is_form() && length.is_some_and(|it| it > limit as u64 + FORM_BYTES) {
            return Err(Problem::TooLarge { limit });
        }
        Ok(intake)
    }

    async fn read(
        &mut self,
        entry: &mut Entry,
        publisher: &mut Option<Arc<Publication>>,
        intake: &mut Intake,
        taken: &mut Taken,
    ) -> Result<(), Problem> {
        let settings = &self.service.0.settings;
        let mut begun = Instant::now();
        while !intake.has_ended() {
            let patience = match intake.is_within() || publisher.is_none() {
                true => settings.picture_timeout.saturating_sub(begun.elapsed()),
                false => settings.idle,
            };
            let piece = tokio::select! {
                piece = tokio::time::timeout(patience, self.body.next()) => piece,
                () = gone(publisher.as_deref()) => return Err(Problem::LetGo),
            };
            let piece = match piece.map_err(|_| Problem::TooSlow)? {
                Some(piece) => piece.map_err(|_| Problem::Broken)?,
                None => break,
            };
            if !intake.is_within() {
                begun = Instant::now();
            }
            intake.handle_input(&piece)?;
            while let Some((picture, data)) = intake.poll_picture()? {
                begun = Instant::now();
                if publisher.is_none() {
                    *publisher = Some(self.service.0.publishers.enter(entry).await?);
                }
                let Some(to) = publisher else { continue };
                push(to, &picture, data, taken)?;
            }
        }
        intake.finish()?;
        match taken.frames {
            0 => Err(Problem::TooFast),
            _ => Ok(()),
        }
    }
}

/// Resolves once the publisher was let go.
async fn gone(publisher: Option<&Publication>) {
    match publisher {
        Some(publisher) => publisher.gone().await,
        None => std::future::pending().await,
    }
}

fn push(
    publisher: &Publication,
    picture: &jpeg::Picture,
    data: Bytes,
    taken: &mut Taken,
) -> Result<(), Problem> {
    let bytes = data.len();
    match publisher.push(Instant::now(), picture, data) {
        Pushed::Taken => {
            taken.stream = Some(publisher.name().clone());
            taken.frame_size = bytes;
            taken.frames += 1;
            Ok(())
        }
        Pushed::TooFast => Ok(()),
        Pushed::Gone => Err(Problem::LetGo),
    }
}

impl Service {
    /// Counts bytes that made no sense, and says so now and then.
    fn garbage(&self, problem: &Problem) {
        let Problem::Body(error) = problem else {
            return;
        };
        let context = &self.0.context;
        context.counters().of(Protocol::Mjpeg).garbage_bytes.add(1);
        if let Some(held_back) = context.complaints().admit("mjpeg body", Instant::now()) {
            tracing::warn!(held_back, "MJPEG publisher: {error}");
        }
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        Self::Body(error)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
