//! From a whole file to a video: synced, looked at by FFmpeg, named, listed.

use crate::error::Error;
use crate::index::{Entry, State, Video};
use crate::name::Naming;
use crate::probe::About;
use crate::shelf::{Key, Stamp, blocking};
use crate::thumbnail;
use crate::videos::Inner;
use bytes::Bytes;
use std::fs::File;
use std::sync::Arc;

/// Makes a video of the file of an upload. The file keeps its place if it cannot be one.
///
/// # Errors
/// It is no video that can be played here, or the disk is in the way.
pub(crate) async fn accept(inner: &Inner, id: &str, naming: &Naming) -> Result<Video, Error> {
    let file = synced(inner, id).await?;
    let (about, jpeg) = look_at(inner, &file).await?;
    let (shelf, id, wanted) = (inner.shelf.clone(), id.to_owned(), naming.clone());
    let publishing = blocking(move || {
        let name = shelf.publish(&id, &wanted)?;
        // A video without its title is one all the same.
        let _ = shelf.keep_title(&name, &wanted.title);
        let stamp = Stamp::of(&rustix::fs::fstat(&file)?);
        Ok((name, stamp))
    });
    let published = publishing.await;
    let (name, stamp) = published.map_err(Error::io("cannot give the video its name"))?;
    inner.keep_picture(&Key::of(&name, &stamp), &jpeg).await;
    tracing::info!(video = name, bytes = stamp.bytes, "uploaded");
    let entry = Entry::new(
        stamp,
        Some(naming.title.clone()),
        State::Ready(Arc::new(about)),
    );
    Ok(inner.list(&name, entry))
}

/// Its bytes are on disk before its name is.
async fn synced(inner: &Inner, id: &str) -> Result<File, Error> {
    let (shelf, id) = (inner.shelf.clone(), id.to_owned());
    let syncing = blocking(move || {
        let file = shelf.open_upload(&id)?;
        file.sync_all()?;
        Ok(file)
    });
    syncing.await.map_err(Error::io("cannot sync the upload"))
}

async fn look_at(inner: &Inner, file: &File) -> Result<(About, Bytes), Error> {
    let again = || {
        file.try_clone()
            .map_err(Error::io("cannot read the upload"))
    };
    let _turn = inner.turn().await;
    let about = About::of(again()?).await?;
    about.check_end(again()?).await?;
    let jpeg = thumbnail::make(file, &about).await?;
    Ok((about, jpeg))
}
