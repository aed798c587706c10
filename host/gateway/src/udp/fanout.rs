//! All UDP outputs of a stream, served by one task.
//!
//! Sending never waits, so no output delays another; each has its own socket, queue, counters and
//! end ([`super::member`]).

use super::batch::{Batch, Run};
use super::member::Member;
use super::pace::{FAN_OUT, Pace};
use crate::context::Context;
use crate::crowd::{Call, Entrance, Handle};
use hub::{ReadError, Reader, Start, Stream};
use media::TsChunk;
use std::io::IoSlice;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

/// Chunks taken from the lane at once.
const MAX_CHUNKS: usize = 256;

/// Slices of the longest run.
const MAX_SLICES: usize = 64;

/// From so many outputs on a small batch waits a moment for more, since each batch costs each output
/// a system call.
const MANY: usize = 16;

/// A batch of so many datagrams was gathered already, by whoever received it.
const GATHERED: usize = 4;

/// Outputs that one task serves: all that a stream may have.
const MOST: usize = 1_024;

/// Adds an output; it begins with the next batch.
pub(super) async fn join(
    context: &Context,
    stream: &Arc<Stream>,
    member: Member,
) -> Handle<Member> {
    let start = |entrance| {
        let fanout = Fanout {
            context: context.clone(),
            stream: stream.clone(),
            reader: stream.read_ts(Start::Live),
            entrance,
            members: Vec::new(),
        };
        context.tasks().spawn(fanout.run());
    };
    context
        .udp_outputs()
        .join(stream, member, MOST, start)
        .await
}

struct Fanout {
    context: Context,
    stream: Arc<Stream>,
    reader: Reader<TsChunk>,
    entrance: Entrance<Member>,
    members: Vec<Member>,
}

impl Fanout {
    async fn run(mut self) {
        let (mut chunks, mut batch) = (Vec::with_capacity(MAX_CHUNKS), Batch::default());
        // Without a timer nothing is gathered, and all goes out as it comes.
        let mut pace = Pace::new(FAN_OUT).ok();
        loop {
            let waiting = self.members.iter().any(Member::is_waiting);
            tokio::select! {
                biased;
                call = self.entrance.call() => if let Call::Join(member) = call {
                    self.members.push(member);
                },
                () = writable(&self.members), if waiting => {
                    self.members.iter_mut().for_each(Member::flush);
                }
                read = self.reader.recv_many(&mut chunks, MAX_CHUNKS) => match read {
                    Ok(_) => {
                        if let Some(pace) = &mut pace {
                            self.gather(&mut chunks, pace).await;
                        }
                        self.send(&mut chunks, &mut batch);
                    }
                    Err(ReadError::Lagged(lost)) => self.note_lag(lost),
                    Err(ReadError::Closed) => break,
                },
            }
            self.members.retain(Member::stays);
            if self.members.is_empty() && !self.has_late_joiners().await {
                return;
            }
            self.entrance.note_present(self.members.len());
            tokio::task::consume_budget().await;
        }
        // Of a stream that has ended nobody is served any more.
        self.has_late_joiners().await;
    }

    async fn has_late_joiners(&mut self) -> bool {
        let late = self
            .entrance
            .close(self.context.udp_outputs(), &self.stream);
        self.members.extend(late.await);
        !self.members.is_empty()
    }

    /// Waits for more where that spares many outputs a system call.
    async fn gather(&mut self, chunks: &mut Vec<TsChunk>, pace: &mut Pace) {
        let dense = pace.is_dense(chunks.len(), Instant::now());
        if !dense || self.members.len() < MANY || chunks.len() >= GATHERED {
            return;
        }
        if pace.gather().await.is_err() {
            return;
        }
        match self.reader.try_recv_many(chunks, MAX_CHUNKS) {
            Ok(more) => pace.note(more),
            Err(ReadError::Lagged(lost)) => self.note_lag(lost),
            // Shows with the next read, too.
            Err(ReadError::Closed) => {}
        }
    }

    fn send(&mut self, chunks: &mut Vec<TsChunk>, batch: &mut Batch) {
        chunks.drain(..).for_each(|chunk| batch.push(chunk.data));
        for run in batch.runs(MAX_SLICES) {
            self.send_run(batch, &run);
        }
        let now = Instant::now();
        self.members
            .iter_mut()
            .for_each(|member| member.settle(now));
        batch.clear();
    }

    fn send_run(&mut self, batch: &Batch, run: &Run) {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut count = 0;
        for (place, slice) in slices.iter_mut().zip(batch.slices(run)) {
            *place = slice;
            count += 1;
        }
        let slices = slices.get(..count).unwrap_or_default();
        self.members
            .iter_mut()
            .for_each(|member| member.send(batch, run, slices));
    }

    fn note_lag(&self, lost: u64) {
        self.members.iter().for_each(|member| member.lost(lost));
        if let Some(held_back) = self
            .context
            .complaints()
            .admit("udp fan-out lag", Instant::now())
        {
            tracing::warn!(stream = %self.stream.name(), lost, held_back, "UDP outputs were overtaken; this host is overloaded");
        }
    }
}

/// Resolves when one of those that wait may send.
async fn writable(members: &[Member]) {
    std::future::poll_fn(|cx| {
        let mut any = Poll::Pending;
        for member in members.iter().filter(|member| member.is_waiting()) {
            if member.poll_writable(cx).is_ready() {
                any = Poll::Ready(());
            }
        }
        any
    })
    .await;
}
