use super::*;

#[test]
fn nobody_is_let_in_without_a_rule() {
    denied(
        &ask(publisher(), &json!({"rules": []})),
        "no rule to publish \"live/cam1\"",
    );
    let other = rule(&json!({"streams": "test/*", "anyone": true}));
    assert!(!ask(publisher(), &other).allow);
}

#[test]
fn the_most_specific_rule_decides_alone_whatever_the_order() {
    let config = json!({"rules": [
        {"streams": "*", "anyone": true},
        {"streams": "live/cam1", "keys": [{"key": "one"}]},
        {"streams": "live/*", "keys": [{"key": "live"}]},
        {"streams": "live/*", "anyone": true},
    ]});
    denied(&ask(publisher(), &config), "no key shown");
    assert!(ask(with_token("one"), &config).allow);
    denied(
        &ask(with_token("live"), &config),
        "wrong key for rule live/cam1",
    );
    let beside = |token: &str| Request {
        stream: "live/cam2".into(),
        ..with_token(token)
    };
    assert!(ask(beside("live"), &config).allow);
    denied(&ask(beside("one"), &config), "wrong key for rule live/*");
    assert!(
        ask(
            Request {
                stream: "test".into(),
                ..publisher()
            },
            &config
        )
        .allow
    );
}

#[test]
fn rules_are_about_publishing_and_reading_unless_they_say_otherwise() {
    let doing = |action| Request {
        action,
        ..publisher()
    };
    let both = rule(&json!({"anyone": true}));
    assert!(ask(doing(Action::Publish), &both).allow && ask(doing(Action::Read), &both).allow);
    denied(
        &ask(doing(Action::Api), &both),
        "no rule to api \"live/cam1\"",
    );
    let readers = rule(&json!({"anyone": true, "actions": ["read"]}));
    assert!(ask(doing(Action::Read), &readers).allow);
    assert!(!ask(doing(Action::Publish), &readers).allow);
    // A rule for something else does not hide the one for this.
    let config = json!({"rules": [
        {"streams": "live/cam1", "actions": ["publish"], "keys": [{"key": "k"}]},
        {"streams": "live/*", "actions": ["read"], "anyone": true},
    ]});
    assert!(ask(doing(Action::Read), &config).allow);
    assert!(!ask(doing(Action::Publish), &config).allow);
}

#[test]
fn api_calls_are_told_apart_by_method_and_path() {
    let config = json!({"rules": [
        {"actions": ["api"], "methods": ["GET", "HEAD"], "paths": ["/api/v1/streams*", "/health"], "anyone": true},
        {"actions": ["api"], "keys": [{"key": "operator"}]},
    ]});
    let call = |method: &str, path: &str, token: Option<&str>| {
        let attributes = [("method", method), ("path", path)];
        let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let request = Request {
            action: Action::Api,
            stream: String::new(),
            token: token.map(Into::into),
            attributes: attributes.into(),
            ..publisher()
        };
        ask(request, &config).allow
    };
    assert!(call("GET", "/api/v1/streams/live", None));
    assert!(call("HEAD", "/health", None));
    assert!(!call("POST", "/api/v1/streams", None));
    assert!(!call("GET", "/api/v1/plugins", None));
    assert!(call("POST", "/api/v1/plugins", Some("operator")));
}

#[test]
fn addresses_are_denied_first_and_then_allowed() {
    let config = json!({
        "deny_from": ["198.51.100.0/24"],
        "rules": [{
            "allow_from": ["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"],
            "deny_from": ["192.0.2.66"], "anyone": true
        }],
    });
    let from = |ip: &str| {
        ask(
            Request {
                peer_ip: ip.into(),
                ..publisher()
            },
            &config,
        )
    };
    assert!(from("192.0.2.7").allow && from("2001:db8::1").allow && from("::ffff:192.0.2.7").allow);
    denied(&from("198.51.100.7"), "198.51.100.7 is denied");
    denied(&from("192.0.2.66"), "192.0.2.66 is denied by rule *");
    denied(&from("203.0.113.1"), "203.0.113.1 is not allowed by rule *");
    denied(&from("somewhere"), "\"somewhere\" is no address");
}

#[test]
fn an_empty_list_of_allowed_addresses_allows_none() {
    let config = rule(&json!({"anyone": true, "allow_from": []}));
    assert!(!ask(publisher(), &config).allow);
    assert!(
        ask(
            publisher(),
            &rule(&json!({"anyone": true, "deny_from": []}))
        )
        .allow
    );
}

#[test]
fn a_range_that_is_none_lets_nobody_in() {
    let config = rule(&json!({"anyone": true, "deny_from": ["192.0.2.0/33"]}));
    let error = try_ask(publisher(), &config).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("\"192.0.2.0/33\" is no address range"),
        "{error}"
    );
}

#[test]
fn limits_and_names_are_the_rules() {
    let config = rule(&json!({
        "anyone": true, "as_stream": "live/main", "ttl_ms": 60_000,
        "max_bitrate_bps": 8_000_000, "max_duration_ms": 3_600_000, "max_readers": 0,
    }));
    let expected = Verdict {
        stream: Some("live/main".into()),
        ttl_ms: Some(60_000),
        max_bitrate_bps: Some(8_000_000),
        max_duration_ms: Some(3_600_000),
        max_readers: Some(0),
        ..Verdict::allow("anyone may")
    };
    assert_eq!(ask(publisher(), &config), expected);
}

#[test]
fn a_thousand_rules_are_looked_through() {
    let mut rules: Vec<Value> = (0..1_000)
        .map(|n| json!({"streams": format!("live/cam{n}"), "keys": [{"key": format!("key {n}")}]}))
        .collect();
    rules.push(json!({"streams": "*", "anyone": true}));
    let config = json!({ "rules": rules });
    let publish = |n: u32, key: u32| {
        let token = format!("key {key}");
        ask(
            Request {
                stream: format!("live/cam{n}"),
                ..with_token(&token)
            },
            &config,
        )
        .allow
    };
    assert!(publish(999, 999) && publish(0, 0) && !publish(500, 501));
}
