//! Decisions over the API: why is this so, what would be, and how would another policy decide.

use peers::{Host, ports, product, until, until_some};
use serde_json::{Value, json};

/// A host with the guest that answers what its configuration says, installed as `scripted`.
fn host_with_scripted() -> Host {
    let host = Host::start("");
    let component = product::component("host/control/tests/scripted");
    let (status, answer) = host.http.put_plugin("scripted", &component);
    assert_eq!(status, 200, "{answer}");
    host
}

fn bind(host: &Host, kind: &str, policy: &Value) {
    let (status, answer) = host
        .http
        .put_json(&format!("/api/v1/policies/{kind}"), policy);
    assert_eq!(status, 200, "{answer}");
}

fn decisions(host: &Host, query: &str) -> Vec<Value> {
    let document = host.http.json(&format!("/api/v1/decisions?{query}"));
    let document = document.unwrap_or_default();
    assert!(document["history_error"].is_null(), "{document}");
    document["decisions"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// Asks to watch a stream that nobody feeds: whoever is let in is told so, with 404.
fn asks_to_watch(host: &Host, stream: &str, token: &str) -> u16 {
    let path = format!("/hls/{stream}/index.m3u8?token={token}");
    host.http.get(&path).unwrap().0
}

#[test]
fn why_a_stream_is_as_it_is_is_told_by_its_decisions() {
    let input = |name: &str| {
        let (way_in, way_out) = (ports::free(), ports::free());
        format!(
            "[[inputs]]\nname = \"{name}\"\nsources = [{{ type = \"udp\", address = \"127.0.0.1:{way_in}\" }}]\n\
             [[inputs.outputs]]\nname = \"sink\"\nurl = \"udp://127.0.0.1:{way_out}\"\n"
        )
    };
    let policy = "[[policies]]\nkind = \"routing\"\nplugin = \"fanout\"\nstreams = \"live/*\"\n";
    let host = Host::start(&format!("{policy}{}{}", input("live/a"), input("live/b")));
    let decided = until_some("the start of an output is logged", || {
        let all = decisions(&host, "stream=live/b");
        all.into_iter()
            .find(|it| it["changes"].as_array().is_some_and(|it| !it.is_empty()))
    });
    let plugin = host.http.json("/api/v1/plugins/fanout").unwrap();
    assert_eq!(decided["hash"], plugin["sha256"]);
    assert_eq!(decided["version"], plugin["version"]);
    let expected = json!({"kind": "routing", "stream": "live/b", "decided_by": "plugin",
        "plugin": "fanout", "pattern": "live/*", "mode": "active", "config": {}, "error": null});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&decided[key], value, "{key}: {decided}");
    }
    assert_eq!(decided["question"]["input"]["stream"], "live/b");
    let outputs = &decided["answer"]["output"]["outputs"];
    assert_eq!(outputs[0]["name"], "sink", "{decided}");
    assert!(decided["duration_us"].as_u64() > Some(0), "{decided}");
    assert_eq!(decided["config_hash"].as_str().map(str::len), Some(64));

    let of_one = decisions(&host, "stream=live/b&limit=10000");
    assert!(
        of_one.iter().all(|it| it["stream"] == "live/b"),
        "{of_one:?}"
    );
    let of_all = decisions(&host, "limit=10000");
    assert!(of_all.iter().any(|it| it["stream"] == "live/a"));
    assert_eq!(
        decisions(&host, "stream=live/b&failed=true"),
        [Value::Null; 0]
    );
    assert_eq!(
        decisions(&host, "stream=live/b&kind=auth"),
        [Value::Null; 0]
    );
    exported_line_by_line(&host);
    host.stop();
}

/// Page by page, and as JSON lines, it is all the same.
fn exported_line_by_line(host: &Host) {
    let all = decisions(host, "stream=live/b&limit=10000");
    let last = all.last().unwrap()["id"].as_u64().unwrap();
    let (mut paged, mut after) = (Vec::new(), 0);
    while after < last {
        let query = format!("stream=live/b&after={after}&limit=1");
        let page = decisions(host, &query);
        assert_eq!(page.len(), 1, "after {after}");
        after = page[0]["id"].as_u64().unwrap();
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let path = format!(
        "/api/v1/decisions?stream=live/b&format=jsonl&limit={}",
        all.len()
    );
    let (status, text) = host.http.get(&path).unwrap();
    assert_eq!(status, 200, "{text}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids = |all: &[Value]| all.iter().map(|it| it["id"].as_u64()).collect::<Vec<_>>();
    // New ones may have come meanwhile.
    let known: Vec<_> = lines
        .iter()
        .filter(|it| it["id"].as_u64() <= Some(last))
        .cloned()
        .collect();
    assert!(
        !known.is_empty() && all.ends_with(&known),
        "{:?}",
        ids(&lines)
    );
}

/// What each kind is asked in a dry run, its answer to that by `scripted`, and where the answer is
/// to be found.
fn dry_runs() -> [(&'static str, Value, Value); 4] {
    let source = |id: &str| json!({ "id": id, "connected": true });
    let area = json!({ "x": 1.0, "y": 2.0, "width": 30.0, "height": 40.0 });
    [
        (
            "routing",
            json!({ "stream": "live/dry" }),
            json!({ "plan": { "on_air": "main", "reason": "as told" } }),
        ),
        (
            "selection",
            json!({ "channel": "channels/dry" }),
            json!({ "clip": { "asset": "a", "start_ms": 5, "reason": "as told" } }),
        ),
        (
            "layout",
            json!({ "name": "wall/dry", "canvas": { "width": 640, "height": 360 },
                    "sources": [source("a"), source("b")] }),
            json!({ "arrangement": { "tiles": [{ "source": "a", "area": area, "alpha": 1.0 }],
                    "reason": "as told" } }),
        ),
        (
            "auth",
            json!({ "action": "publish", "protocol": "srt", "stream": "live/dry",
                    "peer_ip": "192.0.2.7", "token": "good" }),
            json!({ "verdicts": { "good": { "allow": true, "reason": "as told" } } }),
        ),
    ]
}

fn library() -> Value {
    json!([{ "id": "a", "duration_ms": 10_000, "last_played_unix_ms": 2 },
           { "id": "b", "duration_ms": 10_000, "last_played_unix_ms": 1 }])
}

#[test]
fn a_dry_run_of_each_kind_tells_what_would_be_and_leaves_no_trace() {
    let host = host_with_scripted();
    for (kind, input, _) in dry_runs() {
        let trial = host.http.dry_run(kind, &input, &library());
        assert_eq!(trial["decided_by"], "built_in", "{kind}: {trial}");
    }
    for (kind, input, config) in dry_runs() {
        bind(
            &host,
            kind,
            &json!({ "plugin": "scripted", "config": config }),
        );
        let trial = host.http.dry_run(kind, &input, &library());
        let by = (&trial["decided_by"], &trial["plugin"], &trial["error"]);
        assert_eq!(
            by,
            (&"plugin".into(), &"scripted".into(), &Value::Null),
            "{trial}"
        );
        assert_eq!(trial["answer"]["reason"], "as told", "{kind}: {trial}");
    }
    // The API's own requests are asked about, too, but not from this machine.
    assert_eq!(decisions(&host, "stream=live/dry"), [Value::Null; 0]);
    assert_eq!(host.http.metric("pointsman_decisions_total", "auth"), 0.0);
    assert_eq!(host.http.metric("pointsman_decisions_total", "layout"), 0.0);
    let path = "/api/v1/policies/layout/decide";
    let (status, problem) = host
        .http
        .post_json(path, &json!({ "input": { "name": 7 } }));
    assert_eq!(
        (status, &problem["type"]),
        (422, &"/problems/invalid-body".into())
    );
    host.stop();
}

/// Answers that name what is not there or cannot be are not made true, and the cause is told.
#[test]
fn impossible_answers_of_each_kind_give_way_to_what_holds_without_a_policy() {
    let host = host_with_scripted();
    let tile = |source: &str, width: f64| {
        let area = json!({ "x": -5.0, "y": 0.0, "width": width, "height": 36.0 });
        json!({ "source": source, "area": area, "alpha": 1.0 })
    };
    let tiles = |tiles: &[Value]| json!({ "arrangement": { "tiles": tiles } });
    for (kind, config, by, code) in [
        (
            "layout",
            tiles(&[tile("a", -64.0)]),
            "built_in",
            "bad-result",
        ),
        ("layout", tiles(&[tile("a", 0.0)]), "built_in", "bad-result"),
        (
            "selection",
            json!({ "clip": { "asset": "ghost" } }),
            "built_in",
            "unusable",
        ),
        (
            "selection",
            json!({ "clip": { "asset": "a", "start_ms": 10_000 } }),
            "built_in",
            "unusable",
        ),
        (
            "auth",
            json!({ "error": "the list is gone" }),
            "denied",
            "refused",
        ),
        ("routing", json!({ "hang": true }), "built_in", "deadline"),
    ] {
        bind(
            &host,
            kind,
            &json!({ "plugin": "scripted", "config": config }),
        );
        let (_, input, _) = dry_runs().into_iter().find(|it| it.0 == kind).unwrap();
        let trial = host.http.dry_run(kind, &input, &library());
        let told = (&trial["decided_by"], &trial["error"]["code"]);
        assert_eq!(told, (&by.into(), &code.into()), "{config}: {trial}");
        assert!(!trial["error"]["message"].as_str().unwrap().is_empty());
    }
    // What can be done of an answer is done.
    let config = tiles(&[tile("ghost", 64.0), tile("a", 64.0)]);
    bind(
        &host,
        "layout",
        &json!({ "plugin": "scripted", "config": config }),
    );
    let (_, scene, _) = dry_runs().into_iter().find(|it| it.0 == "layout").unwrap();
    let trial = host.http.dry_run("layout", &scene, &json!([]));
    assert_eq!(
        trial["answer"]["tiles"].as_array().map(Vec::len),
        Some(1),
        "{trial}"
    );
    assert!(
        trial["refused"][0].as_str().unwrap().contains("ghost"),
        "{trial}"
    );

    let hostile = product::component("host/plugin/tests/hostile");
    assert_eq!(host.http.put_plugin("hostile", &hostile).0, 200);
    for (kind, told) in [
        ("layout", "NaN"),
        ("selection", "start"),
        ("auth", "passwd"),
    ] {
        let policy = json!({ "plugin": "hostile", "config": { "act": "impossible" } });
        bind(&host, kind, &policy);
        let (_, input, _) = dry_runs().into_iter().find(|it| it.0 == kind).unwrap();
        let trial = host.http.dry_run(kind, &input, &library());
        assert_eq!(trial["error"]["code"], "bad-result", "{kind}: {trial}");
        let message = trial["error"]["message"].as_str().unwrap();
        assert!(message.contains(told), "{kind}: {message}");
        assert_ne!(trial["decided_by"], "plugin", "{kind}: {trial}");
    }
    host.stop();
}

fn auth_policy(mode: &str, verdicts: &Value) -> Value {
    let percent = (mode == "canary").then_some(50);
    json!({ "plugin": "scripted", "streams": "live/*", "mode": mode, "percent": percent,
            "config": { "verdicts": verdicts } })
}

/// How the one that is tried compares so far.
fn comparison(host: &Host, mode: &str) -> Value {
    let policies = host.http.json("/api/v1/policies").unwrap_or_default();
    let all = policies["policies"].as_array().cloned().unwrap_or_default();
    let of_mode = all.into_iter().find(|it| it["mode"] == mode);
    of_mode.unwrap_or_default()["comparison"].clone()
}

#[test]
fn a_shadow_decides_nothing_and_its_differences_are_shown() {
    let host = host_with_scripted();
    let yes = json!({ "allow": true });
    bind(
        &host,
        "auth",
        &auth_policy("active", &json!({ "good": yes, "odd": yes })),
    );
    bind(
        &host,
        "auth",
        &auth_policy("shadow", &json!({ "good": yes })),
    );
    for (n, (stream, token)) in [("live/a", "good"), ("live/a", "odd"), ("live/b", "odd")]
        .into_iter()
        .enumerate()
    {
        assert_eq!(
            asks_to_watch(&host, stream, token),
            404,
            "let in by the active one"
        );
        // One after the other, so that none is skipped.
        until("it is compared", || {
            comparison(&host, "shadow")["compared"] == n + 1
        });
    }
    let shown = comparison(&host, "shadow");
    let counts = ["compared", "differing", "failed", "skipped"].map(|key| shown[key].as_u64());
    assert_eq!(counts, [3, 2, 0, 0].map(Some), "{shown}");
    let difference = &shown["differences"][1];
    assert_eq!(difference["subject"], "live/b");
    assert_eq!(difference["active"]["output"]["allow"], true, "{shown}");
    assert_eq!(difference["tried"]["output"]["allow"], false, "{shown}");
    let differing = host
        .http
        .metric("pointsman_policy_differing_total", "mode=\"shadow\"");
    assert_eq!(differing, 2.0);
    let logged = decisions(&host, "kind=auth");
    assert!(logged.iter().all(|it| it["mode"] == "active"), "{logged:?}");
    host.stop();
}

#[test]
fn a_canary_decides_for_its_share_of_the_streams() {
    const STREAMS: u64 = 40;
    let host = host_with_scripted();
    let yes = json!({ "allow": true });
    bind(
        &host,
        "auth",
        &auth_policy("active", &json!({ "odd": yes })),
    );
    bind(&host, "auth", &auth_policy("canary", &json!({})));
    let streams = || (0..STREAMS).map(|n| format!("live/cam{n}"));
    let let_in: Vec<_> = streams()
        .map(|stream| asks_to_watch(&host, &stream, "odd") == 404)
        .collect();
    let by_canary = let_in.iter().filter(|let_in| !**let_in).count() as u64;
    assert!((8..=32).contains(&by_canary), "{by_canary} of {STREAMS}");
    let again = streams().map(|stream| asks_to_watch(&host, &stream, "odd") == 404);
    assert!(again.eq(let_in), "always the same streams");
    let logged = decisions(&host, "kind=auth&limit=1000");
    for decision in &logged {
        let denied = decision["answer"]["output"]["allow"] == false;
        let mode = if denied { "canary" } else { "active" };
        assert_eq!(decision["mode"], mode, "{decision}");
    }
    let asked_canary = logged.iter().filter(|it| it["mode"] == "canary").count() as u64;
    until("they are compared", || {
        let shown = comparison(&host, "canary");
        let count = |key: &str| shown[key].as_u64().unwrap_or_default();
        count("differing") + count("skipped") == asked_canary
    });
    assert!(comparison(&host, "canary")["differing"].as_u64() > Some(0));
    host.stop();
}
