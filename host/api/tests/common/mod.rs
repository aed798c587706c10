//! A whole host without a command line, and a client that speaks plain HTTP to it.

#![allow(dead_code, reason = "each test binary uses its part")]

use control::webhooks::Patience;
use control::{Control, ControlHandle};
use gateway::Context;
use hub::{Pass, Registry, Source};
use link::Policy;
use model::{Ask, Intent, Protocol};
use plugin::{BuildOptions, Compiler, Plugins, build};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Larger than the shipped plugins, and small enough to exceed in a test.
pub(crate) const MAX_PLUGIN_BYTES: usize = 2 << 20;

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) control: ControlHandle,
    pub(crate) shutdown: CancellationToken,
    pub(crate) server: JoinHandle<()>,
    _dir: TempDir,
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::start_with(|settings| settings).await
    }

    pub(crate) async fn start_with(set: impl FnOnce(api::Settings) -> api::Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (plugins, failed) =
            Plugins::open(plugin::Settings::new(dir.path(), Compiler::InProcess))
                .await
                .unwrap();
        assert!(failed.is_empty());
        let registry = Registry::new(hub::Settings::default());
        let shutdown = CancellationToken::new();
        let context = Context::new(registry.clone(), shutdown.clone());
        let (actor, control) = Control::new(
            registry.clone(),
            context.clone(),
            plugins,
            control::Settings {
                patience: Patience {
                    retry: Policy {
                        initial: Duration::from_millis(20),
                        ..Patience::default().retry
                    },
                    ..Patience::default()
                },
                ..control::Settings::default()
            },
        );
        tokio::spawn(actor.run());
        let listener = api::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = api::Settings {
            srt: Some("127.0.0.1:8890".parse().unwrap()),
            max_plugin_bytes: MAX_PLUGIN_BYTES,
            addresses: || vec![("lo".to_owned(), [127, 0, 0, 1].into())],
            folders: vec![("data_dir", dir.path().to_owned())],
            ..api::Settings::new(address)
        };
        let settings = set(settings);
        let server = tokio::spawn(api::serve(
            listener,
            settings,
            control.clone(),
            context,
            shutdown.clone(),
        ));
        Self {
            address,
            registry,
            control,
            shutdown,
            server,
            _dir: dir,
        }
    }

    pub(crate) fn publish(&self, name: &str) -> Source {
        let (stream, peer) = (name.parse().unwrap(), "127.0.0.1:1".parse().unwrap());
        let (intent, protocol) = (Intent::Publish, Protocol::Srt);
        let ask = Ask::new(stream, intent, protocol, peer);
        self.registry.publish(&Pass::free(ask)).unwrap()
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Answer {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let host = if headers.contains("host:") {
            ""
        } else {
            "host: localhost\r\n"
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses the body may close before it has all of it.
        let _ = socket.write_all(body).await;
        let mut bytes = Vec::new();
        let _ = socket.read_to_end(&mut bytes).await;
        Answer::parse(&bytes)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", b"").await
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    as_sent: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            status,
            head: head.to_lowercase(),
            as_sent: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A header's value as it was sent.
    pub(crate) fn raw_header(&self, name: &str) -> String {
        let lines = self
            .as_sent
            .lines()
            .filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().expect("the header").1.to_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// `plugins/fanout` as its author ships it.
pub(crate) async fn fanout() -> Vec<u8> {
    let desk = tempfile::tempdir().unwrap();
    let output = desk.path().join("fanout.wasm");
    let report = build::build(BuildOptions {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/fanout"),
        output: output.clone(),
        target_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")),
        offline: false,
    });
    report.await.unwrap();
    std::fs::read(output).unwrap()
}
