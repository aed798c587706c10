//! The log in a file, which becomes another when it is large or old.
//!
//! Lines go through a bounded queue to a thread of their own: a slow or full disk holds nothing
//! up. What finds no room is dropped and counted, and the count is written when there is room.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Lines that wait for the disk.
const QUEUE: usize = 4_096;

/// What is kept of a line, so that those that wait take 64 MiB at most.
const LINE: usize = 16 << 10;

/// How long the end of the process waits for the last lines.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where lines go, once the configuration says so. Like the log itself there is one a process.
static FILE: OnceLock<Sink> = OnceLock::new();

/// `[log]`, as far as the file is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotation {
    pub(crate) file: PathBuf,
    /// A file that would become larger becomes `FILE.1`.
    pub(crate) max_bytes: u64,
    /// So does one of yesterday (UTC).
    pub(crate) daily: bool,
    /// How many such files are kept.
    pub(crate) keep: u32,
}

struct Sink {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    /// Somebody moved the file away.
    Reopen,
    Flush(SyncSender<()>),
}

/// From now on lines go to a file. Called once.
pub(crate) fn divert(rotation: Rotation) -> io::Result<()> {
    let rotating = Rotating::open(rotation)?;
    let (queue, messages) = sync_channel(QUEUE);
    let dropped = Arc::<AtomicU64>::default();
    let sink = Sink {
        queue,
        dropped: dropped.clone(),
    };
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_all(rotating, &messages, &dropped))?;
    let _ = FILE.set(sink);
    Ok(())
}

/// Takes a line if there is a file.
pub(super) fn take(line: &[u8]) -> bool {
    let Some(sink) = FILE.get() else { return false };
    let mut kept = line.get(..LINE).unwrap_or(line).to_vec();
    if kept.len() < line.len() {
        kept.push(b'\n');
    }
    if sink.queue.try_send(Message::Line(kept)).is_err() {
        sink.dropped.fetch_add(1, Ordering::Relaxed);
    }
    true
}

/// Goes on in a new file of that name, for whoever moved the old one away.
pub(crate) fn reopen() {
    if let Some(sink) = FILE.get() {
        let _ = sink.queue.try_send(Message::Reopen);
    }
}

/// Waits, not for long, until what was logged is written.
pub fn flush() {
    let Some(sink) = FILE.get() else { return };
    let (done, written) = sync_channel(1);
    if sink.queue.try_send(Message::Flush(done)).is_ok() {
        let _ = written.recv_timeout(FAREWELL);
    }
}

/// The thread: ends with the process.
fn write_all(mut log: Rotating, messages: &Receiver<Message>, dropped: &AtomicU64) {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Line(line) => {
                let lost = dropped.swap(0, Ordering::Relaxed);
                if lost > 0 && log.write(told(lost).as_bytes()).is_err() {
                    dropped.fetch_add(lost, Ordering::Relaxed);
                }
                if log.write(&line).is_err() {
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            Message::Reopen => log.file = None,
            Message::Flush(done) => drop(done.try_send(())),
        }
    }
}

fn told(lost: u64) -> String {
    format!("{lost} lines of the log are missing here: the disk did not take them\n")
}

struct Rotating {
    rotation: Rotation,
    /// None: to be opened with the next line.
    file: Option<File>,
    bytes: u64,
    day: u64,
}

impl Rotating {
    /// The folder is made if it is not there.
    fn open(rotation: Rotation) -> io::Result<Self> {
        if let Some(folder) = rotation.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut log = Self {
            rotation,
            file: None,
            bytes: 0,
            day: 0,
        };
        log.take_up(today())?;
        Ok(log)
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.write_on(line, today())
    }

    fn write_on(&mut self, line: &[u8], day: u64) -> io::Result<()> {
        if self.file.is_none() {
            self.take_up(day)?;
        }
        let size = self.bytes.saturating_add(line.len() as u64);
        let old = self.rotation.daily && self.day < day;
        if self.bytes > 0 && (size > self.rotation.max_bytes || old) {
            self.rotate();
            self.take_up(day)?;
        }
        let Some(file) = &mut self.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        file.write_all(line)?;
        self.bytes = self.bytes.saturating_add(line.len() as u64);
        Ok(())
    }

    /// Goes on in what is there.
    fn take_up(&mut self, day: u64) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let file = options
            .append(true)
            .create(true)
            .open(&self.rotation.file)?;
        let found = file.metadata()?;
        self.bytes = found.len();
        self.day = match (self.bytes, found.modified()) {
            (1.., Ok(time)) => day_of(time).min(day),
            _ => day,
        };
        self.file = Some(file);
        Ok(())
    }

    /// `FILE.1` becomes `FILE.2`, and so on; the last goes. What cannot be moved stays, and is
    /// written on.
    fn rotate(&mut self) {
        self.file = None;
        let Rotation { file, keep, .. } = &self.rotation;
        if *keep == 0 {
            let _ = std::fs::remove_file(file);
            return;
        }
        for number in (1..*keep).rev() {
            let _ = std::fs::rename(numbered(file, number), numbered(file, number + 1));
        }
        let _ = std::fs::rename(file, numbered(file, 1));
    }
}

fn numbered(file: &Path, number: u32) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn today() -> u64 {
    day_of(SystemTime::now())
}

/// Days since 1970 in UTC.
fn day_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / (24 * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(dir: &Path, max_bytes: u64, keep: u32) -> Rotating {
        let rotation = Rotation {
            file: dir.join("logs/host.log"),
            max_bytes,
            daily: true,
            keep,
        };
        Rotating::open(rotation).unwrap()
    }

    fn read(dir: &Path, name: &str) -> Option<String> {
        std::fs::read_to_string(dir.join("logs").join(name)).ok()
    }

    #[test]
    fn a_large_file_becomes_another_and_only_some_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut written = log(dir.path(), 10, 2);
        for line in ["first\n", "second\n", "third\n", "fourth\n"] {
            written.write(line.as_bytes()).unwrap();
        }
        let of = |name| read(dir.path(), name);
        assert_eq!(of("host.log").as_deref(), Some("fourth\n"));
        assert_eq!(of("host.log.1").as_deref(), Some("third\n"));
        assert_eq!(of("host.log.2").as_deref(), Some("second\n"));
        assert_eq!(of("host.log.3"), None);
        // A host that starts again goes on in what is there.
        drop(written);
        log(dir.path(), 1_000, 2).write(b"fifth\n").unwrap();
        assert_eq!(of("host.log").as_deref(), Some("fourth\nfifth\n"));
    }

    #[test]
    fn a_new_day_begins_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut written = log(dir.path(), 1_000, 3);
        written.write_on(b"a\n", today()).unwrap();
        written.write_on(b"b\n", today() + 1).unwrap();
        written.write_on(b"c\n", today() + 1).unwrap();
        assert_eq!(read(dir.path(), "host.log.1").as_deref(), Some("a\n"));
        assert_eq!(read(dir.path(), "host.log").as_deref(), Some("b\nc\n"));
    }

    #[test]
    fn what_a_full_disk_did_not_take_is_counted_where_it_is_missing() {
        let full = Path::new("/dev/full");
        let rotation = Rotation {
            file: full.to_owned(),
            max_bytes: 1 << 20,
            daily: false,
            keep: 0,
        };
        let mut log = Rotating::open(rotation).unwrap();
        assert!(log.write(b"lost\n").is_err(), "and nothing else happens");
        assert!(told(1).starts_with("1 lines"));
    }
}
