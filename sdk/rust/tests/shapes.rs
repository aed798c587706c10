//! The JSON form of questions and answers is the host's own: what the decision log holds can be
//! given to a policy in a native test, and the other way round.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so.

use pointsman_sdk::testing::{Answer, Question};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Reads a text as the host's type and as the SDK's, and has both write it again.
fn both<Host, Sdk>(text: &Value) -> (Value, Value)
where
    Host: Serialize + DeserializeOwned,
    Sdk: Serialize + DeserializeOwned,
{
    let host: Host = serde_json::from_value(text.clone()).unwrap();
    let sdk: Sdk = serde_json::from_value(text.clone()).unwrap();
    (
        serde_json::to_value(host).unwrap(),
        serde_json::to_value(sdk).unwrap(),
    )
}

#[track_caller]
fn same<Host, Sdk>(text: &Value)
where
    Host: Serialize + DeserializeOwned,
    Sdk: Serialize + DeserializeOwned,
{
    let (host, sdk) = both::<Host, Sdk>(text);
    assert_eq!(host, sdk);
}

/// Every field, none with its default.
fn full_questions() -> [Value; 4] {
    let pairs = json!({"b": "2", "a": "1"});
    [
        json!({"kind": "routing", "input": {
            "stream": "live/cam1", "now_unix_ms": 1, "utc_offset_minutes": -720, "labels": pairs,
            "sources": [{
                "id": "main", "protocol": "srt", "connected": true, "on_air": true,
                "bitrate_bps": 2, "packet_age_ms": 3, "continuity_errors": 4, "uptime_ms": 5,
                "video": {"codec": "h264", "width": 6, "height": 7, "fps_milli": 8, "attributes": pairs},
                "audio": {"codec": "aac", "sample_rate_hz": 9, "channels": 10, "attributes": pairs},
                "attributes": pairs,
            }],
            "outputs": [{
                "name": "archive", "url": "udp://h:1", "declared": true, "enabled": true,
                "state": "live", "since_unix_ms": 11, "attempt": 12, "bitrate_bps": 13,
                "drops": 14, "attributes": pairs,
            }],
            "readers": 15, "attributes": pairs,
        }}),
        json!({"kind": "selection", "input": {
            "channel": "channels/one", "now_unix_ms": 1, "utc_offset_minutes": 840,
            "starts_unix_ms": 2, "wanted_ms": 3,
            "history": [{"asset": "a", "start_ms": 4, "end_ms": 5, "at_unix_ms": 6}],
            "labels": pairs, "attributes": pairs,
        }}),
        json!({"kind": "layout", "input": {
            "name": "wall/lobby", "now_unix_ms": 1, "utc_offset_minutes": 2,
            "canvas": {
                "width": 3, "height": 4, "fps_milli": 5,
                "screens": [{
                    "id": "left", "area": {"x": 0.5, "y": 1.5, "width": 2.5, "height": 3.5},
                    "row": 6, "column": 7,
                    "bezel": {"left": 0.25, "top": 1.25, "right": 2.25, "bottom": 3.25},
                }],
                "attributes": pairs,
            },
            "sources": [{
                "id": "a", "title": "A", "connected": true, "width": 8, "height": 9,
                "audio_level_db": -12.5, "labels": pairs, "attributes": pairs,
            }],
            "tiles": [full_tile()],
            "since_unix_ms": 10, "attributes": pairs,
        }}),
        json!({"kind": "auth", "input": {
            "action": "api", "protocol": "http", "stream": "live/cam1", "peer_ip": "2001:db8::7",
            "peer_port": 1, "user": "anna", "token": "t", "query": [["a", "1"], ["a", "2"]],
            "now_unix_ms": 2, "renewal": true, "attributes": pairs,
        }}),
    ]
}

fn full_answers() -> [Value; 4] {
    let pairs = json!({"b": "2", "a": "1"});
    [
        json!({"kind": "routing", "output": {
            "on_air": "main", "failover": ["spare"], "slate": "slate",
            "outputs": [{"name": "a", "url": "udp://h:1", "params": pairs, "attributes": pairs}],
            "serve": ["hls"], "labels": pairs,
            "alerts": [
                {"code": "a", "severity": "info", "message": "m"},
                {"code": "b", "severity": "warning", "message": "m"},
                {"code": "c", "severity": "critical", "message": "m"},
            ],
            "reason": "r", "attributes": pairs,
        }}),
        json!({"kind": "selection", "output": {
            "asset": "a", "start_ms": 1, "end_ms": 2, "reason": "r", "attributes": pairs,
        }}),
        json!({"kind": "layout", "output": {
            "tiles": [full_tile()], "reason": "r", "attributes": pairs,
        }}),
        json!({"kind": "auth", "output": {
            "allow": true, "reason": "r", "stream": "live/b", "max_bitrate_bps": 1,
            "max_duration_ms": 2, "max_readers": 3, "ttl_ms": 4, "attributes": pairs,
        }}),
    ]
}

fn full_tile() -> Value {
    json!({
        "source": "a", "part": {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4},
        "area": {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0}, "z": -1, "rotation": 90,
        "alpha": 0.5, "border": {"width": 5, "rgba": 6}, "attributes": {"k": "v"},
    })
}

#[test]
fn every_field_has_the_hosts_name_and_form() {
    for question in full_questions() {
        same::<model::decision::Question, Question>(&question);
        // Nothing was dropped on the way: what comes back is what went in.
        let (host, _) = both::<model::decision::Question, Question>(&question);
        assert_eq!(host, question);
    }
    for answer in full_answers() {
        same::<model::decision::Answer, Answer>(&answer);
    }
    for action in ["publish", "read", "api"] {
        same::<model::auth::AuthAction, pointsman_sdk::auth::Action>(&json!(action));
    }
}

#[test]
fn what_is_left_out_has_the_hosts_default() {
    for question in [
        json!({"kind": "routing", "input": {"stream": "a", "now_unix_ms": 1, "sources": [
            {"id": "x", "protocol": "udp", "video": {"codec": "h264"}, "audio": {"codec": "aac"}},
        ], "outputs": [{"name": "o", "url": "u"}]}}),
        json!({"kind": "selection", "input": {"channel": "a", "now_unix_ms": 1, "history": [{"asset": "x"}]}}),
        json!({"kind": "layout", "input": {"name": "a", "now_unix_ms": 1,
            "canvas": {"width": 1, "height": 1}, "sources": [{"id": "x"}], "tiles": [bare_tile()]}}),
        json!({"kind": "auth", "input": {"action": "read", "protocol": "srt", "peer_ip": "192.0.2.7"}}),
    ] {
        same::<model::decision::Question, Question>(&question);
    }
    for answer in [
        json!({"kind": "routing", "output": {"outputs": [{"name": "o"}]}}),
        json!({"kind": "selection", "output": {"asset": "x"}}),
        json!({"kind": "layout", "output": {"tiles": [bare_tile()]}}),
        json!({"kind": "auth", "output": {"allow": false}}),
    ] {
        same::<model::decision::Answer, Answer>(&answer);
    }
}

fn bare_tile() -> Value {
    json!({"source": "x", "area": {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}})
}

#[test]
fn assets_are_the_hosts_too() {
    for asset in [
        json!({"id": "a", "duration_ms": 1}),
        json!({
            "id": "a", "title": "A", "folder": "x/y", "duration_ms": 1, "tags": ["t"],
            "last_played_unix_ms": 2, "plays": 3,
            "segments": [{"start_ms": 4, "end_ms": 5, "played_unix_ms": 6}],
            "added_unix_ms": 7, "attributes": {"k": "v"},
        }),
    ] {
        same::<model::selection::Asset, pointsman_sdk::library::Asset>(&asset);
    }
}

#[test]
fn a_field_misspelt_is_an_error() {
    let question = json!({"kind": "auth", "input": {"action": "read", "tokn": "x"}});
    assert!(serde_json::from_value::<Question>(question).is_err());
}
