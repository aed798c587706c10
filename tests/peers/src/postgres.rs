//! PostgreSQL from Debian's package, on a Unix socket in a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// Where Debian puts the versions.
const PACKAGED: &str = "/usr/lib/postgresql";

/// Whoever runs it in root's place: it refuses to run as root.
const USER: &str = "postgres";

/// Starts and stops the server as told, and ends it, with its folder, when this process ends,
/// however it does: its standard input is closed then.
const KEEPER: &str = r#"
bin=$1 folder=$2
start() {
    "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off \
        -c shared_buffers=16MB -c max_connections=60 2>>"$folder/log" &
    server=$!
    until "$bin/pg_isready" -q -h "$folder"; do if kill -0 $server; then sleep 0.05; else cat "$folder/log" >&2; exit 1; fi; done
}
stop() { kill -INT $server; wait $server; }
"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null || exit 1
start; echo done
while read -r command; do $command; echo done; done
kill -QUIT $server 2>/dev/null; wait $server
rm -rf "$folder"
"#;

/// A server.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    keeper: Mutex<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    child: Child,
    commands: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Postgres {
    /// The one that the tests of a program share, each with a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts one to be stopped and started.
    ///
    /// # Panics
    /// When it is not installed or does not come up.
    pub fn start() -> Self {
        let bin = packaged();
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut command = as_somebody(&folder);
        command
            .args(["sh", "-c", KEEPER, "sh"])
            .arg(&bin)
            .arg(&folder);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("setpriv and sh");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut keeper = Keeper {
            child,
            commands,
            answers,
        };
        keeper.await_done();
        Self {
            bin,
            folder,
            keeper: Mutex::new(keeper),
        }
    }

    /// Stops it; whoever is connected is cut off.
    pub fn stop(&self) {
        self.keeper.lock().expect("a keeper").tell("stop");
    }

    /// Starts it again with all that it holds.
    pub fn start_again(&self) {
        self.keeper.lock().expect("a keeper").tell("start");
    }

    /// Makes a database; its URL.
    ///
    /// # Panics
    /// When there is one of that name.
    pub fn database(&self, name: &str) -> String {
        self.ask("postgres", &format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// The URL of a database.
    pub fn url(&self, name: &str) -> String {
        let folder = self.folder.display();
        format!("postgres:///{name}?host={folder}&user={USER}")
    }

    /// Cuts off all who are connected to a database, as if they had been killed.
    ///
    /// # Panics
    /// When it does not work.
    pub fn cut_off(&self, database: &str) {
        let all = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.ask(database, all);
    }

    /// What a statement answers.
    ///
    /// # Panics
    /// When it fails.
    pub fn ask(&self, database: &str, statement: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.arg("-h").arg(&self.folder);
        psql.args([
            "-U",
            USER,
            "-d",
            database,
            "-v",
            "ON_ERROR_STOP=1",
            "-qtAc",
            statement,
        ]);
        let ran = psql.output().expect("psql");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{statement}: {said}");
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    }
}

impl Keeper {
    fn tell(&mut self, command: &str) {
        let commands = self.commands.as_mut().expect("it has not ended");
        writeln!(commands, "{command}").expect("the keeper lives");
        self.await_done();
    }

    fn await_done(&mut self) {
        let answer = self.answers.next();
        let done = matches!(&answer, Some(Ok(line)) if line == "done");
        assert!(done, "PostgreSQL does not start: {answer:?}");
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.commands = None;
        // It ends the server first.
        let _ = self.child.wait();
    }
}

/// The newest version's programs.
fn packaged() -> PathBuf {
    let versions = fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(|path| number(path));
    let found = newest.map(|version| version.join("bin"));
    found.expect("Debian's package postgresql is needed (make setup-test)")
}

/// A command that root has others run, with this folder as theirs.
fn as_somebody(folder: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new("env");
    }
    let id = |option| {
        let asked = Command::new("id").args([option, USER]).output();
        let number = String::from_utf8(asked.expect("id").stdout).expect("a number");
        number.trim().parse::<u32>().expect("the package's user")
    };
    chown(folder, Some(id("-u")), Some(id("-g"))).expect("root may");
    let mut command = Command::new("setpriv");
    let identity = [USER, "--regid", USER, "--clear-groups"];
    command.arg("--reuid").args(identity).current_dir(folder);
    command
}
