use super::*;
use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};

/// Keys and tokens of another make, see `make_tokens.py`.
pub(super) fn made() -> Value {
    serde_json::from_str(include_str!("tokens.json")).unwrap()
}

/// A configuration that trusts these keys and takes tokens everywhere.
fn trusting(keys: Value) -> Value {
    json!({"jwt": {"keys": keys}, "rules": [{"jwt": true, "actions": ["publish", "read", "api"]}]})
}

const SECRET: &str = "a secret of our own, of thirty-two bytes at least";

/// A token signed with [`SECRET`].
fn signed(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let text = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!(
        "{text}.{}",
        Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes())
    )
}

fn ours() -> Value {
    trusting(json!([{"alg": "HS256", "secret": SECRET}]))
}

/// Asks with claims laid over those of a good token; null takes one away.
fn claiming(over: Value, config: &Value) -> Verdict {
    let mut claims = made()["claims"].clone();
    for (name, value) in over.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    ask(
        with_token(&signed(&json!({"alg": "HS256"}), &claims)),
        config,
    )
}

#[test]
fn tokens_of_every_algorithm_open_with_their_key_in_either_form() {
    let made = made();
    for (alg, token) in made["tokens"].as_object().unwrap() {
        for form in ["keys", "jwks"] {
            let Some(key) = made[form].get(alg) else {
                continue;
            };
            let verdict = ask(with_token(token.as_str().unwrap()), &trusting(json!([key])));
            assert!(verdict.allow, "{alg} of {form}: {}", verdict.reason);
            assert_eq!(verdict.reason, "token of anna");
            assert_eq!(verdict.ttl_ms, Some(3_600_000));
        }
    }
}

#[test]
fn a_token_changed_anywhere_is_refused() {
    let made = made();
    for (alg, token) in made["tokens"].as_object().unwrap() {
        let config = trusting(json!([made["keys"][alg]]));
        let token = token.as_str().unwrap();
        // A letter of each part is changed, beside the signature's last, which has unused bits.
        for place in [10, token.find('.').unwrap() + 20, token.len() - 20] {
            let mut changed = token.as_bytes().to_vec();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let verdict = ask(with_token(std::str::from_utf8(&changed).unwrap()), &config);
            assert!(!verdict.allow, "{alg} changed at {place}");
        }
    }
}

#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let made = made();
    let tokens = made["tokens"].as_object().unwrap();
    for (alg, key) in made["keys"].as_object().unwrap() {
        for (other, token) in tokens.iter().filter(|(other, _)| *other != alg) {
            let verdict = ask(with_token(token.as_str().unwrap()), &trusting(json!([key])));
            assert!(!verdict.allow, "{other} with the key of {alg}");
            assert!(
                verdict.reason.starts_with("no key is configured"),
                "{}",
                verdict.reason
            );
        }
    }
}

#[test]
fn forged_tokens_are_refused() {
    let made = made();
    let all: Vec<&Value> = made["keys"].as_object().unwrap().values().collect();
    for (how, token) in made["forged"].as_object().unwrap() {
        assert!(
            !ask(with_token(token.as_str().unwrap()), &trusting(json!(all))).allow,
            "{how}"
        );
    }
}

#[test]
fn rsa_keys_below_2048_bits_are_refused() {
    let small = &made()["small_rsa"];
    let request = with_token(small["token"].as_str().unwrap());
    let error = try_ask(request, &trusting(json!([small["key"]]))).unwrap_err();
    assert!(error.to_string().contains("cannot be used"), "{error}");
}

#[test]
fn a_key_of_another_kind_than_its_algorithm_is_the_operators_error() {
    let made = made();
    for (alg, form) in [
        ("RS256", "ES256"),
        ("ES256", "ES384"),
        ("EdDSA", "RS256"),
        ("ES384", "EdDSA"),
    ] {
        for kind in ["keys", "jwks"] {
            let mut key = made[kind][form].clone();
            key["alg"] = json!(alg);
            let request = with_token(made["tokens"][alg].as_str().unwrap());
            assert!(
                try_ask(request, &trusting(json!([key]))).is_err(),
                "{alg} as {form}"
            );
        }
    }
}

#[test]
fn the_key_id_chooses_among_keys() {
    let good = |kid: &str| json!({"alg": "HS256", "secret": SECRET, "kid": kid});
    let bad = |kid: &str| json!({"alg": "HS256", "secret": "x".repeat(32), "kid": kid});
    let token = |kid: Value| {
        with_token(&signed(
            &json!({"alg": "HS256", "kid": kid}),
            &made()["claims"],
        ))
    };
    let config = trusting(json!([bad("old"), good("new")]));
    assert!(ask(token(json!("new")), &config).allow);
    denied(
        &ask(token(json!("old")), &config),
        "the token's signature is wrong",
    );
    assert!(!ask(token(json!("third")), &config).allow);
    // A token without an id is tried with all, and so is a key without one.
    assert!(ask(token(Value::Null), &config).allow);
    assert!(ask(token(json!("third")), &ours()).allow);
}

#[test]
fn a_token_that_would_have_to_be_tried_with_many_keys_is_refused() {
    let key = |n: usize, kid: Option<usize>| {
        let mut key = json!({"alg": "HS256", "secret": SECRET});
        if n > 0 {
            key["secret"] = json!("x".repeat(32 + n));
        }
        if let Some(kid) = kid {
            key["kid"] = json!(kid.to_string());
        }
        key
    };
    let token = |kid: Value| {
        with_token(&signed(
            &json!({"alg": "HS256", "kid": kid}),
            &made()["claims"],
        ))
    };
    let all: Vec<_> = (0..3).map(|n| key(n, Some(n))).collect();
    assert!(ask(token(json!("0")), &trusting(json!(all))).allow);
    let many = ask(token(Value::Null), &trusting(json!(all)));
    assert!(
        many.reason.starts_with("more than 2 keys fit the token"),
        "{}",
        many.reason
    );
    let last: Vec<_> = (0..2).rev().map(|n| key(n, None)).collect();
    assert!(ask(token(json!("any")), &trusting(json!(last))).allow);
}

#[test]
fn a_token_is_good_from_nbf_to_exp_with_leeway() {
    let at = |exp: Value, nbf: Value| claiming(json!({"exp": exp, "nbf": nbf}), &ours());
    assert!(at(json!(NOW_S - 29), Value::Null).allow);
    denied(&at(json!(NOW_S - 30), Value::Null), "the token has expired");
    assert!(at(json!(NOW_S + 60), json!(NOW_S + 30)).allow);
    denied(
        &at(json!(NOW_S + 60), json!(NOW_S + 31)),
        "the token is not valid yet",
    );
    denied(
        &claiming(json!({"iat": NOW_S + 31}), &ours()),
        "the token was issued in the future",
    );
    denied(
        &claiming(json!({"exp": null}), &ours()),
        "the token never expires",
    );
    denied(
        &claiming(json!({"exp": "never"}), &ours()),
        "the token has an \"exp\" that is no number",
    );
    assert!(claiming(json!({"exp": NOW_S as f64 + 0.5}), &ours()).allow);
}

#[test]
fn tokens_that_never_expire_are_taken_if_the_operator_wants() {
    let mut config = ours();
    config["jwt"]["require_exp"] = json!(false);
    let verdict = claiming(json!({"exp": null}), &config);
    assert_eq!((verdict.allow, verdict.ttl_ms), (true, None));
}

#[test]
fn it_is_asked_again_when_the_token_expires_at_the_latest() {
    let ttl = |exp: u64, rule: Value| {
        let mut config = ours();
        config["rules"][0]["ttl_ms"] = rule;
        claiming(json!({"exp": exp}), &config).ttl_ms
    };
    assert_eq!(ttl(NOW_S + 60, Value::Null), Some(60_000));
    assert_eq!(ttl(NOW_S + 60, json!(5_000)), Some(5_000));
    assert_eq!(ttl(NOW_S + 2, json!(5_000)), Some(2_000));
    // Within the leeway it is asked every second.
    assert_eq!(ttl(NOW_S - 10, json!(5_000)), Some(1_000));
}

#[test]
fn issuer_and_audience_have_to_be_the_configured_ones() {
    let mut config = ours();
    config["jwt"]["issuer"] = json!("https://login.example.com");
    config["jwt"]["audience"] = json!("pointsman");
    assert!(claiming(json!({}), &config).allow);
    assert!(claiming(json!({"aud": "pointsman"}), &config).allow);
    for aud in [
        json!("other"),
        json!([]),
        json!(null),
        json!(["pointsman2"]),
        json!({"a": "pointsman"}),
    ] {
        denied(
            &claiming(json!({"aud": aud}), &config),
            "the token is for another audience",
        );
    }
    for iss in [
        json!("https://login.example.com/"),
        json!(null),
        json!(["https://login.example.com"]),
    ] {
        denied(
            &claiming(json!({"iss": iss}), &config),
            "the token is of another issuer",
        );
    }
}

#[test]
fn stream_and_action_have_to_be_named() {
    assert!(
        claiming(
            json!({"streams": "live/cam1", "actions": "publish"}),
            &ours()
        )
        .allow
    );
    denied(
        &claiming(json!({"actions": ["read"]}), &ours()),
        "the token does not allow to publish",
    );
    denied(
        &claiming(json!({"actions": null}), &ours()),
        "the token does not allow to publish",
    );
    let elsewhere = ["the token is not for \"live/cam1\""; 3];
    for (streams, reason) in [json!(["test/*"]), json!(null), json!([7])]
        .into_iter()
        .zip(elsewhere)
    {
        denied(&claiming(json!({ "streams": streams }), &ours()), reason);
    }
}

#[test]
fn grants_may_lie_within_a_claim_of_their_own_and_carry_limits() {
    let mut config = ours();
    config["jwt"]["claim"] = json!("https://pointsman.example/grants");
    config["rules"][0]["max_readers"] = json!(5);
    denied(
        &claiming(json!({}), &config),
        "the token has no claim \"https://pointsman.example/grants\"",
    );
    let grants = json!({
        "streams": ["live/*"], "actions": ["publish"],
        "max_bitrate_bps": 1_000_000, "max_duration_ms": 60_000, "max_readers": 9,
    });
    let over =
        json!({"https://pointsman.example/grants": grants, "streams": null, "actions": null});
    let verdict = claiming(over, &config);
    let limits = (
        verdict.max_bitrate_bps,
        verdict.max_duration_ms,
        verdict.max_readers,
    );
    assert_eq!(limits, (Some(1_000_000), Some(60_000), Some(5)));
}

#[test]
fn demands_that_are_not_understood_are_refused() {
    let token = signed(
        &json!({"alg": "HS256", "crit": ["exp"], "exp": 1}),
        &made()["claims"],
    );
    denied(
        &ask(with_token(&token), &ours()),
        "the token demands an extension that is not known",
    );
}

#[test]
fn what_is_no_token_is_refused_without_harm() {
    for token in [
        "..",
        "a.b.c",
        "e30.e30.",
        "eyJhbGciOiJIUzI1NiJ9..",
        "eyJhbGciOiJIUzI1NiJ9.!.e30",
        "ä.ö.ü",
    ] {
        assert!(!ask(with_token(token), &ours()).allow, "{token}");
    }
    let long = format!("{}.{}.x", "a".repeat(5_000), "b".repeat(5_000));
    denied(
        &ask(with_token(&long), &ours()),
        "the token is longer than 8192 bytes",
    );
    // A rule that takes no tokens takes them for keys.
    let token = signed(&json!({"alg": "HS256"}), &made()["claims"]);
    let config = json!({"jwt": ours()["jwt"], "rules": [{"keys": [{"key": "x"}]}]});
    denied(&ask(with_token(&token), &config), "wrong key for rule *");
}

#[test]
fn a_key_with_two_dots_still_opens_a_rule_that_takes_tokens_too() {
    let mut config = ours();
    config["rules"][0]["keys"] = json!([{"key": "a.b.c"}]);
    assert!(ask(with_token("a.b.c"), &config).allow);
    denied(
        &ask(with_token("a.b.d"), &config),
        "the token's header cannot be read",
    );
}

#[test]
fn a_rule_that_takes_tokens_without_keys_for_them_is_the_operators_error() {
    let config = rule(&json!({"jwt": true, "keys": [{"key": "k"}]}));
    let error = try_ask(with_token("k"), &config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rule * takes tokens, but nothing says which: add jwt"
    );
}

#[test]
fn an_api_call_about_no_stream_needs_a_token_for_all() {
    let call = |streams: &str| {
        let mut claims = made()["claims"].clone();
        claims["streams"] = json!([streams]);
        claims["actions"] = json!(["api"]);
        let token = signed(&json!({"alg": "HS256"}), &claims);
        let request = Request {
            action: Action::Api,
            stream: String::new(),
            ..with_token(&token)
        };
        ask(request, &ours()).allow
    };
    assert!(call("*") && !call("live/*"));
}
