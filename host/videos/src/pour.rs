//! From a body to a file: within bounds of size, of pace and of the disk.

use crate::error::Error;
use crate::shelf::{Shelf, blocking};
use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter, SeekFrom};

/// So many bytes are written at once.
const WRITE_BYTES: usize = 256 << 10;

/// The disk is looked at again after so many.
const CHECK_BYTES: u64 = 16 << 20;

/// Who sends less within the patience of the host is let go.
const LEAST_BYTES: u64 = 64 << 10;

/// The file of an upload, while it is written.
pub(crate) struct Sink {
    file: BufWriter<File>,
    shelf: Shelf,
    keep_free: u64,
    at: u64,
    most: u64,
    checked_at: u64,
    digest: Option<digest::Context>,
}

impl Sink {
    /// Goes on at an offset, up to `most` bytes in all.
    pub(crate) async fn new(
        file: std::fs::File,
        shelf: Shelf,
        keep_free: u64,
        at: u64,
        most: u64,
    ) -> Result<Self, Error> {
        let mut file = File::from_std(file);
        let seek = file.seek(SeekFrom::Start(at)).await;
        seek.map_err(Error::io("cannot go on with the upload"))?;
        Ok(Self {
            file: BufWriter::with_capacity(WRITE_BYTES, file),
            shelf,
            keep_free,
            at,
            most,
            checked_at: at,
            digest: None,
        })
    }

    /// Also digests what comes.
    pub(crate) fn digest(mut self, algorithm: &'static digest::Algorithm) -> Self {
        self.digest = Some(digest::Context::new(algorithm));
        self
    }

    /// Where the next byte goes.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let after = self.at.saturating_add(chunk.len() as u64);
        if after > self.most {
            return Err(Error::TooLarge { limit: self.most });
        }
        if after - self.checked_at >= CHECK_BYTES {
            self.check_disk().await?;
            self.checked_at = after;
        }
        let written = self.file.write_all(chunk).await;
        written.map_err(Error::io("cannot write the upload"))?;
        if let Some(digest) = &mut self.digest {
            digest.update(chunk);
        }
        self.at = after;
        Ok(())
    }

    async fn check_disk(&self) -> Result<(), Error> {
        let (shelf, kept) = (self.shelf.clone(), self.keep_free);
        let free = blocking(move || shelf.free_bytes()).await;
        let free = free.map_err(Error::io("cannot tell how full the disk is"))?;
        match free < kept {
            true => Err(Error::NoSpace { free, kept }),
            false => Ok(()),
        }
    }

    /// Writes all that came.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        let flushed = self.file.flush().await;
        flushed.map_err(Error::io("cannot write the upload"))
    }

    /// Forgets what came after an offset.
    pub(crate) async fn back_to(&mut self, at: u64) -> Result<(), Error> {
        // What cannot be written need not be.
        let _ = self.file.flush().await;
        let cut = self.file.get_ref().set_len(at).await;
        cut.map_err(Error::io("cannot shorten the upload"))?;
        self.at = at;
        Ok(())
    }

    /// The digest of what came, if it was wanted.
    pub(crate) fn digested(&mut self) -> Option<digest::Digest> {
        self.digest.take().map(digest::Context::finish)
    }
}

/// Writes a body to the file, until it ends, or `stop` says why not to go on.
pub(crate) async fn pour<E: Display>(
    body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    sink: &mut Sink,
    patience: Duration,
    stop: impl Future<Output = Error>,
) -> Result<(), Error> {
    let mut stop = std::pin::pin!(stop);
    let (mut since, mut came) = (Instant::now(), 0);
    loop {
        let chunk = tokio::select! {
            chunk = body.next() => chunk,
            () = tokio::time::sleep_until((since + patience).into()) => {
                return Err(Error::Slow { seconds: patience.as_secs() });
            }
            why = &mut stop => return Err(why),
        };
        match chunk {
            None => return Ok(()),
            Some(Err(error)) => return Err(Error::Broken(error.to_string())),
            Some(Ok(chunk)) => {
                let begun = Instant::now();
                sink.write(&chunk).await?;
                // A slow disk is not the client's fault.
                since += begun.elapsed();
                came += chunk.len() as u64;
            }
        }
        if came >= LEAST_BYTES {
            (since, came) = (Instant::now(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_disk_that_fills_up_meanwhile_ends_the_upload() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::prepare(folder.path().to_owned()).unwrap();
        let file = shelf.create_upload("a").unwrap();
        let sink = Sink::new(file, shelf, u64::MAX, 0, u64::MAX);
        let mut sink = sink.await.unwrap();
        let chunk = Bytes::from(vec![7; 1 << 20]);
        let body = std::iter::repeat_with(|| Ok::<_, std::io::Error>(chunk.clone()));
        let mut body = futures_util::stream::iter(body);
        let patience = Duration::from_secs(600);
        let never = std::future::pending();
        let poured = pour(&mut body, &mut sink, patience, never).await;
        assert!(matches!(poured, Err(Error::NoSpace { .. })), "{poured:?}");
        assert!(sink.at() < CHECK_BYTES);
    }
}
