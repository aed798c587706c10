//! Many calls at once: there is room for as many instances as are configured, of whatever
//! language, and those beyond wait or are told so.

use crate::common::{Route, fanout, install, make_of, plane_with};
use model::{Answer, Grants, Limits, Question};
use plugin::routing::sample_state;
use plugin::{Call, CallError, Mode, Plugin, auth};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use wasmparser::{Parser, Payload};

/// Calls of all plugins at once.
const INSTANCES: u32 = 8;
/// More than anything takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(120);

const IN_JAVASCRIPT: &str = r#"
import { allow, definePolicy, http } from "@pointsman/sdk";
const url = { type: "string" };
export default definePolicy({
    name: "waiting", version: "1.0.0", grants: ["http:127.0.0.1"],
    configSchema: { type: "object", properties: { url }, required: ["url"] },
    auth: (request, config) => allow(http.fetch(config.url).text()),
});
"#;

const IN_PYTHON: &str = r#"
from dataclasses import dataclass
from pointsman_sdk import AuthRequest, Policy, Verdict, http

policy = Policy(
    name="waiting", version="1.0.0", grants=["http:127.0.0.1"],
    config_schema={"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]},
)


@dataclass
class Config:
    url: str


@policy.auth
def authorize(request: AuthRequest, config: Config) -> Verdict:
    return Verdict.allowed(http.fetch(config.url).text())
"#;

/// A web server that answers nobody until it is opened.
struct Gate {
    port: u16,
    waiting: watch::Receiver<usize>,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gate {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, waiting) = watch::channel(0);
        let (open, opened) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut peers = JoinSet::new();
            while let Ok((peer, _)) = listener.accept().await {
                peers.spawn(serve(peer, count.clone(), opened.clone()));
            }
        });
        Self {
            port,
            waiting,
            open,
            task,
        }
    }

    /// Until so many wait here at once.
    async fn holds(&mut self, wanted: usize) {
        let held = self.waiting.wait_for(|waiting| *waiting == wanted);
        let held = tokio::time::timeout(PATIENCE, held).await.map(drop);
        held.unwrap_or_else(|_| panic!("{} of {wanted} came", *self.waiting.borrow()));
    }
}

async fn serve(
    mut peer: TcpStream,
    waiting: watch::Sender<usize>,
    mut opened: watch::Receiver<bool>,
) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match peer.read_buf(&mut read).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    waiting.send_modify(|waiting| *waiting += 1);
    if opened.wait_for(|open| *open).await.is_ok() {
        let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nopen";
        let _ = peer.write_all(answer).await;
    }
}

/// A policy of one file.
async fn scripted(file: &str, text: &str) -> Arc<[u8]> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), text).unwrap();
    make_of(folder.path()).await
}

/// What the gate told a policy that asks there.
async fn ask_gate(plugin: Plugin, port: u16) -> Result<String, CallError> {
    let url = format!("http://127.0.0.1:{port}/");
    let config = plugin.config("test", &json!({ "url": url })).unwrap();
    let question = Question::Auth(auth::sample_request());
    let call = Call {
        question: &question,
        config: &config,
        library: None,
        mode: Mode::Live,
    };
    match plugin.decide(call).await.result? {
        Answer::Auth(verdict) => Ok(verdict.reason),
        other => panic!("{other:?}"),
    }
}

async fn route(plugin: &Plugin) -> Result<(), CallError> {
    let config = plugin.config("test", &json!({})).unwrap();
    plugin.route(&sample_state(), &config).await.map(drop)
}

fn patient() -> Limits {
    Limits {
        deadline_ms: PATIENCE.as_millis() as u64,
        http_ms: PATIENCE.as_millis() as u64,
        memory_bytes: 64 << 20,
        instances: INSTANCES,
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_policies_run_at_once_as_are_configured_and_the_next_waits_or_is_told() {
    let (plugins, _dir) = plane_with(|settings| {
        settings.limits.instances = INSTANCES;
        settings.limits.default = patient();
        let hasty = Limits {
            deadline_ms: 50,
            ..patient()
        };
        settings.limits.named = [("hasty".parse().unwrap(), hasty)].into();
        let here = || Grants {
            http: Vec::new(),
            private: vec!["127.0.0.1".parse().unwrap()],
        };
        settings.grants = ["js", "python"]
            .map(|name| (name.parse().unwrap(), here()))
            .into();
    })
    .await;
    let js = scripted("policy.js", IN_JAVASCRIPT).await;
    let python = scripted("policy.py", IN_PYTHON).await;
    for (name, component) in [
        ("js", js),
        ("python", python),
        ("hasty", fanout().await),
        ("next", fanout().await),
    ] {
        install(&plugins, name, component).await.unwrap();
    }
    let get = |name| plugins.get(name).unwrap();
    let mut gate = Gate::start().await;
    let mut calls = JoinSet::new();
    for _ in 0..INSTANCES / 2 {
        calls.spawn(ask_gate(get("js"), gate.port));
        calls.spawn(ask_gate(get("python"), gate.port));
    }
    gate.holds(INSTANCES as usize).await;

    // Each of them has an instance now, and there is none left.
    assert_eq!(route(&get("hasty")).await.unwrap_err().code(), "busy");
    let next = get("next");
    let next = tokio::spawn(async move { route(&next).await });
    gate.open.send_replace(true);
    while let Some(call) = calls.join_next().await {
        assert_eq!(call.unwrap(), Ok("open".to_owned()));
    }
    assert_eq!(next.await.unwrap(), Ok(()));
    assert_eq!(
        get("js").stats().failed() + get("python").stats().failed(),
        0
    );
}

/// The one before must have given back what it took of the pool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_room_finds_it_free() {
    let (plugins, _dir) = plane_with(|settings| {
        settings.limits.instances = 1;
        settings.limits.default = patient();
    })
    .await;
    let mut callers = JoinSet::new();
    for name in ["p", "q", "r"] {
        install(&plugins, name, fanout().await).await.unwrap();
        let plugin = plugins.get(name).unwrap();
        callers.spawn(async move {
            for _ in 0..2_000 {
                route(&plugin).await.unwrap();
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
}

/// Of the dozen that componentize-qjs makes: the engine with the policy, and what the host's
/// functions need to be given its memory.
#[tokio::test]
async fn a_policy_in_javascript_is_built_of_three_core_modules_at_most() {
    let component = scripted("policy.js", IN_JAVASCRIPT).await;
    let payloads = Parser::new(0).parse_all(&component).map(Result::unwrap);
    let modules = payloads.filter(|it| matches!(it, Payload::ModuleSection { .. }));
    assert!(modules.count() <= 3);
}
