//! From a request to an endless file.

use super::feed::{Feed, Form, Step, mime};
use crate::Context;
use crate::audience::{self, Problem, answer};
use crate::http::Shown;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{SinkExt, stream};
use hub::Pass;
use model::{Protocol, Refusal, StreamName};
use serde::Serialize;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a request waits for the first random access point.
const PATIENCE: Duration = Duration::from_secs(10);

/// A viewer that takes nothing for so long is cut off.
const STALLED: Duration = Duration::from_secs(10);

/// Steps that wait for a viewer's connection: parts of a second, or datagrams.
const QUEUE: usize = 32;

/// A WebSocket peer has nothing to say but that it leaves.
const MAX_MESSAGE: usize = 1024;

/// Everything under `/live/`.
pub(super) async fn serve(
    State(context): State<Context>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let method = parts.method.clone();
    answer::to_reader(&method, answer(context, peer, &mut parts)).await
}

async fn answer(
    context: Context,
    peer: SocketAddr,
    parts: &mut Parts,
) -> Result<Response, Problem> {
    let Path(path) = Path::<String>::from_request_parts(parts, &context)
        .await
        .map_err(|fault| Refusal::BadRequest(fault.to_string()))?;
    let (name, form) = match path.rsplit_once('.') {
        Some((name, "mp4")) => (name, Form::Mp4),
        Some((name, "ts")) => (name, Form::Ts),
        _ => return Err(Problem::NoSuchFile),
    };
    let name: StreamName = name
        .parse()
        .map_err(|fault: model::NameError| Refusal::BadRequest(fault.to_string()))?;
    let query = parts.uri.query().unwrap_or_default();
    let ask = Shown::of(&parts.headers, query).wants(name, Protocol::Mp4, peer);
    let refused = &context.counters().of(Protocol::Mp4).refused;
    let admitted = context.registry().admit(ask).await;
    let pass = admitted.inspect_err(|_| refused.add(1))?;
    context.packages().check_clear(pass.stream())?;
    let viewer = audience::let_in(&context, Protocol::Mp4, &pass)?;
    if parts.method == Method::HEAD {
        return Ok(endless(Body::empty(), usual_type(form)));
    }
    let feed = Feed::begin(form, viewer, PATIENCE)
        .await
        .ok_or(Problem::NoMedia)?;
    if parts.headers.contains_key(header::UPGRADE) {
        return Ok(
            match WebSocketUpgrade::from_request_parts(parts, &context).await {
                Ok(upgrade) => upgrade
                    .max_message_size(MAX_MESSAGE)
                    .on_upgrade(move |socket| talk(context, socket, feed, pass)),
                Err(rejection) => rejection.into_response(),
            },
        );
    }
    Ok(over_http(&context, feed, usual_type(form), pass).await)
}

/// A body that a task of its own fills: it notices when the viewer takes nothing, and when its
/// time is up.
async fn over_http(context: &Context, mut feed: Feed, usual: &str, pass: Pass) -> Response {
    let Some(mut first) = feed.next().await else {
        return Problem::NoMedia.into_response();
    };
    let content_type = first.iter().find_map(|step| match step {
        Step::Header(header) => Some(mime(header)),
        Step::Part(_) => None,
    });
    let (pipe, body) = mpsc::channel::<Bytes>(QUEUE);
    let (host, stream) = (context.clone(), pass.stream().clone());
    context.tasks().spawn(async move {
        let traffic = feed.viewer().traffic();
        let playing = async {
            let mut begun = false;
            loop {
                if !pour(&pipe, &feed, &mut begun, first).await {
                    return;
                }
                match feed.next().await {
                    Some(next) => first = next,
                    None => return,
                }
            }
        };
        tokio::select! {
            () = playing => {}
            () = pipe.closed() => {}
            () = host.packages().until_encrypted(&stream) => {}
            _ = host.registry().watch(pass, traffic) => {}
            () = host.shutdown().cancelled() => {}
        }
    });
    let pieces = stream::unfold(body, |mut body| async move {
        let piece = body.recv().await?;
        Some((Ok::<_, Infallible>(piece), body))
    });
    endless(
        Body::from_stream(pieces),
        content_type.as_deref().unwrap_or(usual),
    )
}

/// Hands steps to the connection; false when there is no more to hand.
async fn pour(pipe: &mpsc::Sender<Bytes>, feed: &Feed, begun: &mut bool, steps: Vec<Step>) -> bool {
    for step in steps {
        let piece = match step {
            // A file has one header.
            Step::Header(_) if *begun => return false,
            Step::Header(header) => {
                *begun = true;
                header.muxed.clone()
            }
            Step::Part(data) => data,
        };
        let bytes = piece.len();
        if !matches!(
            tokio::time::timeout(STALLED, pipe.send(piece)).await,
            Ok(Ok(()))
        ) {
            return false;
        }
        feed.viewer().sent(bytes);
    }
    true
}

/// Before the tracks are known.
const fn usual_type(form: Form) -> &'static str {
    match form {
        Form::Mp4 => "video/mp4",
        Form::Ts => "video/mp2t",
    }
}

fn endless(body: Body, content_type: &str) -> Response {
    let content_type = HeaderValue::from_str(content_type);
    let content_type = content_type.unwrap_or(HeaderValue::from_static("video/mp4"));
    let mut response = answer::fresh(body, content_type);
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

/// What a WebSocket player makes its buffer of.
#[derive(Serialize)]
struct Announcement {
    mime: String,
}

/// Plays over a WebSocket until the viewer leaves, stalls or has to go, or the stream ends.
async fn talk(context: Context, mut socket: WebSocket, mut feed: Feed, pass: Pass) {
    let traffic = feed.viewer().traffic();
    let stream = pass.stream().clone();
    let encrypted = context.packages().until_encrypted(&stream);
    let watch = context.registry().watch(pass, traffic);
    tokio::pin!(watch, encrypted);
    loop {
        let steps = tokio::select! {
            steps = feed.next() => match steps {
                Some(steps) => steps,
                None => break,
            },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            _ = &mut watch => break,
            () = &mut encrypted => break,
            () = context.shutdown().cancelled() => break,
        };
        for step in steps {
            if !say(&mut socket, &feed, step).await {
                return;
            }
        }
        if !in_time(socket.flush()).await {
            return;
        }
    }
    let _ = tokio::time::timeout(STALLED, socket.send(Message::Close(None))).await;
}

/// Whether the viewer took it before it counts as stalled.
async fn in_time(sent: impl Future<Output = Result<(), axum::Error>>) -> bool {
    matches!(tokio::time::timeout(STALLED, sent).await, Ok(Ok(())))
}

/// Lays a step out for the connection; [`SinkExt::flush`] sees it off.
async fn say(socket: &mut WebSocket, feed: &Feed, step: Step) -> bool {
    let (before, data) = match step {
        Step::Header(header) => {
            let mime = mime(&header);
            let text = serde_json::to_string(&Announcement { mime }).unwrap_or_default();
            (Some(Message::text(text)), header.muxed.clone())
        }
        Step::Part(data) => (None, data),
    };
    let bytes = data.len();
    for message in before.into_iter().chain([Message::binary(data)]) {
        if !in_time(socket.feed(message)).await {
            return false;
        }
    }
    feed.viewer().sent(bytes);
    true
}
