//! Who may do what, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::{Answer, Host};
use control::access::KeyDraft;
use control::clock::unix_ms;
use model::accounts::Rights;
use model::{Role, Who};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PASSWORD: &str = "correct horse battery";

async fn key(host: &Host, name: &str, role: Role, tenant: Option<&str>) -> String {
    let draft = KeyDraft {
        name: name.parse().unwrap(),
        rights: Rights {
            role,
            tenant: tenant.map(|tenant| tenant.parse().unwrap()),
            streams: None,
        },
        expires_unix_ms: None,
        disabled: false,
    };
    let access = host.control.access();
    access.add_key(&Who::local(), draft).await.unwrap().key
}

async fn declare_acme(host: &Host) {
    let acme = serde_json::from_value(json!({"name": "acme", "inputs": 2, "outputs": 3}));
    host.control.put_tenant(acme.unwrap()).await.unwrap();
}

fn bearer(key: &str) -> String {
    format!("authorization: Bearer {key}\r\n")
}

async fn send(host: &Host, headers: &str, method: &str, path: &str, body: Value) -> Answer {
    let body = body.to_string();
    host.send(method, path, headers, body.as_bytes()).await
}

/// Only the status: an answer may go on for ever.
async fn status(host: &Host, headers: &str, method: &str, path: &str) -> u16 {
    let mut socket = TcpStream::connect(host.address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: 0\r\n\
         connection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    socket.read_exact(&mut line).await.unwrap();
    std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_route_asks_for_its_role_and_tells_who_lacks_it() {
    let host = Host::start().await;
    let document = host.get("/api/openapi.json").await.json();
    let admin = key(&host, "admin", Role::Admin, None).await;
    declare_acme(&host).await;
    let callers = [
        (None, None, false),
        (
            Some(key(&host, "v", Role::Viewer, None).await),
            Some(Role::Viewer),
            true,
        ),
        (
            Some(key(&host, "o", Role::Operator, None).await),
            Some(Role::Operator),
            true,
        ),
        (
            Some(key(&host, "to", Role::Operator, Some("acme")).await),
            Some(Role::Operator),
            false,
        ),
        (
            Some(key(&host, "ta", Role::Admin, Some("acme")).await),
            Some(Role::Admin),
            false,
        ),
        // Last: it may do everything.
        (Some(admin), Some(Role::Admin), true),
    ];
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let concrete = path.replace("{kind}", "routing").replace(['{', '}'], "x");
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let needs = operation["x-required-role"]["role"].as_str();
            let needs: Option<Role> = needs.map(|role| role.parse().unwrap());
            let of_host = operation["x-required-role"]["whole_host"] == true;
            for (key, role, whole) in &callers {
                let headers = key.as_deref().map(bearer).unwrap_or_default();
                let found = status(&host, &headers, &method, &concrete).await;
                let case = format!("{method} {path} by {role:?}, whole host: {whole}");
                match needs {
                    Some(_) if key.is_none() => assert_eq!(found, 401, "{case}"),
                    Some(needs) if *role < Some(needs) || (of_host && !whole) => {
                        assert_eq!(found, 403, "{case}");
                    }
                    Some(_) => assert!(![401, 403, 500].contains(&found), "{case}: {found}"),
                    // A login without a body.
                    None => assert!(![403, 500].contains(&found), "{case}: {found}"),
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 150, "{seen} cases");
}

#[tokio::test]
async fn who_works_on_this_machine_is_an_admin_until_somebody_is_known() {
    let host = Host::start().await;
    let who = host.get("/api/v1/session").await.json();
    assert_eq!(
        (&who["name"], &who["role"]),
        (&json!("local"), &json!("admin"))
    );
    let proxied = [
        "x-forwarded-for: 127.0.0.1\r\n",
        "forwarded: for=127.0.0.1\r\n",
        "via: 1.1 proxy\r\n",
        "x-real-ip: ::1\r\n",
        "host: rebound.example\r\n",
    ];
    for header in proxied {
        let answer = host.send("GET", "/api/v1/inputs", header, b"").await;
        assert_eq!(answer.status, 401, "{header}");
        assert!(
            answer.head.contains("www-authenticate: bearer"),
            "{}",
            answer.head
        );
    }
    // Who is locked out by the first key, cannot make the second.
    let viewer = json!({"name": "first", "role": "viewer"});
    let refused = send(&host, "", "POST", "/api/v1/keys", viewer).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (409, &json!("no-admin-left"))
    );
    let admin = json!({"name": "first", "role": "admin"});
    let made = send(&host, "", "POST", "/api/v1/keys", admin).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(host.get("/api/v1/inputs").await.status, 401);
    assert_eq!(host.get("/health").await.status, 200);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let basic = format!("authorization: Basic {}\r\n", base64(&format!("any:{key}")));
    for headers in [bearer(&key), format!("x-api-key: {key}\r\n"), basic] {
        assert_eq!(status(&host, &headers, "GET", "/api/v1/inputs").await, 200);
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(text)
}

#[tokio::test]
async fn a_key_is_shown_once_and_refused_as_soon_as_it_is_no_good() {
    let host = Host::start().await;
    let admin = bearer(&key(&host, "admin", Role::Admin, None).await);
    let body = json!({"name": "ci", "role": "viewer"});
    let made = send(&host, &admin, "POST", "/api/v1/keys", body.clone()).await;
    let again = send(&host, &admin, "POST", "/api/v1/keys", body).await;
    assert_eq!(
        (again.status, &again.json()["code"]),
        (409, &json!("name-taken"))
    );
    let made = made.json();
    let secret = made["key"].as_str().unwrap();
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let headers = bearer(secret);
    let sees = async || status(&host, &headers, "GET", "/api/v1/inputs").await;
    assert_eq!(sees().await, 200);
    for path in ["/api/v1/keys", &path, "/api/v1/keys/ci"] {
        let shown = host.send("GET", path, &admin, b"").await;
        assert_eq!(shown.status, 200);
        assert!(!shown.body.contains(secret) && !shown.body.contains("sha256"));
    }
    let used = host.send("GET", &path, &admin, b"").await.json();
    assert!(used["last_used_unix_ms"].as_u64() > Some(0), "{used}");

    let patch = async |patch| send(&host, &admin, "PATCH", &path, patch).await;
    assert_eq!(patch(json!({"disabled": true})).await.status, 200);
    assert_eq!(sees().await, 401);
    let soon = json!({"disabled": false, "expires_unix_ms": unix_ms() + 400});
    assert_eq!(patch(soon).await.status, 200);
    assert_eq!(sees().await, 200);
    let begun = Instant::now();
    while sees().await != 401 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it never expires"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let past = patch(json!({"expires_unix_ms": 5})).await;
    assert_eq!(past.json()["errors"][0]["field"], "expires_unix_ms");
    assert_eq!(patch(json!({"expires_unix_ms": null})).await.status, 200);
    assert_eq!(sees().await, 200);
    assert_eq!(
        send(&host, &admin, "DELETE", &path, json!(null))
            .await
            .status,
        204
    );
    assert_eq!(sees().await, 401);
    assert_eq!(
        send(&host, &admin, "DELETE", &path, json!(null))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn whose_key_is_taken_back_hears_no_more() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = Host::start().await;
    let admin = bearer(&key(&host, "admin", Role::Admin, None).await);
    let listener = bearer(&key(&host, "listener", Role::Viewer, None).await);
    let mut socket = tokio::net::TcpStream::connect(host.address).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{listener}\r\n",
        host.address
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains("hello") {
        assert!(socket.read_buf(&mut heard).await.unwrap() > 0, "it ended");
    }
    let path = "/api/v1/keys/listener";
    let gone = send(&host, &admin, "DELETE", path, json!(null)).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let ended = socket.read_to_end(&mut heard);
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    ended.expect("it goes on").unwrap();
}

struct Session {
    cookie: String,
    csrf: String,
}

async fn log_in(host: &Host, password: &str) -> Result<Session, Answer> {
    let body = json!({"user": "jane", "password": password});
    let answer = send(host, "", "POST", "/api/v1/session", body).await;
    if answer.status != 200 {
        return Err(answer);
    }
    let set = answer
        .head
        .lines()
        .find(|it| it.starts_with("set-cookie: "));
    let set = set.unwrap();
    for flag in ["httponly", "samesite=strict", "path=/"] {
        assert!(set.contains(flag), "{set}");
    }
    // The head was lowered for the test; the body was not.
    let raw = answer.raw_header("set-cookie");
    let cookie = raw.split(';').next().unwrap().to_owned();
    let csrf = answer.json()["csrf_token"].as_str().unwrap().to_owned();
    Ok(Session { cookie, csrf })
}

impl Session {
    fn looks(&self) -> String {
        format!("cookie: other=1; {}\r\n", self.cookie)
    }

    fn changes(&self) -> String {
        format!("{}x-csrf-token: {}\r\n", self.looks(), self.csrf)
    }
}

async fn add_jane(host: &Host, role: &str) -> String {
    let admin = bearer(&key(host, "admin", Role::Admin, None).await);
    let user = json!({"name": "jane", "role": role, "password": PASSWORD});
    let added = send(host, &admin, "POST", "/api/v1/users", user).await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert!(!added.body.contains("argon2"), "{}", added.body);
    admin
}

#[tokio::test]
async fn a_session_looks_by_its_cookie_and_changes_with_its_token() {
    let host = Host::start().await;
    let admin = add_jane(&host, "operator").await;
    let session = log_in(&host, PASSWORD).await.ok().unwrap();
    let who = host
        .send("GET", "/api/v1/session", &session.looks(), b"")
        .await;
    let who = who.json();
    assert_eq!(
        (&who["name"], &who["role"]),
        (&json!("user jane"), &json!("operator"))
    );
    assert_eq!(who["csrf_token"], json!(session.csrf));

    let input = json!({"name": "live/a"});
    let add = async |headers: String| {
        send(&host, &headers, "POST", "/api/v1/inputs", input.clone()).await
    };
    let forged = add(session.looks()).await;
    assert_eq!(
        (forged.status, &forged.json()["code"]),
        (403, &json!("csrf"))
    );
    let wrong = format!("{}x-csrf-token: {}\r\n", session.looks(), "0".repeat(64));
    assert_eq!(add(wrong).await.status, 403);
    let foreign = format!("{}origin: http://evil.example\r\n", session.changes());
    assert_eq!(add(foreign).await.status, 403);
    assert_eq!(add(session.changes()).await.status, 201);

    // Another role holds from the next request on.
    let viewer = json!({"role": "viewer"});
    let changed = send(&host, &admin, "PATCH", "/api/v1/users/jane", viewer).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let refused = add(session.changes()).await;
    assert_eq!(refused.status, 403);
    let detail = refused.json()["detail"].to_string();
    assert!(
        detail.contains("operator") && detail.contains("viewer"),
        "{detail}"
    );

    let out = send(
        &host,
        &session.changes(),
        "DELETE",
        "/api/v1/session",
        json!(null),
    )
    .await;
    assert_eq!(out.status, 204);
    assert!(out.head.contains("max-age=0"), "{}", out.head);
    assert_eq!(
        status(&host, &session.looks(), "GET", "/api/v1/session").await,
        401
    );
}

#[tokio::test]
async fn another_password_ends_the_other_sessions() {
    let host = Host::start().await;
    let admin = add_jane(&host, "viewer").await;
    let (one, other) = (
        log_in(&host, PASSWORD).await.ok().unwrap(),
        log_in(&host, PASSWORD).await,
    );
    let other = other.ok().unwrap();
    let next = "another horse battery";
    let body = |old: &str| json!({"password": old, "new_password": next});
    let path = "/api/v1/session/password";
    let wrong = send(
        &host,
        &one.changes(),
        "POST",
        path,
        body("not the password"),
    )
    .await;
    assert_eq!(wrong.status, 401);
    let changed = send(&host, &one.changes(), "POST", path, body(PASSWORD)).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    let sees =
        async |session: &Session| status(&host, &session.looks(), "GET", "/api/v1/inputs").await;
    assert_eq!((sees(&one).await, sees(&other).await), (200, 401));
    assert!(log_in(&host, PASSWORD).await.is_err());
    let again = log_in(&host, next).await.ok().unwrap();
    let disable = json!({"disabled": true});
    let disabled = send(&host, &admin, "PATCH", "/api/v1/users/jane", disable).await;
    assert_eq!(disabled.status, 200);
    assert_eq!((sees(&one).await, sees(&again).await), (401, 401));
}

#[tokio::test]
async fn who_guesses_at_passwords_waits_and_learns_nothing() {
    let host = Host::start().await;
    add_jane(&host, "viewer").await;
    let guess = async |user: &str| {
        let body = json!({"user": user, "password": "wrong horse battery"});
        send(&host, "", "POST", "/api/v1/session", body).await
    };
    let (known, unknown) = (guess("jane").await, guess("nobody").await);
    assert_eq!((known.status, &known.body), (401, &unknown.body));
    let mut limited = guess("jane").await;
    for _ in 0..5 {
        limited = guess("jane").await;
    }
    assert_eq!(limited.status, 429, "{}", limited.body);
    assert!(limited.head.contains("retry-after: "), "{}", limited.head);
    assert_eq!(log_in(&host, PASSWORD).await.err().unwrap().status, 429);
}

#[tokio::test]
async fn a_tenant_sees_and_changes_its_own_and_learns_of_no_other() {
    let host = Host::start().await;
    let admin = bearer(&key(&host, "admin", Role::Admin, None).await);
    for name in ["acme/a", "other/b"] {
        let outputs = json!([{"name": "x", "url": "udp://127.0.0.1:9"}]);
        let body = json!({"name": name, "outputs": outputs});
        assert_eq!(
            send(&host, &admin, "POST", "/api/v1/inputs", body)
                .await
                .status,
            201
        );
    }
    let own = bearer(&key(&host, "tenant", Role::Operator, Some("acme")).await);
    let undeclared = send(
        &host,
        &own,
        "DELETE",
        "/api/v1/inputs/acme%2Fa",
        json!(null),
    )
    .await;
    assert_eq!(
        (undeclared.status, &undeclared.json()["code"]),
        (404, &json!("unknown-tenant"))
    );
    declare_acme(&host).await;
    for list in ["/api/v1/inputs", "/api/v1/streams"] {
        let shown = host.send("GET", list, &own, b"").await;
        assert!(
            shown.body.contains("acme/a") && !shown.body.contains("other"),
            "{}",
            shown.body
        );
        let whole = host.send("GET", list, &admin, b"").await;
        assert!(whole.body.contains("acme/a") && whole.body.contains("other/b"));
    }
    let foreign = [
        ("GET", "/api/v1/inputs/other%2Fb"),
        ("DELETE", "/api/v1/inputs/other%2Fb"),
        ("GET", "/api/v1/inputs/other%2Fb/outputs"),
        ("GET", "/api/v1/inputs/other%2Fb/outputs/x"),
        ("DELETE", "/api/v1/inputs/other%2Fb/outputs/x"),
        ("POST", "/api/v1/inputs/other%2Fb/outputs/x/stop"),
        ("POST", "/api/v1/inputs/other%2Fb/outputs/x/retry"),
        ("GET", "/api/v1/streams/other/b"),
    ];
    for (method, path) in foreign {
        assert_eq!(
            status(&host, &own, method, path).await,
            404,
            "{method} {path}"
        );
    }
    let taken = send(
        &host,
        &own,
        "POST",
        "/api/v1/inputs",
        json!({"name": "other/c"}),
    )
    .await;
    assert_eq!(
        (taken.status, &taken.json()["code"]),
        (403, &json!("not-yours"))
    );

    let more = |name: &str| json!({"name": name, "outputs": [{"url": "udp://127.0.0.1:8"}]});
    assert_eq!(
        send(&host, &own, "POST", "/api/v1/inputs", more("acme/b"))
            .await
            .status,
        201
    );
    let third = send(&host, &own, "POST", "/api/v1/inputs", more("acme/c")).await;
    assert_eq!(
        (third.status, &third.json()["errors"][0]["field"]),
        (422, &json!("inputs"))
    );
    let in_use = send(&host, &admin, "DELETE", "/api/v1/tenants/acme", json!(null)).await;
    assert_eq!(
        (in_use.status, &in_use.json()["code"]),
        (409, &json!("tenant-in-use"))
    );
    let gone = send(
        &host,
        &own,
        "DELETE",
        "/api/v1/inputs/acme%2Fb",
        json!(null),
    )
    .await;
    assert_eq!(gone.status, 204);

    let export = send(&host, &own, "POST", "/api/v1/export", json!(null)).await;
    let document = export.json();
    assert_eq!(
        document["inputs"].as_array().unwrap().len(),
        1,
        "{document}"
    );
    let nothing = send(&host, &own, "POST", "/api/v1/apply", json!({"inputs": []})).await;
    assert_eq!(nothing.status, 200, "{}", nothing.body);
    let left = host.send("GET", "/api/v1/inputs", &admin, b"").await.body;
    assert!(
        left.contains("other/b") && !left.contains("acme/a"),
        "{left}"
    );
}

#[tokio::test]
async fn a_document_takes_the_role_of_what_it_changes() {
    let host = Host::start().await;
    let admin = bearer(&key(&host, "admin", Role::Admin, None).await);
    let operator = bearer(&key(&host, "operator", Role::Operator, None).await);
    let viewer = bearer(&key(&host, "viewer", Role::Viewer, None).await);
    let apply = async |headers: &str, body: Value| {
        send(&host, headers, "POST", "/api/v1/apply?dry_run=true", body).await
    };
    let inputs = json!({"inputs": [{"name": "live/a"}]});
    assert_eq!(apply(&operator, inputs).await.status, 200);
    let policy = json!({"policies": [{"kind": "routing", "plugin": "fanout"}]});
    let refused = apply(&operator, policy.clone()).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (403, &json!("role"))
    );
    // There is no such plugin: an admin gets as far as that.
    assert_eq!(apply(&admin, policy).await.status, 422);
    let export = async |headers: &str, query: &str| {
        send(
            &host,
            headers,
            "POST",
            &format!("/api/v1/export{query}"),
            json!(null),
        )
        .await
        .status
    };
    assert_eq!(
        (
            export(&viewer, "").await,
            export(&viewer, "?secrets=true").await
        ),
        (200, 403)
    );
    assert_eq!(export(&operator, "?secrets=true").await, 403);
    assert_eq!(export(&admin, "?secrets=true").await, 200);
}

#[tokio::test]
async fn whatever_is_shown_as_a_credential_is_judged_and_nothing_breaks() {
    let host = Host::start().await;
    let good = key(&host, "admin", Role::Admin, None).await;
    // A fixed seed, so that a failure comes again.
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let names = [
        "authorization",
        "x-api-key",
        "cookie",
        "x-csrf-token",
        "forwarded",
    ];
    for round in 0..300 {
        let name = names[round % names.len()];
        let mut value = match next() % 4 {
            0 => format!("Bearer {good}").into_bytes(),
            1 => format!("pointsman_session={good}; pointsman_session=").into_bytes(),
            2 => good.clone().into_bytes(),
            _ => b"Basic ".to_vec(),
        };
        for _ in 0..=next() % 8 {
            let at = usize::try_from(next()).unwrap_or_default() % value.len();
            // What a header can carry (RFC 9110 §5.5).
            value[at] = match u8::try_from(next() % 256).unwrap() {
                byte @ (b'\t' | 0x20..=0x7e | 0x80..=0xff) => byte,
                _ => b'%',
            };
        }
        let mut socket = TcpStream::connect(host.address).await.unwrap();
        let mut head =
            format!("GET /api/v1/inputs HTTP/1.1\r\nhost: localhost\r\n{name}: ").into_bytes();
        head.extend(&value);
        head.extend(b"\r\nconnection: close\r\n\r\n");
        socket.write_all(&head).await.unwrap();
        let mut line = [0; 12];
        socket.read_exact(&mut line).await.unwrap();
        let status = std::str::from_utf8(&line[9..]).unwrap();
        let shown = String::from_utf8_lossy(&value).into_owned();
        assert!(
            ["400", "401"].contains(&status),
            "{name}: {shown:?}: {status}"
        );
    }
}
