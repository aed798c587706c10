//! Media in: a reader of one stream fills a source of another, in the native form; JPEG pictures
//! are encoded on the way, since hardly any other protocol carries them.

use crate::context::Context;
use crate::mjpeg::encode;
use hub::{Form, Item, ReadError, Reader, Source, Start, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use media::Frame;
use model::{Label, Protocol, StreamName};
use std::sync::Arc;
use std::time::Duration;

/// Chunks or frames taken at a time.
const BATCH: usize = 256;

/// How often a stream without media is looked at: what form it will have shows with the first.
const LOOK: Duration = Duration::from_millis(100);

/// Feeds source `id` of the stream from the stream called `from`, until stopped.
pub fn start(context: &Context, wiring: Wiring, from: StreamName) -> LinkHandle {
    let dial = Ingest {
        context: context.clone(),
        stream: wiring.stream.clone(),
        id: wiring.label.clone(),
        from,
    };
    link::spawn(wiring, dial)
}

struct Ingest {
    context: Context,
    stream: Arc<Stream>,
    id: Label,
    from: StreamName,
}

impl Dial for Ingest {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let from = self.context.registry().get(self.from.as_str());
        let from = from.ok_or_else(|| {
            LinkError::Passing(format!("no stream is called {} at the moment", self.from))
        })?;
        tokio::select! {
            ended = self.follow(&from, session) => ended,
            () = from.ended() => Err(LinkError::Ended),
            () = session.cancelled().cancelled() => Ok(()),
        }
    }
}

impl Ingest {
    async fn follow(&self, from: &Arc<Stream>, session: &Session) -> Result<(), LinkError> {
        let form = form_of(from).await;
        let peer = Some(self.from.to_string());
        let mut source = self
            .stream
            .connect_source(&self.id, Protocol::Stream, peer)?;
        self.context
            .counters()
            .of(Protocol::Stream)
            .connections
            .add(1);
        session.live();
        match form {
            Form::Ts => {
                let reader = from.read_ts(Start::RandomAccess);
                let push = |source: &mut Source, chunks: &mut Vec<media::TsChunk>| {
                    source.push_ts(chunks.drain(..).map(|chunk| chunk.data));
                };
                pass_on(reader, &mut source, session, push).await
            }
            Form::Frames => {
                let reader = from.read_frames(Start::RandomAccess);
                self.follow_frames(reader, source, session).await
            }
        }
    }

    /// Passes frames on as they are, and pictures through an encoder, as they take turns.
    async fn follow_frames(
        &self,
        mut reader: Reader<Frame>,
        mut source: Source,
        session: &Session,
    ) -> Result<(), LinkError> {
        let mut next = None;
        loop {
            let Some(picture) = next.take() else {
                next = Some(pass_frames(&mut reader, &mut source, session).await?);
                continue;
            };
            let encoding =
                encode::run(&self.context, picture, &mut reader, &mut source, session).await?;
            let Some(frame) = encoding else {
                return Ok(());
            };
            // What another encoder makes goes on where this one ended.
            let peer = Some(self.from.to_string());
            drop(source);
            source = self
                .stream
                .connect_source(&self.id, Protocol::Stream, peer)?;
            match encode::picture_of(&frame) {
                Some(_) => next = Some(frame),
                None => source.push_frames([frame]),
            }
        }
    }
}

async fn form_of(stream: &Stream) -> Form {
    loop {
        if let Some(form) = stream.form() {
            return form;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Passes frames on until a picture comes, which is returned.
async fn pass_frames(
    reader: &mut Reader<Frame>,
    source: &mut Source,
    session: &Session,
) -> Result<Frame, LinkError> {
    let mut frames = Vec::with_capacity(BATCH);
    loop {
        match reader.recv_many(&mut frames, BATCH).await {
            Ok(_) => {}
            Err(ReadError::Lagged(lost)) => {
                session.dropped(lost);
                continue;
            }
            Err(ReadError::Closed) => return Err(LinkError::Ended),
        }
        session.moved(frames.iter().map(Item::bytes).sum());
        let is_picture = |frame: &Frame| encode::picture_of(frame).is_some();
        let pictures = frames.iter().position(is_picture);
        let from = pictures.unwrap_or(frames.len());
        // Of pictures that came together the last is as good as the first.
        let picture = frames.drain(from..).next_back();
        source.push_frames(frames.drain(..));
        if let Some(picture) = picture {
            return Ok(picture);
        }
    }
}

/// Ends only with the reader.
async fn pass_on<T: Item>(
    mut reader: Reader<T>,
    source: &mut Source,
    session: &Session,
    push: impl Fn(&mut Source, &mut Vec<T>),
) -> Result<(), LinkError> {
    let mut items = Vec::with_capacity(BATCH);
    loop {
        match reader.recv_many(&mut items, BATCH).await {
            Ok(_) => {
                session.moved(items.iter().map(Item::bytes).sum());
                push(source, &mut items);
            }
            Err(ReadError::Lagged(lost)) => session.dropped(lost),
            Err(ReadError::Closed) => return Err(LinkError::Ended),
        }
    }
}
