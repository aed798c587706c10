//! Keeps the index like the folder.

use super::State;
use crate::error::Error;
use crate::probe::About;
use crate::shelf::{Stamp, blocking};
use crate::videos::Inner;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Looks through the folder again and again, and asks FFmpeg about files that are new, one at a
/// time, until the host shuts down.
pub(crate) async fn keep_fresh(inner: Arc<Inner>) {
    let mut told = false;
    loop {
        let begun = Instant::now();
        match look_through(&inner).await {
            Ok(()) => told = false,
            Err(error) if !told => {
                told = true;
                tracing::warn!(
                    code = "videos-folder",
                    "cannot look through the media folder: {error}"
                );
            }
            Err(_) => {}
        }
        let next = begun + inner.settings.refresh;
        while Instant::now() < next {
            let Some((name, stamp)) = inner.index.next_waiting() else {
                break;
            };
            tokio::select! {
                state = judge(&inner, &name, &stamp) => inner.index.judge(&name, &stamp, state),
                () = inner.context.shutdown().cancelled() => return,
            }
        }
        tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            () = inner.context.shutdown().cancelled() => return,
        }
    }
}

async fn look_through(inner: &Arc<Inner>) -> io::Result<()> {
    let inner = inner.clone();
    blocking(move || {
        inner.index.begin();
        let scan = inner.shelf.scan(&inner.settings)?;
        let unknown = inner.index.unknown(&scan);
        let titles: HashMap<_, _> = unknown
            .into_iter()
            .filter_map(|name| Some((inner.shelf.title(&name)?, name)))
            .map(|(title, name)| (name, title))
            .collect();
        inner.index.take(scan, titles, SystemTime::now());
        let (names, keys) = inner.index.kept();
        let names = names.iter().map(String::as_str).collect();
        inner.shelf.sweep(&names, &keys)
    })
    .await
}

/// What FFmpeg says of a file, which is the one that was found.
async fn judge(inner: &Arc<Inner>, name: &str, stamp: &Stamp) -> State {
    let looked = look_at(inner, name, stamp).await;
    match looked {
        Ok(Some(about)) => State::Ready(Arc::new(about)),
        // Another file by now: the next scan finds it.
        Ok(None) => State::Changing,
        Err(error) => State::Unfit(error.to_string()),
    }
}

async fn look_at(inner: &Arc<Inner>, name: &str, stamp: &Stamp) -> Result<Option<About>, Error> {
    let (shelf, wanted, expected) = (inner.shelf.clone(), name.to_owned(), stamp.clone());
    let opening = blocking(move || {
        let file = shelf.open(&wanted)?;
        let is = Stamp::of(&rustix::fs::fstat(&file)?);
        Ok((is == expected).then_some(file))
    });
    match opening.await.map_err(Error::io("cannot open the video"))? {
        Some(file) => {
            let _turn = inner.turn().await;
            About::of(file).await.map(Some)
        }
        None => Ok(None),
    }
}
