//! Clients of other systems, with the very requests of their documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::{Answer, Host};
use serde_json::{Value, json};

async fn distribution() -> Host {
    Host::start_with(|settings| api::Settings {
        compat: api::Compat {
            distribution: true,
            mjpeg: true,
            wall: true,
        },
        ..settings
    })
    .await
}

async fn send(host: &Host, method: &str, path: &str, body: Value) -> Answer {
    let headers = "content-type: application/json\r\nx-api-key: whatever\r\n";
    let body = body.to_string();
    host.send(method, path, headers, body.as_bytes()).await
}

#[tokio::test]
async fn an_input_gets_a_port_and_its_outputs_start_and_stop() {
    let host = distribution().await;
    let made = send(&host, "POST", "/api/inputs", json!({"name": "Main Stage"})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let input = made.json();
    assert_eq!(input["name"], "Main Stage");
    assert!(input["udp_port"].as_u64().unwrap() >= 5000, "{input}");
    assert_eq!(
        (&input["status"], &input["outputs"]),
        (&json!("inactive"), &json!([]))
    );
    let path = format!("/api/inputs/{}", input["id"].as_str().unwrap());
    let again = send(&host, "POST", "/api/inputs", json!({"name": "Main Stage"})).await;
    assert_eq!(again.status, 409, "{}", again.body);

    let outputs = format!("{path}/outputs");
    let body = json!({"name": "hall", "type": "srt", "host": "127.0.0.1", "port": 9, "mode": "caller",
        "passphrase": "hunter2hunter2"});
    let hall = send(&host, "POST", &outputs, body).await;
    assert_eq!(hall.status, 201, "{}", hall.body);
    assert!(!hall.body.contains("hunter2"), "{}", hall.body);
    assert_eq!(hall.json()["enabled"], true, "it starts by itself");
    let rest = json!({"url": "udp://127.0.0.1:9"});
    assert_eq!(send(&host, "POST", &outputs, rest).await.status, 201);
    let hall = format!("{outputs}/hall");
    let stopped = send(&host, "POST", &format!("{hall}/stop"), json!({})).await;
    assert_eq!(
        (stopped.status, &stopped.json()["enabled"]),
        (200, &json!(false))
    );
    let started = send(&host, "POST", &format!("{hall}/start"), json!({})).await;
    assert_eq!(started.json()["enabled"], true);
    assert_eq!(host.get(&outputs).await.json().as_array().unwrap().len(), 2);
    assert_eq!(host.get("/api/inputs").await.json()[0]["id"], input["id"]);

    let renamed = send(&host, "PATCH", &path, json!({"name": "Stage 2"})).await;
    assert_eq!(renamed.json()["name"], "Stage 2", "{}", renamed.body);
    assert_eq!(renamed.json()["id"], input["id"], "an id stays");
    for gone in [hall.as_str(), path.as_str()] {
        let deleted = host.send("DELETE", gone, "", b"").await;
        assert_eq!(
            (deleted.status, &deleted.json()["status"]),
            (200, &json!("success"))
        );
        assert_eq!(host.get(gone).await.status, 404);
    }
    // The same is seen over this host's own API.
    assert_eq!(host.get("/api/v1/inputs").await.json()["inputs"], json!([]));
}

#[tokio::test]
async fn health_and_status_answer_and_what_is_wrong_is_told() {
    let host = distribution().await;
    assert_eq!(host.get("/api/health").await.json()["status"], "healthy");
    let status = host.get("/api/system/status").await.json();
    assert_eq!(
        (&status["inputs"], &status["active_outputs"]),
        (&json!(0), &json!(0))
    );
    let router = host.get("/api/system/mediamtx/status").await.json();
    assert_eq!(
        (&router["status"], &router["running"]),
        (&json!("running"), &json!(true))
    );
    for (body, status) in [
        (json!({}), 422),
        (json!({"name": ""}), 422),
        (json!({"name": "../etc"}), 422),
        (json!({"name": "a", "udp_port": 70000}), 422),
        (json!({"name": "a", "udp_port": -1}), 422),
    ] {
        let answer = send(&host, "POST", "/api/inputs", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.head.contains("application/problem+json"));
    }
    assert_eq!(host.get("/api/inputs").await.json(), json!([]));
}

#[tokio::test]
async fn without_the_key_there_are_no_such_routes() {
    let host = Host::start().await;
    assert_eq!(host.get("/api/inputs").await.status, 404);
}

/// The least that is walked from SOI to EOI: 2 x 1 pixels, one component, and a scan.
const JPEG: &[u8] = b"\xFF\xD8\xFF\xC0\x00\x0B\x08\x00\x01\x00\x02\x01\x01\x11\x00\
    \xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x00\xFF\xD9";

fn form(jpeg: &[u8]) -> Vec<u8> {
    let head = "--b\r\nContent-Disposition: form-data; name=\"frame\"; filename=\"f.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n";
    [head.as_bytes(), jpeg, b"\r\n--b--\r\n"].concat()
}

#[tokio::test]
async fn pictures_are_published_listed_counted_and_removed() {
    let host = distribution().await;
    let headers = "content-type: multipart/form-data; boundary=b\r\n";
    let sent = host
        .send("POST", "/publish/cam-1", headers, &form(JPEG))
        .await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let answer = sent.json();
    assert_eq!(
        (&answer["status"], &answer["stream"], &answer["frame_size"]),
        (&json!("success"), &json!("cam-1"), &json!(JPEG.len()))
    );

    let listed = host.get("/api/streams").await.json();
    assert_eq!(listed["count"], 1);
    let stream = &listed["streams"][0];
    assert_eq!(
        (&stream["name"], &stream["total_frames"]),
        (&json!("cam-1"), &json!(1))
    );
    assert!(
        stream["created_at"].as_str().unwrap().contains('T'),
        "{stream}"
    );
    for number in ["uptime_seconds", "viewer_count", "inactive_seconds"] {
        assert!(stream[number].is_number(), "{number}: {stream}");
    }
    let stats = host.get("/api/streams/cam-1/stats").await.json();
    assert_eq!(
        (&stats["has_current_frame"], &stats["buffer_size"]),
        (&json!(true), &json!(1))
    );
    assert!(stats["last_frame_time"].is_string(), "{stats}");
    let health = host.get("/health").await.json();
    assert_eq!(
        (&health["active_streams"], &health["max_streams"]),
        (&json!(1), &json!(50))
    );
    assert_eq!(health["config"]["timeout_seconds"], 300);

    let removed = send(&host, "DELETE", "/api/streams/cam-1", json!({})).await;
    assert_eq!(
        (removed.status, &removed.json()["status"]),
        (200, &json!("success"))
    );
    assert_eq!(host.get("/api/streams").await.json()["count"], 0);
    assert_eq!(host.get("/api/streams/cam-1/stats").await.status, 404);
}

#[tokio::test]
async fn a_wall_is_made_its_displays_register_and_videos_are_started_on_it() {
    let host = distribution().await;
    let body = json!({"name": "Lobby Wall", "orientation": "horizontal", "screen_count": 3});
    let made = send(&host, "POST", "/api/groups/create", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    let id = made["group_id"].as_str().unwrap();
    assert_eq!(
        (id, &made["group"]["name"]),
        ("Lobby-Wall", &json!("Lobby Wall"))
    );
    let url = "srt://localhost:8890?streamid=read:Lobby-Wall/1";
    assert_eq!(made["group"]["screens"][0]["stream_url"], url);

    for (name, screen) in [("tv-a", "1"), ("tv-b", "2")] {
        let body = json!({"hostname": name, "group_id": id, "platform": "linux"});
        let display = send(&host, "POST", "/api/clients/register", body).await;
        assert_eq!(display.status, 201, "{}", display.body);
        let display = display.json();
        assert_eq!(
            display["screen"], screen,
            "the first that is free: {display}"
        );
        assert!(display["stream_url"].as_str().unwrap().ends_with(screen));
    }
    let named = json!({"name": "tv-c", "group_id": id, "screen": 3});
    let third = send(&host, "POST", "/api/clients/register", named).await;
    assert_eq!(third.json()["screen"], "3", "{}", third.body);
    let all = host.get("/api/clients/all").await.json();
    assert_eq!(
        (&all["count"], all["clients"].as_array().unwrap().len()),
        (&json!(3), 3)
    );
    let status = host.get("/api/clients/status").await.json();
    assert_eq!(status["active_clients"], 3, "{status}");

    let split = json!({"group_id": id, "video_file": "film.mp4", "orientation": "vertical"});
    let split = send(
        &host,
        "POST",
        "/api/streaming/start_split_screen_srt",
        split,
    )
    .await;
    assert_eq!(split.status, 200, "{}", split.body);
    assert_eq!(split.json()["stream_urls"].as_array().unwrap().len(), 3);
    let statuses = host
        .get("/api/streaming/all_streaming_statuses")
        .await
        .json();
    let status = &statuses["streaming_statuses"][id];
    assert_eq!(
        (&status["mode"], &status["layout"]),
        (&json!("split"), &json!("vertical"))
    );
    assert_eq!(status["video_file"], "film.mp4");
    assert_eq!(status["clients"].as_array().unwrap().len(), 3);
    let multi = json!({"group_id": id, "video_files": ["a.mp4", "b.mp4"], "layout": "grid"});
    let multi = send(&host, "POST", "/api/streaming/start_multi_video_srt", multi).await;
    assert_eq!(multi.status, 200, "{}", multi.body);
    let groups = host.get("/api/groups/all").await.json();
    assert_eq!(
        groups["groups"][0]["video_files"],
        json!(["a.mp4", "b.mp4"])
    );
    let stopped = json!({ "group_id": id });
    let stopped = send(&host, "POST", "/api/streaming/stop_group_stream", stopped).await;
    assert_eq!(stopped.json()["status"], "success", "{}", stopped.body);
    let groups = host.get("/api/groups/all").await.json();
    assert_eq!(groups["groups"][0]["state"], "stopped");

    let deleted = host
        .send("DELETE", &format!("/api/groups/{id}"), "", b"")
        .await;
    assert_eq!(deleted.json()["status"], "success", "{}", deleted.body);
    assert_eq!(host.get("/api/groups/all").await.json()["count"], 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_wall_is_told_and_programs_are_told_what_there_is() {
    let host = distribution().await;
    let none = json!({"name": "empty", "screen_count": 0});
    assert_eq!(
        send(&host, "POST", "/api/groups/create", none).await.status,
        201
    );
    for (path, body, status) in [
        (
            "streaming/start_split_screen_srt",
            json!({"group_id": "empty", "video_file": "a.mp4"}),
            422,
        ),
        (
            "streaming/start_split_screen_srt",
            json!({"group_id": "none", "video_file": "a.mp4"}),
            404,
        ),
        (
            "streaming/start_multi_video_srt",
            json!({"group_id": "empty", "video_files": []}),
            422,
        ),
        ("streaming/stop_group_stream", json!({}), 422),
        (
            "groups/create",
            json!({"name": "many", "screen_count": 65}),
            422,
        ),
        ("groups/create", json!({}), 422),
        ("clients/register", json!({"group_id": "empty"}), 409),
        ("clients/register", json!({"group_id": "none"}), 404),
    ] {
        let answer = send(&host, "POST", &format!("/api/{path}"), body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
    }
    let about = host
        .send("GET", "/", "accept: application/json\r\n", b"")
        .await;
    let endpoints = about.json()["endpoints"].as_array().unwrap().len();
    assert_eq!(endpoints, 10);
    let page = host
        .send("GET", "/", "accept: text/html,*/*\r\n", b"")
        .await;
    assert!(page.head.contains("text/html") && page.body.contains("<!doctype html>"));
}
