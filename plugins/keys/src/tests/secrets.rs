use super::*;

#[test]
fn a_key_opens_its_rule_and_nothing_like_it_does() {
    let config = rule(&json!({"keys": [{"key": "secret", "name": "studio"}, {"key": "other"}]}));
    assert_eq!(
        ask(with_token("secret"), &config),
        Verdict::allow("key of studio")
    );
    assert_eq!(ask(with_token("other"), &config), Verdict::allow("key"));
    for wrong in ["", "secre", "secrets", "Secret", "secret\0"] {
        denied(&ask(with_token(wrong), &config), "wrong key for rule *");
    }
    denied(&ask(publisher(), &config), "no key shown");
}

#[test]
fn a_rule_without_any_way_in_is_closed() {
    assert!(!ask(with_token(""), &rule(&json!({}))).allow);
    assert!(!ask(with_token("x"), &rule(&json!({"keys": []}))).allow);
}

#[test]
fn a_users_key_is_the_users_alone() {
    let config =
        rule(&json!({"keys": [{"user": "anna", "key": "a"}, {"user": "ben", "key": "b"}]}));
    let as_user = |user: Option<&str>, token: &str| {
        ask(
            Request {
                user: user.map(Into::into),
                ..with_token(token)
            },
            &config,
        )
        .allow
    };
    assert!(as_user(Some("anna"), "a") && as_user(Some("ben"), "b"));
    assert!(!as_user(Some("anna"), "b") && !as_user(None, "a") && !as_user(Some(""), "a"));
}

#[test]
fn a_key_may_be_known_by_its_sha256_only() {
    // printf 'long random key' | sha256sum
    let hash = "BC1A0EC48F00147E103463119C3A971A1B3F479DF503E79F9F8E9FFE9A64982B";
    let config = rule(&json!({"keys": [{"sha256": hash}]}));
    assert!(ask(with_token("long random key"), &config).allow);
    assert!(!ask(with_token("long random kez"), &config).allow);
    assert!(!ask(with_token(hash), &config).allow);
}

#[test]
fn passwords_are_checked_against_their_argon2_hash() {
    let made = tokens::made();
    let hash = &made["argon2"]["id"];
    let config = rule(&json!({"keys": [{"user": "anna", "argon2": hash}]}));
    let login = |password: &str| Request {
        user: Some("anna".into()),
        ..with_token(password)
    };
    assert_eq!(
        ask(login("correct horse"), &config),
        Verdict::allow("key of anna")
    );
    assert!(!ask(login("correct horsf"), &config).allow);
    assert!(!ask(login(hash.as_str().unwrap()), &config).allow);
}

#[test]
fn a_hash_that_takes_longer_than_a_call_may_is_told() {
    let made = tokens::made();
    let config = rule(&json!({"keys": [{"name": "big", "argon2": made["argon2"]["costly"]}]}));
    let error = try_ask(with_token("correct horse"), &config).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the key of big: argon2: no call has the time to check it"),
        "{error}"
    );
}

#[test]
fn a_configuration_with_a_hash_that_takes_too_long_is_refused_as_a_whole() {
    let schema = serde_json::from_str(include_str!("../../config.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let takes = |hash: &str| schema.is_valid(&rule(&json!({ "keys": [{ "argon2": hash }] })));
    let made = tokens::made();
    assert!(takes(made["argon2"]["id"].as_str().unwrap()));
    assert!(!takes(made["argon2"]["costly"].as_str().unwrap()));
    let with = |params: &str| {
        takes(&format!(
            "$argon2id$v=19${params}$HxtcZ70amrXxvVRK+m7QjA$CM7EJN+VH/5Hm1jUhg3l60gpKt5WzaZksE2+WAjjahU"
        ))
    };
    for good in [
        "m=4096,t=2,p=1",
        "m=8,t=1,p=1",
        "m=4089,t=2,p=4",
        "m=999,t=1,p=1",
    ] {
        assert!(with(good), "{good}");
    }
    for bad in [
        "m=4097,t=1,p=1",
        "m=4100,t=1,p=1",
        "m=5000,t=1,p=1",
        "m=10000,t=1,p=1",
        "m=19456,t=2,p=1",
        "m=4096,t=3,p=1",
        "m=4096,t=10,p=1",
        "m=08,t=1,p=1",
        "t=1,m=8,p=1",
    ] {
        assert!(!with(bad), "{bad}");
    }
    assert!(!takes("$argon2id$nonsense"));
}

#[test]
fn more_passwords_than_a_call_has_the_time_for_are_told() {
    let hash = &tokens::made()["argon2"]["id"];
    let keys: Vec<_> = (0..3).map(|_| json!({ "argon2": hash })).collect();
    let error = try_ask(with_token("x"), &rule(&json!({ "keys": keys }))).unwrap_err();
    assert!(error.to_string().contains("give each a user"), "{error}");
    // A key that is no password is found before.
    let mut keys = keys;
    keys.push(json!({ "key": "x" }));
    assert!(ask(with_token("x"), &rule(&json!({ "keys": keys }))).allow);
}

#[test]
fn a_hash_that_is_none_is_an_error_and_no_way_in() {
    for key in [
        json!({"argon2": "$argon2id$nonsense"}),
        json!({"sha256": "zz"}),
        json!({"name": "x"}),
    ] {
        assert!(try_ask(with_token("x"), &rule(&json!({ "keys": [key] }))).is_err());
    }
}

#[test]
fn a_stream_name_can_hold_the_key_and_stand_for_another() {
    let config = rule(&json!({
        "streams": "ingest/*", "key_in_name": true, "as_stream": "live/unknown",
        "keys": [{"key": "x7f3", "as_stream": "live/cam1"}, {"key": "k2"}],
    }));
    let publish = |stream: &str, token: Option<&str>| {
        ask(
            Request {
                stream: stream.into(),
                token: token.map(Into::into),
                ..publisher()
            },
            &config,
        )
    };
    assert_eq!(
        publish("ingest/x7f3", None).stream.as_deref(),
        Some("live/cam1")
    );
    assert_eq!(
        publish("ingest/deep/k2", None).stream.as_deref(),
        Some("live/unknown")
    );
    assert!(!publish("ingest/x7f", None).allow);
    // Who shows a key is taken at its word.
    assert!(!publish("ingest/x7f3", Some("wrong")).allow);
}
