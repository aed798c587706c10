//! Publishers that can make a key frame when a viewer needs one.

use model::StreamName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Those there are, by stream. A stream that comes another way has none; its viewers wait for the
/// next key frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Publishers(Arc<Mutex<HashMap<StreamName, mpsc::Sender<()>>>>);

/// A publisher's entry; leaves when dropped.
#[derive(Debug)]
pub(super) struct Listening {
    publishers: Publishers,
    stream: StreamName,
    wishes: mpsc::Sender<()>,
}

impl Publishers {
    /// A publisher of that stream, which hears of wishes.
    pub(super) fn enter(&self, stream: &StreamName) -> (Listening, mpsc::Receiver<()>) {
        // Many wishes at a time are one.
        let (wishes, heard) = mpsc::channel(1);
        self.0.lock().insert(stream.clone(), wishes.clone());
        let listening = Listening {
            publishers: self.clone(),
            stream: stream.clone(),
            wishes,
        };
        (listening, heard)
    }

    /// Asks the stream's publisher, if it can.
    pub(super) fn ask_for_key_frame(&self, stream: &StreamName) {
        if let Some(wishes) = self.0.lock().get(stream) {
            let _ = wishes.try_send(());
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut present = self.publishers.0.lock();
        let mine = present.get(&self.stream);
        if mine.is_some_and(|wishes| wishes.same_channel(&self.wishes)) {
            present.remove(&self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_reach_the_newest_publisher_and_an_older_one_takes_nothing_with_it() {
        let (publishers, name) = (Publishers::default(), "a".parse().unwrap());
        publishers.ask_for_key_frame(&name);
        let (first, mut at_first) = publishers.enter(&name);
        let (second, mut at_second) = publishers.enter(&name);
        drop(first);
        publishers.ask_for_key_frame(&name);
        publishers.ask_for_key_frame(&name);
        assert!(at_first.try_recv().is_err());
        assert!(at_second.try_recv().is_ok());
        assert!(at_second.try_recv().is_err(), "two wishes are one");
        drop(second);
        assert!(publishers.0.lock().is_empty());
    }
}
