//! Media in: a file, over and over, in real time.

use crate::context::Context;
use bytes::{Bytes, BytesMut};
use ffmpeg::{FORMATS, Job, QUIET, words};
use hub::{Source, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring, folder};
use media::ts::framer::Framer;
use media::ts::pace::Pacer;
use media::ts::restamp::Restamper;
use media::ts::{PACKET_BYTES, SYNC_BYTE};
use model::{Label, Protocol, endpoint};
use std::io::{self, SeekFrom};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// A file is read in blocks of this size, off the threads that move media.
const BLOCK_BYTES: usize = 64 << 10;

/// Less media than this is none to loop.
const SHORTEST: Duration = Duration::from_millis(100);

/// Packets at the start of a file that tell whether it is a transport stream.
const TELLING: usize = 4;

/// Feeds source `id` of the stream from the file, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::File) -> LinkHandle {
    let dial = Ingest {
        context: context.clone(),
        stream: wiring.stream.clone(),
        id: wiring.label.clone(),
        path: endpoint.path,
    };
    link::spawn(wiring, dial)
}

struct Ingest {
    context: Context,
    stream: Arc<Stream>,
    id: Label,
    path: String,
}

impl Dial for Ingest {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let mut file = File::from_std(folder::open(&self.context, &self.path).await?);
        let native = is_transport_stream(&mut file)
            .await
            .map_err(self.reading())?;
        let peer = Some(self.path.clone());
        let mut source = self.stream.connect_source(&self.id, Protocol::File, peer)?;
        self.context
            .counters()
            .of(Protocol::File)
            .connections
            .add(1);
        if !native {
            let file = file.into_std().await;
            let job = Job::new(self.context.children(), "file", self.stream.name().as_str());
            let ffmpeg = job.start(arguments(), Stdio::from(file))?;
            return link::feed(ffmpeg, &mut source, session).await;
        }
        session.live();
        tokio::select! {
            ended = self.play(&mut file, &mut source, session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        }
    }
}

impl Ingest {
    fn reading(&self) -> impl FnOnce(io::Error) -> LinkError {
        LinkError::io(format!("cannot read {}", self.path))
    }

    /// Ends only with an error.
    async fn play(
        &self,
        file: &mut File,
        source: &mut Source,
        session: &Session,
    ) -> Result<(), LinkError> {
        let (mut pacer, mut restamper) = (Pacer::new(), Restamper::new());
        loop {
            file.seek(SeekFrom::Start(0))
                .await
                .map_err(self.reading())?;
            let before = pacer.elapsed();
            let mut framer = Framer::stream();
            let (mut block, mut runs) = (BytesMut::new(), Vec::new());
            loop {
                block.reserve(BLOCK_BYTES);
                let read = file.read_buf(&mut block).await;
                if read.map_err(self.reading())? == 0 {
                    break;
                }
                framer.push(block.split().freeze(), &mut runs);
                for run in runs.drain(..) {
                    let run = restamper.restamp(run);
                    let_go(&mut pacer, run, source, session).await;
                }
            }
            if pacer.elapsed() - before < SHORTEST {
                return Err(LinkError::Passing(format!(
                    "{} has less than {SHORTEST:?} of media, or no program clock (PCR) to play it by",
                    self.path
                )));
            }
            // Goes on from where it ended, in time and counters alike.
            restamper.splice(None);
        }
    }
}

/// Pushes packets as they come due.
async fn let_go(pacer: &mut Pacer, mut run: Bytes, source: &mut Source, session: &Session) {
    while !run.is_empty() {
        let (piece, due) = pacer.take(Instant::now(), &mut run);
        if !piece.is_empty() {
            session.moved(piece.len());
            source.push_ts([piece]);
        }
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
    }
}

async fn is_transport_stream(file: &mut File) -> io::Result<bool> {
    let mut head = Vec::with_capacity(TELLING * PACKET_BYTES);
    let mut start = file.take((TELLING * PACKET_BYTES) as u64);
    start.read_to_end(&mut head).await?;
    start.get_mut().seek(SeekFrom::Start(0)).await?;
    let synced = |packet: &[u8]| packet.first() == Some(&SYNC_BYTE);
    Ok(head.len() >= PACKET_BYTES && head.chunks(PACKET_BYTES).all(synced))
}

/// FFmpeg's arguments: what is in the file as it is, over and over, in real time. The file is
/// the one on its standard input, opened anew so that it can seek; nothing else can be opened.
fn arguments() -> Vec<String> {
    let mut arguments: Vec<_> = words(QUIET).collect();
    arguments.extend(words("-protocol_whitelist file,pipe -format_whitelist"));
    arguments.push(FORMATS.to_owned());
    arguments.extend(words("-re -stream_loop -1 -i file:/proc/self/fd/0"));
    arguments.extend(words(
        "-map 0:v? -map 0:a? -c copy -f mpegts -muxdelay 0 -muxpreload 0",
    ));
    arguments.extend(words("-flush_packets 1 pipe:1"));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_opens_the_file_it_is_given_and_nothing_else() {
        let line = arguments().join(" ");
        assert_eq!(
            line,
            "-hide_banner -nostdin -nostats -loglevel warning -protocol_whitelist file,pipe \
             -format_whitelist mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,mpegts,mpeg,mxf,avi,ogg,wav,mp3,aac \
             -re -stream_loop -1 -i file:/proc/self/fd/0 -map 0:v? -map 0:a? -c copy -f mpegts \
             -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:1"
        );
    }
}
