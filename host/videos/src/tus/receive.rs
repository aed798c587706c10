//! The bytes of an upload, as they come.

use super::headers::{Checksum, Told};
use super::naming;
use crate::accept::accept;
use crate::error::Error;
use crate::pour::{Sink, pour};
use crate::shelf::blocking;
use crate::uploads::{Fate, Upload};
use crate::videos::{Inner, Videos};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Takes what a body brings from where it says it begins; a file that is whole by then becomes a video.
///
/// # Errors
/// The upload is elsewhere, what came is not what was sent, or the file is no video.
pub(super) async fn receive(
    videos: &Videos,
    upload: &Arc<Upload>,
    told: Told,
    body: Body,
) -> Result<Response, Error> {
    let offset = told.offset.ok_or_else(|| {
        let detail = "Upload-Offset is missing";
        Error::BadRequest(detail.to_owned())
    })?;
    let (videos, upload) = (videos.clone(), upload.clone());
    let tasks = videos.0.context.tasks().clone();
    // On its own: whoever goes away in the middle has sent what came until then, and whoever does
    // not wait for FFmpeg has uploaded a video all the same.
    let taking = tasks.spawn(async move {
        let turn = upload.turn().await?;
        match upload.fate() {
            Fate::Refused(why) => return Err(Error::Refused(why)),
            Fate::Open if videos.0.uploads.get(&upload.id).is_none() => {
                return Err(Error::UnknownUpload);
            }
            Fate::Open | Fate::Done(_) => {}
        }
        let at = upload.written();
        if at != offset {
            return Err(Error::Offset { at, told: offset });
        }
        let length = told.content_length.unwrap_or(0);
        if length > upload.to_come() {
            let limit = upload.note.length;
            return Err(Error::TooLarge { limit });
        }
        let wanted = async {
            tokio::select! {
                () = turn.wanted.cancelled() => Error::TakenOver,
                () = videos.0.context.shutdown().cancelled() => Error::Stopping,
            }
        };
        if upload.is_unfinished() {
            take(&videos.0, &upload, told.checksum, body, wanted).await?;
        }
        if upload.is_unfinished() && upload.to_come() == 0 {
            complete(&videos.0, &upload).await?;
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    });
    taking.await.unwrap_or(Err(Error::Stopping))
}

async fn take(
    inner: &Inner,
    upload: &Upload,
    checksum: Option<Checksum>,
    body: Body,
    stop: impl Future<Output = Error>,
) -> Result<(), Error> {
    let (at, settings) = (upload.written(), &inner.settings);
    let (shelf, id) = (inner.shelf.clone(), upload.id.clone());
    let file = blocking(move || shelf.resume_upload(&id)).await;
    let file = file.map_err(Error::io("cannot go on with the upload"))?;
    let (shelf, kept) = (inner.shelf.clone(), settings.keep_free_bytes);
    let mut sink = Sink::new(file, shelf, kept, at, upload.note.length).await?;
    if let Some(checksum) = &checksum {
        sink = sink.digest(checksum.algorithm);
    }
    let mut body = body.into_data_stream();
    let mut poured = pour(&mut body, &mut sink, settings.patience, stop).await;
    if let (Ok(()), Some(checksum)) = (&poured, &checksum) {
        let is = sink.digested();
        let same = is.is_some_and(|is| is.as_ref() == checksum.value);
        poured = if same { Ok(()) } else { Err(Error::Checksum) };
    }
    let whole_or_nothing = checksum.is_some() || matches!(poured, Err(Error::TooLarge { .. }));
    match poured.is_err() && whole_or_nothing {
        true => sink.back_to(at).await?,
        false => sink.flush().await?,
    }
    upload.wrote(sink.at());
    poured
}

/// Makes a video of an upload that is whole, if no request is at it: one that was whole when the
/// host before this one ended, or that FFmpeg or the disk failed.
pub(crate) async fn settle(inner: &Inner, upload: &Upload) {
    if upload.is_unfinished() && upload.to_come() == 0 && !upload.is_busy() {
        let Ok(_turn) = upload.turn().await else {
            return;
        };
        if upload.is_unfinished()
            && let Err(error) = complete(inner, upload).await
        {
            tracing::warn!(code = "videos-upload", "an upload is no video: {error}");
        }
    }
}

async fn complete(inner: &Inner, upload: &Upload) -> Result<(), Error> {
    let naming = naming(inner, &upload.note.metadata)?;
    match accept(inner, &upload.id, &naming).await {
        Ok(video) => {
            upload.end(Fate::Done(video.name));
            // Its note.
            inner.discard(&upload.id).await;
            Ok(())
        }
        Err(Error::Unfit(why)) => {
            upload.end(Fate::Refused(why.to_string()));
            inner.discard(&upload.id).await;
            Err(why.into())
        }
        // The disk's or FFmpeg's fault: the last request may come again.
        Err(error) => Err(error),
    }
}
