//! An output: the packets of a stream, recorded as they pass.

use super::folder;
use crate::context::Context;
use bytes::Bytes;
use hub::{ReadError, Start, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use media::TsChunk;
use media::ts::PACKET_BYTES;
use media::wall::Civil;
use model::{Protocol, endpoint};
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Chunks taken at a time.
const BATCH: usize = 256;
/// So many bytes are written at once, by a thread that may wait for the disk.
const WRITE_BYTES: usize = 256 << 10;
/// What has not come to so many by then is written all the same.
const WRITE_AFTER: Duration = Duration::from_millis(250);

/// Records the stream, a new file for each time it starts, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Recording) -> LinkHandle {
    let dial = Push {
        context: context.clone(),
        stream: wiring.stream.clone(),
        endpoint,
    };
    link::spawn(wiring, dial)
}

struct Push {
    context: Context,
    stream: Arc<Stream>,
    endpoint: endpoint::Recording,
}

impl Dial for Push {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        // Told at once, and not only when the stream begins.
        folder::check(&self.context).await?;
        let mut recording = Recording {
            push: self,
            path: String::new(),
            file: None,
            waiting: Vec::new(),
            bytes: 0,
        };
        session.live();
        let ended = tokio::select! {
            ended = recording.run(session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        };
        let closed = recording.close(session).await;
        ended.and(closed)
    }
}

impl Push {
    /// The file's name at this time.
    fn path_now(&self) -> String {
        let now = SystemTime::now();
        let unix = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let offset = self.context.utc_offset_minutes(unix.as_secs());
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = Civil::local(now, offset);
        self.endpoint.named(|field| match field {
            'Y' => format!("{year:04}"),
            'm' => format!("{month:02}"),
            'd' => format!("{day:02}"),
            'H' => format!("{hour:02}"),
            'M' => format!("{minute:02}"),
            _ => format!("{second:02}"),
        })
    }
}

/// One file.
struct Recording<'a> {
    push: &'a Push,
    path: String,
    /// Made when there is something to write.
    file: Option<File>,
    waiting: Vec<Bytes>,
    bytes: usize,
}

impl Recording<'_> {
    /// Ends with the stream, or with what the disk said.
    async fn run(&mut self, session: &Session) -> Result<(), LinkError> {
        let mut reader = self.push.stream.read_ts(Start::RandomAccess);
        let mut chunks: Vec<TsChunk> = Vec::with_capacity(BATCH);
        let mut since: Option<Instant> = None;
        loop {
            let due = since.map(|since| since + WRITE_AFTER);
            tokio::select! {
                read = reader.recv_many(&mut chunks, BATCH) => match read {
                    Ok(_) => {
                        since.get_or_insert_with(Instant::now);
                        self.waiting.extend(chunks.drain(..).map(|chunk| chunk.data));
                        self.bytes = self.waiting.iter().map(Bytes::len).sum();
                    }
                    Err(ReadError::Lagged(lost)) => session.dropped(lost),
                    Err(ReadError::Closed) => return Ok(()),
                },
                () = at(due) => {}
            }
            let late = due.is_some_and(|due| due <= Instant::now());
            if self.bytes >= WRITE_BYTES || late {
                self.write(session).await?;
                since = None;
            }
        }
    }

    /// Writes what waits. Seen through even if nobody waits for it any more.
    async fn write(&mut self, session: &Session) -> Result<(), LinkError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            let wanted = self.push.path_now();
            let (file, path) = folder::create(&self.push.context, &wanted).await?;
            tracing::info!(stream = %self.push.stream.name(), file = path, "recording");
            self.push
                .context
                .counters()
                .of(Protocol::File)
                .connections
                .add(1);
            (self.file, self.path) = (Some(file), path);
        }
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let waiting = std::mem::take(&mut self.waiting);
        let (bytes, chunks) = (std::mem::take(&mut self.bytes), waiting.len());
        let writing = tokio::task::spawn_blocking(move || {
            let written = write_all(&mut file, &waiting);
            if written.is_err() {
                // Of what could not be written no half packet stays.
                let _ = end_with_packet(&file);
            }
            (file, written)
        });
        let doing = format!("cannot write {}", self.path);
        let (file, written) = writing
            .await
            .map_err(|error| LinkError::Passing(error.to_string()))?;
        self.file = Some(file);
        if let Err(error) = written {
            session.dropped(chunks as u64);
            return Err(LinkError::io(doing)(error));
        }
        session.moved(bytes);
        Ok(())
    }

    /// Writes the rest and has the disk keep it. A file in which nothing could be written goes.
    async fn close(mut self, session: &Session) -> Result<(), LinkError> {
        let written = self.write(session).await;
        let Some(file) = self.file.take() else {
            return written;
        };
        let doing = format!("cannot finish {}", self.path);
        let (media, path) = (
            link::folder::media(&self.push.context)?.to_owned(),
            self.path,
        );
        let closing = tokio::task::spawn_blocking(move || {
            if file.metadata()?.len() == 0 {
                return link::folder::remove(&media, &path);
            }
            file.sync_all()
        });
        let closed = closing
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        written.and(closed.map_err(LinkError::io(doing)))
    }
}

fn write_all(file: &mut File, data: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = data.iter().map(|bytes| IoSlice::new(bytes)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn end_with_packet(file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    file.set_len(length - length % PACKET_BYTES as u64)
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
