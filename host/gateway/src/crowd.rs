//! Tasks that serve all of a stream's peers of one kind.
//!
//! A batch of media wakes one task, which hands it to each peer by one call: with a task a peer,
//! the wake-ups would cost more than the sending. Whoever has to wait for its own socket does so
//! by itself, and delays nobody.

use hub::Stream;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, mpsc};

/// Members on their way in.
const DOOR: usize = 64;

/// The crowds of a host, by stream.
#[derive(Debug)]
pub(crate) struct Crowds<M>(Mutex<HashMap<Key, Vec<Handle<M>>>>);

/// The address of a stream, which stays its own as long as its crowd holds it: a name may pass to
/// another stream while the last member of the former still leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(usize);

/// How members reach the task that serves them.
#[derive(Debug)]
pub(crate) struct Handle<M> {
    joins: mpsc::Sender<M>,
    wake: Arc<Notify>,
    present: Arc<AtomicUsize>,
}

/// The task's side of it.
#[derive(Debug)]
pub(crate) struct Entrance<M> {
    joined: mpsc::Receiver<M>,
    handle: Handle<M>,
}

/// What made the task look up.
pub(crate) enum Call<M> {
    /// Somebody comes in.
    Join(M),
    /// Somebody may have left.
    Look,
}

impl<M> Default for Crowds<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self {
            joins: self.joins.clone(),
            wake: self.wake.clone(),
            present: self.present.clone(),
        }
    }
}

impl<M> Handle<M> {
    /// Makes the task look who has left.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

impl Key {
    fn of(stream: &Arc<Stream>) -> Self {
        Self(Arc::as_ptr(stream).addr())
    }
}

impl<M> Crowds<M> {
    /// Adds a member to a crowd of about `most` at most; `start` begins one where all are full.
    pub(crate) async fn join(
        &self,
        stream: &Arc<Stream>,
        mut member: M,
        most: usize,
        start: impl Fn(Entrance<M>),
    ) -> Handle<M> {
        loop {
            let handle = self.find_or_start(stream, most, &start);
            match handle.joins.send(member).await {
                Ok(()) => return handle,
                // Its last member left just now.
                Err(returned) => {
                    member = returned.0;
                    self.forget(stream, &handle);
                }
            }
        }
    }

    fn find_or_start(
        &self,
        stream: &Arc<Stream>,
        most: usize,
        start: impl Fn(Entrance<M>),
    ) -> Handle<M> {
        let mut all = self.0.lock();
        let crowds = all.entry(Key::of(stream)).or_default();
        let has_room = |crowd: &&Handle<M>| crowd.present.load(Ordering::Relaxed) < most;
        if let Some(crowd) = crowds.iter().find(has_room) {
            return crowd.clone();
        }
        let (joins, joined) = mpsc::channel(DOOR);
        let handle = Handle {
            joins,
            wake: Arc::default(),
            present: Arc::default(),
        };
        crowds.push(handle.clone());
        let of_task = handle.clone();
        start(Entrance {
            joined,
            handle: of_task,
        });
        handle
    }

    fn forget(&self, stream: &Arc<Stream>, handle: &Handle<M>) {
        let mut all = self.0.lock();
        let Some(crowds) = all.get_mut(&Key::of(stream)) else {
            return;
        };
        crowds.retain(|crowd| !crowd.joins.same_channel(&handle.joins));
        if crowds.is_empty() {
            all.remove(&Key::of(stream));
        }
    }
}

impl<M> Entrance<M> {
    /// Waits until somebody comes or calls. Cancel safe.
    pub(crate) async fn call(&mut self) -> Call<M> {
        tokio::select! {
            biased;
            // Closed only by `close`; who came in before that is still called to.
            Some(member) = self.joined.recv() => Call::Join(member),
            () = self.handle.wake.notified() => Call::Look,
        }
    }

    /// Tells those who come how many there are.
    pub(crate) fn note_present(&self, members: usize) {
        self.handle.present.store(members, Ordering::Relaxed);
    }

    /// Lets nobody in any more; gives who came in before. If it is nobody, the crowd has ended.
    pub(crate) async fn close(&mut self, crowds: &Crowds<M>, stream: &Arc<Stream>) -> Vec<M> {
        crowds.forget(stream, &self.handle);
        self.joined.close();
        let mut late = Vec::new();
        while let Some(member) = self.joined.recv().await {
            late.push(member);
        }
        late
    }
}
