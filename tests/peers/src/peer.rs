//! Programs of other makes.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Lines of a peer that are kept, the first ones: what went wrong first explains the rest.
const KEPT_LINES: usize = 2_000;

/// A running program in a process group of its own, which is killed when this is dropped.
#[derive(Debug)]
pub struct Peer {
    name: String,
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    listener: Option<JoinHandle<()>>,
}

/// What a program that has ended leaves.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to standard error.
    pub said: Vec<String>,
}

impl Peer {
    /// Starts a program from a line of words; none of them may hold a space.
    ///
    /// # Panics
    /// When it is not installed.
    pub fn start(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        Self::spawn(command.args(words).stdout(Stdio::null()))
    }

    /// Starts a command; its standard output is the caller's to choose.
    ///
    /// # Panics
    /// When the program is not installed.
    pub fn spawn(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} is needed (make setup-test): {error}"));
        let said = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&said);
        let stderr = child.stderr.take().expect("stderr is piped");
        let listener = std::thread::spawn(move || listen(stderr, &kept));
        Self {
            name,
            child,
            said,
            listener: Some(listener),
        }
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it wrote to standard error so far.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// Its standard output, if that is piped and was not taken before.
    pub fn stdout(&mut self) -> Option<impl Read + Send + use<>> {
        self.child.stdout.take()
    }

    /// Signals the process itself, not its group.
    pub fn signal(&self, signal: Signal) {
        // Gone already is as good.
        let _ = rustix::process::kill_process(self.id(), signal);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time, with what it said.
    pub fn wait(mut self, limit: Duration) -> Ended {
        let end = Instant::now() + limit;
        let status = loop {
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => break status,
                None if Instant::now() > end => {
                    panic!(
                        "{} goes on after {limit:?}:\n{}",
                        self.name,
                        self.said().join("\n")
                    )
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        if let Some(listener) = self.listener.take() {
            // Children of its own that outlive it hold its standard error open.
            self.kill_group();
            let _ = listener.join();
        }
        Ended {
            status,
            said: self.said(),
        }
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn kill_group(&self) {
        let _ = kill_process_group(self.id(), Signal::KILL);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill_group();
        let _ = self.child.wait();
        if std::thread::panicking() && self.listener.is_some() {
            let said = self.said();
            let from = said.len().saturating_sub(30);
            eprintln!("--- {} said:\n{}", self.name, said[from..].join("\n"));
        }
    }
}

fn listen(stderr: impl Read, kept: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        let mut kept = kept.lock().unwrap();
        if kept.len() < KEPT_LINES {
            kept.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        line.clear();
    }
}
