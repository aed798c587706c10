//! All UDP outputs of a stream, served by one task.
//!
//! A batch that arrives wakes one task, which sends it to each peer by one call: with a task an
//! output, the wake-ups would cost more than the sending. Sending never waits, so no output
//! delays another; each has its own socket, queue, counters and end ([`super::member`]).

use super::batch::{Batch, Run};
use super::member::Member;
use crate::context::Context;
use hub::{ReadError, Reader, Start, Stream};
use media::TsChunk;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io::IoSlice;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::sync::{Notify, mpsc};

/// Chunks taken from the lane at once.
const MAX_CHUNKS: usize = 256;

/// Slices of the longest run.
const MAX_SLICES: usize = 64;

/// The fan-outs of a host, by stream.
#[derive(Debug, Default)]
pub(crate) struct Fanouts(Mutex<HashMap<Key, Handle>>);

/// The address of a stream, which stays its own as long as its fan-out holds it: a name may
/// pass to another stream while the last output of the former still ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(usize);

/// How outputs reach the task that serves them.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    joins: mpsc::Sender<Member>,
    wake: Arc<Notify>,
}

impl Handle {
    /// Makes the task look who has left.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }
}

impl Key {
    fn of(stream: &Arc<Stream>) -> Self {
        Self(Arc::as_ptr(stream).addr())
    }
}

impl Fanouts {
    /// Adds an output; it begins with the next batch.
    pub(super) async fn join(
        &self,
        context: &Context,
        stream: &Arc<Stream>,
        mut member: Member,
    ) -> Handle {
        loop {
            let handle = self.find_or_start(context, stream);
            match handle.joins.send(member).await {
                Ok(()) => return handle,
                // Its last output left just now.
                Err(returned) => {
                    member = returned.0;
                    self.forget(stream, &handle);
                }
            }
        }
    }

    fn find_or_start(&self, context: &Context, stream: &Arc<Stream>) -> Handle {
        let mut all = self.0.lock();
        let start = || {
            let (joins, joined) = mpsc::channel(16);
            let handle = Handle {
                joins,
                wake: Arc::default(),
            };
            let fanout = Fanout {
                context: context.clone(),
                stream: stream.clone(),
                reader: stream.read_ts(Start::Live),
                joined,
                handle: handle.clone(),
                members: Vec::new(),
            };
            context.tasks().spawn(fanout.run());
            handle
        };
        all.entry(Key::of(stream)).or_insert_with(start).clone()
    }

    fn forget(&self, stream: &Arc<Stream>, handle: &Handle) {
        let mut all = self.0.lock();
        if all
            .get(&Key::of(stream))
            .is_some_and(|now| now.joins.same_channel(&handle.joins))
        {
            all.remove(&Key::of(stream));
        }
    }
}

struct Fanout {
    context: Context,
    stream: Arc<Stream>,
    reader: Reader<TsChunk>,
    joined: mpsc::Receiver<Member>,
    handle: Handle,
    members: Vec<Member>,
}

impl Fanout {
    async fn run(mut self) {
        let (mut chunks, mut batch) = (Vec::with_capacity(MAX_CHUNKS), Batch::default());
        loop {
            let waiting = self.members.iter().any(Member::is_waiting);
            tokio::select! {
                biased;
                Some(member) = self.joined.recv() => self.members.push(member),
                () = self.handle.wake.notified() => {}
                () = writable(&self.members), if waiting => {
                    self.members.iter_mut().for_each(Member::flush);
                }
                read = self.reader.recv_many(&mut chunks, MAX_CHUNKS) => match read {
                    Ok(_) => self.send(&mut chunks, &mut batch),
                    Err(ReadError::Lagged(lost)) => self.note_lag(lost),
                    Err(ReadError::Closed) => break,
                },
            }
            self.members.retain(Member::stays);
            if self.members.is_empty() && !self.has_late_joiners().await {
                break;
            }
            tokio::task::consume_budget().await;
        }
        self.context.fanouts().forget(&self.stream, &self.handle);
    }

    /// Lets nobody in any more; true if somebody came in before.
    async fn has_late_joiners(&mut self) -> bool {
        self.joined.close();
        while let Some(member) = self.joined.recv().await {
            self.members.push(member);
        }
        !self.members.is_empty()
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
