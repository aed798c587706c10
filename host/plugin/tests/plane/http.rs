//! Requests of plugins: who may reach whom, and what comes back.

use crate::common::{install, plane_with, probe};
use model::{Answer, Grants, HostRule, Label, Question};
use parking_lot::Mutex;
use plugin::{Call, Mode, Outcome, Plugin, auth};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A web server of this machine. Its paths say what it answers.
struct Server {
    port: u16,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

/// What a server was asked, and what it waits for.
#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    /// Told when `/late` is asked for.
    late: Notify,
    /// `/late` is answered once this is told.
    answer_late: Notify,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Ok((peer, _)) = listener.accept().await {
                    tokio::spawn(serve(peer, Arc::clone(&seen)));
                }
            }
        });
        Self { port, seen, task }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// What was asked, in order, and forgotten then.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.requests.lock())
    }
}

async fn serve(mut peer: TcpStream, seen: Arc<Seen>) {
    let mut read = Vec::new();
    let mut buffer = [0; 4_096];
    // Small enough for one read after the head.
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        match peer.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
        }
    }
    let request = String::from_utf8_lossy(&read).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.requests.lock().push(request);
    let _ = answer(&mut peer, &path, &seen).await;
}

async fn answer(peer: &mut TcpStream, path: &str, seen: &Seen) -> std::io::Result<()> {
    let close = "Connection: close\r\n";
    let text = if let Some(target) = path.strip_prefix("/to/") {
        format!("HTTP/1.1 303 See Other\r\nLocation: {target}\r\n{close}Content-Length: 0\r\n\r\n")
    } else if let Some(hops) = path.strip_prefix("/hops/") {
        match hops.parse::<u32>() {
            Ok(0) | Err(_) => format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 5\r\n\r\nthere"),
            Ok(left) => {
                let next = left - 1;
                format!(
                    "HTTP/1.1 302 Found\r\nLocation: /hops/{next}\r\n{close}Content-Length: 0\r\n\r\n"
                )
            }
        }
    } else {
        match path {
            "/announced-big" => format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 300000\r\n\r\n"),
            "/big" => {
                let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
                format!(
                    "HTTP/1.1 200 OK\r\n{close}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                    chunk.repeat(20)
                )
            }
            "/late" => {
                seen.late.notify_one();
                seen.answer_late.notified().await;
                format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 4\r\n\r\nlate")
            }
            "/never" => {
                peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
                    .await?;
                std::future::pending::<()>().await;
                String::new()
            }
            "/broken" => "HTTP/1.1 2".to_owned(),
            "/not-found" => {
                format!("HTTP/1.1 404 Not Found\r\n{close}Content-Length: 4\r\n\r\ngone")
            }
            _ => format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 5\r\n\r\nhello"),
        }
    };
    peer.write_all(text.as_bytes()).await
}

fn rules(hosts: &[&str]) -> Vec<HostRule> {
    hosts.iter().map(|host| host.parse().unwrap()).collect()
}

/// The probe, with hosts granted at public addresses and wherever they are.
async fn probed(http: &[&str], private: &[&str], http_ms: u64) -> (Plugin, TempDir) {
    let name: Label = "probe".parse().unwrap();
    let granted = Grants {
        http: rules(http),
        private: rules(private),
    };
    let (plugins, dir) = plane_with(|settings| {
        settings.grants = BTreeMap::from([(name, granted)]);
        settings.limits.default.http_ms = http_ms;
    })
    .await;
    install(&plugins, "probe", probe().await).await.unwrap();
    (plugins.get("probe").unwrap(), dir)
}

const LONG: u64 = 20_000;

async fn decide(plugin: &Plugin, steps: Value, mode: Mode) -> Outcome {
    let config = plugin.config("test", &json!({ "steps": steps })).unwrap();
    let question = Question::Auth(auth::sample_request());
    let call = Call {
        question: &question,
        config: &config,
        library: None,
        mode,
    };
    plugin.decide(call).await
}

fn answers(outcome: &Outcome) -> Vec<String> {
    match outcome.result.as_ref().unwrap() {
        Answer::Auth(verdict) => verdict.attributes.values().cloned().collect(),
        other => panic!("{other:?}"),
    }
}

async fn fetch(plugin: &Plugin, url: &str) -> String {
    let outcome = decide(plugin, json!([{ "fetch": { "url": url } }]), Mode::Live).await;
    answers(&outcome).pop().unwrap()
}

#[tokio::test]
async fn a_host_is_reached_only_if_the_operator_allows_it() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&[], &["127.0.0.1"], LONG).await;
    assert_eq!(
        fetch(&plugin, &server.url("127.0.0.1", "/")).await,
        "200 hello"
    );
    assert_eq!(
        fetch(&plugin, &server.url("127.0.0.1", "/not-found")).await,
        "404 gone"
    );
    assert_eq!(server.asked().len(), 2);
    for url in [
        server.url("localhost", "/"),
        "https://example.com/".to_owned(),
    ] {
        let denied = fetch(&plugin, &url).await;
        assert!(
            denied.starts_with("Denied") && denied.contains("does not allow"),
            "{denied}"
        );
    }
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn private_addresses_are_out_of_reach_however_they_are_written() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&["*"], &[], LONG).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0.0.0.0",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "[fe80::1]",
    ] {
        let denied = fetch(&plugin, &server.url(host, "/")).await;
        let told = denied.starts_with("Denied") && denied.contains("not on the public Internet");
        assert!(told, "{host}: {denied}");
    }
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn a_name_may_be_granted_as_private() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&["127.0.0.1"], &["localhost"], LONG).await;
    assert_eq!(
        fetch(&plugin, &server.url("localhost", "/")).await,
        "200 hello"
    );
    // The same address by another name is not what was granted.
    let denied = fetch(&plugin, &server.url("127.0.0.1", "/")).await;
    assert!(denied.contains("not on the public Internet"), "{denied}");
}

#[tokio::test]
async fn redirects_are_checked_like_the_first_request() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&["localhost"], &["127.0.0.1"], LONG).await;
    for (target, why) in [
        (
            server.url("localhost", "/secret"),
            "not on the public Internet",
        ),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "does not allow",
        ),
        ("file:///etc/passwd".to_owned(), "use http or https"),
        ("http://user:word@127.0.0.1/".to_owned(), "user or password"),
    ] {
        let refused = fetch(&plugin, &server.url("127.0.0.1", &format!("/to/{target}"))).await;
        assert!(refused.contains(why), "{target}: {refused}");
        assert_eq!(server.asked().len(), 1, "{target} was asked");
    }
    assert!(
        fetch(&plugin, &server.url("127.0.0.1", "/hops/4"))
            .await
            .starts_with("200")
    );
    let refused = fetch(&plugin, &server.url("127.0.0.1", "/hops/5")).await;
    assert!(refused.contains("more than 4 times"), "{refused}");
}

#[tokio::test]
async fn secrets_do_not_follow_a_redirect_to_another_origin() {
    let (first, second) = (Server::start().await, Server::start().await);
    let (plugin, _dir) = probed(&[], &["127.0.0.1"], LONG).await;
    let target = second.url("127.0.0.1", "/");
    let post = json!([{ "fetch": {
        "method": "POST", "url": first.url("127.0.0.1", &format!("/to/{target}")),
        "headers": [["Authorization", "Bearer s3cret"], ["X-Trace", "7"]], "body": "hidden",
    } }]);
    assert_eq!(
        answers(&decide(&plugin, post, Mode::Live).await),
        ["200 hello"]
    );
    let (first, second) = (first.asked().remove(0), second.asked().remove(0));
    assert!(
        first.starts_with("POST") && first.contains("s3cret"),
        "{first}"
    );
    assert!(
        second.starts_with("GET") && second.contains("x-trace: 7"),
        "{second}"
    );
    assert!(
        !second.contains("s3cret") && !second.contains("hidden"),
        "{second}"
    );
}

#[tokio::test]
async fn answers_are_bounded_in_size() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&[], &["127.0.0.1"], LONG).await;
    for path in ["/big", "/announced-big"] {
        assert_eq!(
            fetch(&plugin, &server.url("127.0.0.1", path)).await,
            "TooBig"
        );
    }
    let broken = fetch(&plugin, &server.url("127.0.0.1", "/broken")).await;
    assert!(broken.starts_with("Failed"), "{broken}");
}

/// Has the probe ask for `/late`, and take a step after it. The answer comes once another call,
/// which began later, has used up all the time that a call may run.
async fn decide_with_a_late_answer(plugin: &Plugin, server: &Server, then: &str) -> Outcome {
    let url = server.url("127.0.0.1", "/late");
    let steps = json!([{ "fetch": { "url": url } }, then]);
    let meanwhile = async {
        server.seen.late.notified().await;
        let cut = decide(plugin, json!(["loop"]), Mode::Live).await;
        assert_eq!(cut.result.unwrap_err().code(), "deadline");
        server.seen.answer_late.notify_one();
    };
    tokio::join!(decide(plugin, steps, Mode::Live), meanwhile).0
}

#[tokio::test]
async fn a_calls_deadline_stands_still_while_it_waits() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&[], &["127.0.0.1"], LONG).await;
    let outcome = decide_with_a_late_answer(&plugin, &server, "now").await;
    assert_eq!(answers(&outcome)[0], "200 late");
    // And it goes on where it stood: whoever loops after it is cut off.
    let outcome = decide_with_a_late_answer(&plugin, &server, "loop").await;
    assert_eq!(outcome.result.unwrap_err().code(), "deadline");
}

#[tokio::test]
async fn requests_are_given_up_at_their_own_limit_and_at_the_calls() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&[], &["127.0.0.1"], 300).await;
    let never = server.url("127.0.0.1", "/never");
    let steps = json!([
        { "fetch": { "url": never, "timeout_ms": 50 } },
        { "fetch": { "url": never } },
        // Nothing is left for this one.
        { "fetch": { "url": server.url("127.0.0.1", "/") } },
    ]);
    let outcome = decide(&plugin, steps, Mode::Live).await;
    assert_eq!(answers(&outcome), ["Timeout", "Timeout", "Timeout"]);
    assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
}

#[tokio::test]
async fn a_trial_sends_requests_and_a_replay_does_not() {
    let server = Server::start().await;
    let (plugin, _dir) = probed(&[], &["127.0.0.1"], LONG).await;
    assert_eq!(server.asked(), [""; 0], "the installation asked");
    let url = server.url("127.0.0.1", "/");
    let steps =
        json!([{ "fetch": { "url": url } }, { "fetch": { "url": server.url("localhost", "/") } }]);
    let tried = decide(&plugin, steps.clone(), Mode::Trial).await;
    assert_eq!(
        (answers(&tried)[0].as_str(), server.asked().len()),
        ("200 hello", 1)
    );
    let tape = serde_json::to_string(&tried.tape).unwrap();
    let tape = Arc::new(serde_json::from_str(&tape).unwrap());
    let replayed = decide(&plugin, steps.clone(), Mode::Replay(tape)).await;
    assert_eq!(answers(&replayed), answers(&tried));
    let blank = decide(&plugin, steps, Mode::Replay(Arc::default())).await;
    assert!(answers(&blank)[0].contains("not sent"), "{blank:?}");
    assert_eq!(server.asked(), [""; 0]);
}

/// Set for the child that [`without_the_systems_certificates_only_https_fails`] is run by.
const CHILD: &str = "POINTSMAN_TEST_WITHOUT_CERTIFICATES";

/// Where certificates are is the environment's to say, which belongs to the whole process.
#[tokio::test]
async fn without_the_systems_certificates_only_https_fails() {
    if std::env::var_os(CHILD).is_none() {
        let this = "http::without_the_systems_certificates_only_https_fails";
        let child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(CHILD, "1")
            .env("SSL_CERT_FILE", "/dev/null")
            .env("SSL_CERT_DIR", "/dev/null")
            .output();
        let output = child.await.unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}");
        assert!(told.contains("1 passed"), "{told}");
        return;
    }
    let server = Server::start().await;
    let (plugin, _dir) = probed(&["example.com"], &["127.0.0.1"], LONG).await;
    let plain = fetch(&plugin, &server.url("127.0.0.1", "/")).await;
    assert_eq!(plain, "200 hello");
    let refused = fetch(&plugin, "https://example.com/").await;
    assert!(
        refused.contains("ca-certificates") && refused.contains("SSL_CERT_FILE"),
        "{refused}"
    );
}
