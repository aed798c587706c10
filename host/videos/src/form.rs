//! A video in a form, as browsers and `curl -F` send it (RFC 7578).

use crate::accept::accept;
use crate::error::Error;
use crate::index::Video;
use crate::name::Naming;
use crate::pour::{Sink, pour};
use crate::shelf::blocking;
use crate::uploads::{Note, Upload};
use crate::videos::{Inner, Videos};
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::Stream;
use multer::{Field, Multipart};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// A form around a file, with its headers and boundaries, is no longer.
const MAX_AROUND_BYTES: u64 = 64 << 10;

/// How long the end of a form is waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// What of a form may be held unread.
const MAX_UNREAD_BYTES: u64 = 1 << 20;

impl Videos {
    /// Takes the video that a form brings: the first part with a file name, after a part `title`
    /// if there is one.
    ///
    /// # Errors
    /// The form has no video that can be played here, or there is no room for it.
    pub async fn receive(&self, headers: &HeaderMap, body: Body) -> Result<Video, Error> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let kind = text(header::CONTENT_TYPE).unwrap_or_default();
        let boundary = multer::parse_boundary(kind);
        let boundary = boundary.map_err(|_| Error::ContentType("multipart/form-data"))?;
        let limit = self.0.settings.max_bytes;
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        if length.is_some_and(|length| length > limit.saturating_add(MAX_AROUND_BYTES)) {
            return Err(Error::TooLarge { limit });
        }
        let note = Note {
            length: length.unwrap_or(limit).min(limit),
            metadata: String::new(),
        };
        let upload = self.0.admit(note).await?;
        let inner = self.0.clone();
        // On its own, so that what a client leaves behind is taken away.
        let taking = self.0.context.tasks().spawn(async move {
            let taken = take(&inner, &upload, body, boundary).await;
            inner.uploads.remove(&upload.id);
            if taken.is_err() {
                inner.discard(&upload.id).await;
            }
            taken
        });
        taking.await.unwrap_or(Err(Error::Stopping))
    }
}

async fn take(
    inner: &Arc<Inner>,
    upload: &Upload,
    body: Body,
    boundary: String,
) -> Result<Video, Error> {
    let unread = Arc::new(AtomicU64::new(0));
    let measured = Measured {
        body: body.into_data_stream(),
        unread: unread.clone(),
        gave: false,
    };
    let mut form = Multipart::new(measured, boundary);
    let (naming, field) = file_part(inner, &mut form).await?;
    let (shelf, id) = (inner.shelf.clone(), upload.id.clone());
    let file = blocking(move || shelf.create_upload(&id)).await;
    let file = file.map_err(Error::io("cannot make the file of the upload"))?;
    let settings = &inner.settings;
    let mut sink = Sink::new(
        file,
        inner.shelf.clone(),
        settings.keep_free_bytes,
        0,
        settings.max_bytes,
    )
    .await?;
    let stopping = async {
        inner.context.shutdown().cancelled().await;
        Error::Stopping
    };
    let mut read = Read { field, unread };
    pour(&mut read, &mut sink, settings.patience, stopping).await?;
    sink.flush().await?;
    drop((sink, read));
    // The end of the form; whoever is cut off within it does not see the answer.
    let _ = tokio::time::timeout(FAREWELL, form.next_field()).await;
    accept(inner, &upload.id, &naming).await
}

/// The part that is a file, and what it is to be called.
async fn file_part<'a>(
    inner: &Inner,
    form: &mut Multipart<'a>,
) -> Result<(Naming, Field<'a>), Error> {
    let seconds = inner.settings.patience.as_secs();
    let finding = async {
        let mut title = None;
        while let Some(field) = form.next_field().await.map_err(malformed)? {
            if let Some(sent) = field.file_name().map(str::to_owned) {
                let naming = Naming::of(&sent, title.as_deref(), &inner.settings)?;
                return Ok((naming, field));
            }
            if field.name() == Some("title") {
                title = Some(field.text().await.map_err(malformed)?);
            }
        }
        let detail =
            "the form has no part with a file name; send the video as one, the title before it";
        Err(Error::BadRequest(detail.to_owned()))
    };
    let found = tokio::time::timeout(inner.settings.patience, finding).await;
    found.unwrap_or(Err(Error::Slow { seconds }))
}

fn malformed(error: multer::Error) -> Error {
    Error::Broken(why(error))
}

fn why(error: multer::Error) -> String {
    match error {
        multer::Error::StreamReadFailed(source) => source.to_string(),
        other => other.to_string(),
    }
}

/// A body that is given out piece by piece, since multer takes all there is before it looks at
/// any of it, and without end while it looks for the end of a header.
struct Measured {
    body: BodyDataStream,
    unread: Arc<AtomicU64>,
    gave: bool,
}

impl Stream for Measured {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.gave) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.unread.load(Ordering::Relaxed) > MAX_UNREAD_BYTES {
            let long = "more than 1 MiB of the form is no part of a file";
            return Poll::Ready(Some(Err(long.into())));
        }
        let next = Pin::new(&mut self.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &next {
            self.unread.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            self.gave = true;
        }
        next.map_err(Into::into)
    }
}

/// The part that is a file.
struct Read<'a> {
    field: Field<'a>,
    unread: Arc<AtomicU64>,
}

impl Stream for Read<'_> {
    type Item = Result<Bytes, String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.field).poll_next(cx);
        if next.is_ready() {
            self.unread.store(0, Ordering::Relaxed);
        }
        next.map_err(why)
    }
}
