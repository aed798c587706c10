//! One upload.

use crate::error::Error;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// How long a request waits for the one before it to let go.
const HANDOVER: Duration = Duration::from_secs(5);

/// What has to be known of an upload to go on with it after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Its bytes when it is done.
    pub(crate) length: u64,
    /// `Upload-Metadata`, as it came.
    pub(crate) metadata: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is not finished.
    Open,
    /// It is the video of this name.
    Done(String),
    /// It was no video that can be played, and is gone.
    Refused(String),
}

/// An upload: unfinished, or one whose fate is still known.
#[derive(Debug)]
pub(crate) struct Upload {
    /// 32 hexadecimal digits that nobody guesses.
    pub(crate) id: String,
    pub(crate) note: Note,
    written: AtomicU64,
    about: Mutex<About>,
    /// One request at a time; a newer one ends the one before it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct About {
    fate: Fate,
    touched: SystemTime,
    holder: CancellationToken,
}

/// The right to write to an upload.
pub(crate) struct Turn<'a> {
    _turn: tokio::sync::MutexGuard<'a, ()>,
    /// Cancelled when another request wants it.
    pub(crate) wanted: CancellationToken,
}

impl Upload {
    /// With so many bytes on disk, the last of them written then.
    pub(crate) fn new(id: String, note: Note, written: u64, touched: SystemTime) -> Self {
        Self {
            id,
            note,
            written: AtomicU64::new(written),
            about: Mutex::new(About {
                fate: Fate::Open,
                touched,
                holder: CancellationToken::new(),
            }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The right to write to it; whoever has it now is told to let go.
    ///
    /// # Errors
    /// It is being looked at, which takes its time.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Error> {
        self.about.lock().holder.cancel();
        let turn = tokio::time::timeout(HANDOVER, self.turn.lock()).await;
        let turn = turn.map_err(|_| Error::Busy)?;
        let wanted = CancellationToken::new();
        self.about.lock().holder = wanted.clone();
        Ok(Turn {
            _turn: turn,
            wanted,
        })
    }

    /// Whether a request is at work on it.
    pub(crate) fn is_busy(&self) -> bool {
        self.turn.try_lock().is_err()
    }

    pub(crate) fn fate(&self) -> Fate {
        self.about.lock().fate.clone()
    }

    pub(crate) fn is_unfinished(&self) -> bool {
        self.about.lock().fate == Fate::Open
    }

    /// It is finished, one way or the other.
    pub(crate) fn end(&self, fate: Fate) {
        let mut about = self.about.lock();
        (about.fate, about.touched) = (fate, SystemTime::now());
    }

    /// When something last happened to it.
    pub(crate) fn touched(&self) -> SystemTime {
        self.about.lock().touched
    }

    /// Bytes that are on disk.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Notes how many there are by now.
    pub(crate) fn wrote(&self, written: u64) {
        self.written.store(written, Ordering::Relaxed);
        self.about.lock().touched = SystemTime::now();
    }

    /// What it is announced to have.
    pub(crate) fn bytes(&self) -> u64 {
        self.note.length
    }

    /// What is still to come.
    pub(crate) fn to_come(&self) -> u64 {
        self.note.length.saturating_sub(self.written())
    }
}
