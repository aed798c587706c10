//! From nothing to a running plugin of every kind in every language, by the program alone.
//!
//! Each kind's three templates take over from each other under one name and one policy, so that
//! every one of them is swapped in for another version while it decides.

use peers::ffmpeg::{Codec, publish};
use peers::herd::Herd;
use peers::{Desk, Host, product, until};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

/// The longest pause at the sink while plugins take over.
const PAUSE: Duration = Duration::from_secs(2);

const LANGS: [&str; 3] = ["rust", "js", "python"];

/// An author who makes a plugin of one kind, and the host that it is for.
struct Author<'a> {
    desk: Desk,
    host: &'a Host,
    kind: &'static str,
}

/// A plugin of the author's.
struct Mine {
    lang: &'static str,
    /// Its folder.
    name: String,
    /// Its component.
    file: String,
}

impl<'a> Author<'a> {
    fn of(kind: &'static str, host: &'a Host) -> Self {
        let desk = Desk::new();
        Self { desk, host, kind }
    }

    /// A plugin from its template as it stands, built and tested.
    fn makes(&self, lang: &'static str) -> Mine {
        let name = format!("{}-in-{lang}", self.kind);
        self.desk
            .run(&["new", &name, "--kind", self.kind, "--lang", lang]);
        let file = format!("{name}.wasm");
        let mine = Mine { lang, name, file };
        self.builds(&mine);
        let fixtures = format!("{}/fixtures", mine.name);
        let tested = self
            .desk
            .run(&["test", &mine.file, "--fixtures", &fixtures]);
        let passed = tested.contains(" 0 failed") && !tested.contains("\n0 passed");
        assert!(passed, "{tested}");
        mine
    }

    fn builds(&self, mine: &Mine) {
        let mut build = vec!["build", &mine.name, "--out", &mine.file];
        let target = product::guests();
        if mine.lang == "rust" {
            build.extend(["--target-dir", target.to_str().unwrap()]);
        }
        self.desk.run(&build);
    }

    /// Its reason is another one from the next build on.
    fn changes(&self, mine: &Mine, reason: &str) {
        let source = match mine.lang {
            "rust" => "src/lib.rs",
            "js" => "policy.js",
            _ => "policy.py",
        };
        let source = self.desk.path(&mine.name).join(source);
        let text = fs::read_to_string(&source).unwrap();
        assert!(text.contains(reason), "{text}");
        fs::write(source, text.replace(reason, SECOND)).unwrap();
    }

    /// Into the running host; SHA-256 of what is active then.
    fn installs(&self, mine: &Mine) -> String {
        let before = self.active();
        let api = &self.host.http.base;
        let install = ["install", "mine", &mine.file, "--api", api];
        assert!(self.desk.run(&install).contains("mine is active"));
        let active = self.active();
        assert!(active.is_string() && active != before, "{}", mine.file);
        active.as_str().unwrap().to_owned()
    }

    /// Of the active version.
    fn active(&self) -> Value {
        let plugin = self.host.http.json("/api/v1/plugins/mine");
        plugin.unwrap_or_default()["sha256"].clone()
    }

    fn binds(&self, streams: &str, config: &Value) {
        let (config, api) = (config.to_string(), &self.host.http.base);
        let bind = ["bind", self.kind, "mine", "--streams", streams];
        let bind = [&bind[..], &["--config", &config, "--api", api]].concat();
        self.desk.run(&bind);
    }

    /// What the version of this hash answers, and no other.
    fn asks(&self, hash: &str, input: &Value, library: &Value) -> Value {
        let trial = self.host.http.dry_run(self.kind, input, library);
        assert_eq!(trial["decided_by"], "plugin", "{trial}");
        assert_eq!(trial["hash"], hash, "{trial}");
        trial["answer"].clone()
    }

    /// Each template after the other, and of each that is built in a moment a second version.
    /// `decides` looks at what the version of a hash decides, and gives its reason; `reason` is
    /// what the templates say.
    fn swaps_through(
        &self,
        streams: &str,
        config: &Value,
        reason: &str,
        decides: impl Fn(&str) -> String,
    ) {
        let mut installed = Vec::new();
        for lang in LANGS {
            let mine = self.makes(lang);
            installed.push(self.installs(&mine));
            if lang == LANGS[0] {
                self.binds(streams, config);
            }
            let why = decides(installed.last().unwrap());
            assert!(why.contains(reason), "{lang}: {why}");
            // Python takes half a minute to build: one second version of it is enough.
            if lang == "python" && self.kind != "selection" {
                continue;
            }
            self.changes(&mine, reason);
            self.builds(&mine);
            installed.push(self.installs(&mine));
            let why = decides(installed.last().unwrap());
            assert!(why.contains(SECOND), "{lang}: {why}");
        }
        let plugin = self.host.http.json("/api/v1/plugins/mine").unwrap();
        // As many as a host keeps.
        let newest = &installed[installed.len() - 5..];
        let versions = plugin["versions"].as_array().unwrap();
        let kept: Vec<_> = versions.iter().map(|it| it["sha256"].clone()).collect();
        assert_eq!(kept, newest);
    }
}

/// What an author's second version says.
const SECOND: &str = "in the second version";

#[test]
fn routing_templates_are_built_and_swapped_while_media_flows() {
    let mut herd = Herd::of(1);
    let host = Host::start(&herd.inputs());
    herd.start(&host);
    let author = Author::of("routing", &host);
    let state = json!({ "stream": "herd/dry" });
    author.swaps_through("herd/*", &json!({}), "is heard", |hash| {
        author.asks(hash, &state, &json!([]));
        // What is asked from now on, this version is asked.
        let calls = || {
            let plugin = host.http.json("/api/v1/plugins/mine").unwrap_or_default();
            plugin["calls"]["total"].as_u64().unwrap_or_default()
        };
        let (before, mut reason) = (calls(), String::new());
        until("the stream is decided for", || {
            let view = host.http.json("/api/v1/streams/herd/0").unwrap_or_default();
            reason = view["reason"].as_str().unwrap_or_default().to_owned();
            let decides = view["decided_by"] == "mine" && view["routing_error"].is_null();
            // The first call since may have begun before.
            decides && calls() > before + 1
        });
        reason
    });
    let api = ["--api", &host.http.base];
    author.desk.run(&[&["logs", "mine"][..], &api].concat());
    let unbind = ["unbind", "routing", "--streams", "herd/*"];
    author.desk.run(&[&unbind[..], &api].concat());
    herd.assert_unharmed(PAUSE);
    host.stop();
}

#[test]
fn selection_templates_are_built_and_swapped() {
    let host = Host::start("");
    let author = Author::of("selection", &host);
    let request = json!({ "channel": "channels/one" });
    let clip = |id: &str, tag: &str, played: u64| json!({ "id": id, "duration_ms": 60_000, "tags": [tag], "last_played_unix_ms": played });
    let library = json!([
        clip("film", "film", 1),
        clip("noon", "news", 3),
        clip("dawn", "news", 2)
    ]);
    author.swaps_through(
        "channels/*",
        &json!({ "tag": "news" }),
        "not played for longest",
        |hash| {
            let clip = author.asks(hash, &request, &library);
            assert_eq!(clip["asset"], "dawn", "{clip}");
            clip["reason"].as_str().unwrap_or_default().to_owned()
        },
    );
    host.stop();
}

#[test]
fn layout_templates_are_built_and_swapped() {
    let host = Host::start("");
    let author = Author::of("layout", &host);
    let source = |id: &str, connected: bool| json!({ "id": id, "connected": connected });
    let scene = json!({
        "name": "wall/lobby", "canvas": { "width": 1_010, "height": 500 },
        "sources": [source("a", true), source("gone", false), source("b", true)],
    });
    author.swaps_through("wall/*", &json!({ "gap": 10 }), "side by side", |hash| {
        let arrangement = author.asks(hash, &scene, &json!([]));
        let tiles = arrangement["tiles"].as_array().unwrap();
        let left = |tile: &Value| (tile["source"].clone(), tile["area"]["x"].as_f64());
        let expected = [("a".into(), Some(0.0)), ("b".into(), Some(510.0))];
        assert_eq!(tiles.iter().map(left).collect::<Vec<_>>(), expected);
        arrangement["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    host.stop();
}

/// The last one on a peer.
fn last_verdict(host: &Host, stream: &str) -> Value {
    let path = format!("/api/v1/decisions?kind=auth&stream={stream}&limit=1");
    host.http.json(&path).unwrap_or_default()["decisions"][0].clone()
}

/// Publishers are let in and turned away by each version in turn.
#[test]
fn auth_templates_are_built_and_swapped() {
    let host = Host::start("");
    let author = Author::of("auth", &host);
    let publishes = |token: &str| {
        json!({ "action": "publish", "protocol": "rtmp", "stream": "live/dry",
                "peer_ip": "192.0.2.7", "token": token })
    };
    author.swaps_through(
        "live/*",
        &json!({ "keys": ["correct-horse"] }),
        "a valid key",
        |hash| {
            let verdict = author.asks(hash, &publishes("wrong-horse"), &json!([]));
            assert_eq!(verdict["allow"], false, "{verdict}");
            let verdict = author.asks(hash, &publishes("correct-horse"), &json!([]));
            assert_eq!(verdict["allow"], true, "{verdict}");
            let stream = format!("live/{}", &hash[..8]);
            let url = host.rtmp_url(&stream);
            let mut refused = publish(Codec::H264, &format!("{url}?key=wrong-horse"));
            until("the publisher with a wrong key is sent away", || {
                !refused.lives()
            });
            let asked = last_verdict(&host, &stream);
            assert_eq!(asked["hash"], hash, "{asked}");
            assert_eq!(asked["answer"]["output"]["allow"], false, "{asked}");
            let _publisher = publish(Codec::H264, &format!("{url}?key=correct-horse"));
            host.await_on_air(&stream);
            let asked = last_verdict(&host, &stream);
            assert_eq!(asked["hash"], hash, "{asked}");
            verdict["reason"].as_str().unwrap_or_default().to_owned()
        },
    );
    host.stop();
}
