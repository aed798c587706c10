//! A database of its own for each test, of either kind, and a host's part of using it.

use model::history::{Line, Query, Retention};
use model::{Label, PolicyKind};
use peers::Postgres;
use sqlx::{AnyConnection, Connection};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use store::{KvEntry, Place, Settings, Store, Wanted};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// No condition takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Makes a test of each function with a database of either kind.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Scene::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Scene::postgres()).await;
            })*
        }
    };
}
pub(crate) use on_both;

/// A database.
pub(crate) struct Scene {
    pub(crate) place: Place,
    kind: Kind,
}

enum Kind {
    Sqlite(tempfile::TempDir),
    /// The database's name at the shared server.
    Postgres(String),
}

impl Scene {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            place: Place::File(dir.path().join("pointsman.db")),
            kind: Kind::Sqlite(dir),
        }
    }

    pub(crate) fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let url = Postgres::shared().database(&name);
        Self {
            place: Place::Server(url.parse().unwrap()),
            kind: Kind::Postgres(name),
        }
    }

    /// Another of the same kind.
    pub(crate) fn another(&self) -> Self {
        match &self.kind {
            Kind::Sqlite(_) => Self::sqlite(),
            Kind::Postgres(_) => Self::postgres(),
        }
    }

    /// The file, of SQLite.
    pub(crate) fn file(&self) -> PathBuf {
        match &self.kind {
            Kind::Sqlite(dir) => dir.path().join("pointsman.db"),
            Kind::Postgres(_) => panic!("no file"),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            place: self.place.clone(),
            retention: Retention::default(),
        }
    }

    pub(crate) async fn open(&self) -> Open {
        Open::with(self.settings()).await
    }

    /// Leaves the database as a killed process would.
    pub(crate) fn kill(&self, open: Open) {
        open.writer.abort();
        // Nothing of it is closed.
        std::mem::forget(open.store);
        self.cut_off();
    }

    /// Cuts off whoever is connected to a server.
    pub(crate) fn cut_off(&self) {
        if let Kind::Postgres(name) = &self.kind {
            Postgres::shared().cut_off(name);
        }
    }

    /// What a statement answers at a server.
    pub(crate) fn ask(&self, statement: &str) -> String {
        match &self.kind {
            Kind::Postgres(name) => Postgres::shared().ask(name, statement),
            Kind::Sqlite(_) => panic!("no server"),
        }
    }

    /// As a URL.
    pub(crate) fn url(&self) -> String {
        match &self.kind {
            Kind::Sqlite(_) => format!("sqlite://{}", self.file().display()),
            Kind::Postgres(name) => Postgres::shared().url(name),
        }
    }

    /// Another program with a connection.
    pub(crate) async fn other(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url()).await.unwrap()
    }

    /// Another program that writes, and does not end its transaction.
    pub(crate) async fn lock(&self) -> Lock {
        let mut connection = self.other().await;
        let begin = match &self.kind {
            Kind::Sqlite(_) => "BEGIN IMMEDIATE",
            Kind::Postgres(_) => "BEGIN; LOCK TABLE decisions, plugin_kv, wanted IN EXCLUSIVE MODE",
        };
        sqlx::raw_sql(begin).execute(&mut connection).await.unwrap();
        Lock(connection)
    }
}

pub(crate) struct Lock(AnyConnection);

impl Lock {
    pub(crate) async fn release(mut self) {
        let end = sqlx::raw_sql("ROLLBACK");
        end.execute(&mut self.0).await.unwrap();
    }
}

/// A store with its writer, as in a host.
pub(crate) struct Open {
    pub(crate) store: Store,
    /// Why it could not be opened.
    pub(crate) failed: Option<String>,
    stop: CancellationToken,
    writer: JoinHandle<()>,
}

impl Open {
    pub(crate) async fn with(settings: Settings) -> Self {
        let (store, writer, failed) = Store::open(settings).await;
        let stop = CancellationToken::new();
        let writer = tokio::spawn(writer.run(stop.clone()));
        Self {
            store,
            failed: failed.map(|error| error.to_string()),
            stop,
            writer,
        }
    }

    /// In order, as a host stops.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.writer.await.unwrap();
    }

    pub(crate) async fn written(&self, count: u64) {
        until(|| self.store.figures().written >= count).await;
    }

    pub(crate) async fn ids(&self, query: Query) -> Vec<u64> {
        let limit = if query.limit == 0 { 100 } else { query.limit };
        let lines = self.store.decisions(&Query { limit, ..query }).await;
        let id = |line: String| line.trim_matches(['{', '}']).parse().unwrap();
        lines.unwrap().into_iter().map(id).collect()
    }

    /// Keeps a document, again and again until it is kept.
    pub(crate) async fn keep_in_the_end(&self, document: &Wanted) {
        let kept = async {
            while self.store.keep_wanted(document, &[]).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, kept).await.expect("in time");
    }
}

pub(crate) async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("in time");
}

pub(crate) fn line(id: u64) -> Line {
    Line {
        id,
        at_unix_ms: unix_ms(),
        kind: PolicyKind::Routing,
        stream: "live/a".into(),
        plugin: Some("fanout".into()),
        failed: false,
        json: Box::new(move || format!("{{{id}}}")),
    }
}

pub(crate) fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_millis() as u64
}

pub(crate) fn label(text: &str) -> Label {
    text.parse().unwrap()
}

pub(crate) fn entry(text: &str, revision: u64) -> Option<KvEntry> {
    let value = text.as_bytes().to_vec();
    Some(KvEntry { value, revision })
}

pub(crate) fn wanted(text: &str) -> Wanted {
    Wanted {
        document: text.to_owned(),
        file: "{}".to_owned(),
    }
}
