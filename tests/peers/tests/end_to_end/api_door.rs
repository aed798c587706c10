//! Who may do something over the API from elsewhere without a key of the host: the auth policy
//! says.

use peers::{Desk, Host, Http, product};
use serde_json::{Value, json};

/// Binds the shipped policy for keys, with a key of the host, whose owner is not asked about.
fn bind(host: &Host, rules: &Value) {
    let policy = json!({ "plugin": "keys", "config": { "rules": rules } });
    let (status, answer) = host.http.put_json("/api/v1/policies/auth", &policy);
    assert_eq!(status, 200, "{answer}");
}

fn install(desk: &Desk, http: &Http, more: &[&str]) -> peers::Ran {
    let install = ["install", "mine", "mine.wasm", "--api", &http.base];
    desk.runs(&[&install[..], more].concat())
}

#[test]
fn requests_from_elsewhere_need_a_key_or_what_the_auth_policy_wants_to_see() {
    let host = Host::start_for_everybody("");
    let (here, elsewhere) = (&host.http, host.http_from_elsewhere());
    let keys = product::component("plugins/keys");
    let (status, answer) = here.put_plugin("keys", &keys);
    assert_eq!(status, 200, "{answer}");
    let desk = Desk::new();
    desk.put("mine.wasm", product::fanout());
    let refused = |ran: peers::Ran, status: &str| {
        assert_eq!(ran.code, 1, "{}", ran.said);
        assert!(ran.said.contains(status), "{}", ran.said);
    };
    // While no policy covers the API, there is nobody to ask.
    refused(install(&desk, &elsewhere, &[]), "401");

    let rule = json!([{ "actions": ["api"], "paths": ["/api/v1/plugins/*"],
                        "keys": [{ "name": "anna", "key": "s3same" }] }]);
    bind(&host, &rule);
    let path = "/api/v1/plugins/mine";
    let (status, problem) = elsewhere.put_plugin("mine", &product::fanout());
    let told = (status, &problem["type"]);
    assert_eq!(told, (401, &"/problems/unauthorized".into()), "{problem}");
    assert_eq!(elsewhere.delete(path), 401);
    assert!(elsewhere.json(path).is_none(), "not even looking is free");

    refused(install(&desk, &elsewhere, &[]), "401");
    refused(install(&desk, &elsewhere, &["--token", "wrong"]), "403");
    let installed = install(&desk, &elsewhere, &["--token", "s3same"]);
    assert_eq!(installed.code, 0, "{}", installed.said);
    // The same key opens nothing else.
    let api = ["--api", &elsewhere.base, "--token", "s3same"];
    let bind_it = [&["bind", "routing", "mine"][..], &api].concat();
    refused(desk.runs(&bind_it), "403");
    // Whoever has a key of the host is not locked out by a policy at fault.
    assert_eq!(here.delete(path), 204);
    the_log_says_who_was_asked_about(&host);
    host.stop();
}

fn the_log_says_who_was_asked_about(host: &Host) {
    let found = host.http.json("/api/v1/decisions?kind=auth").unwrap();
    let decisions = found["decisions"].as_array().unwrap();
    let asked = |it: &Value| it["question"]["input"]["action"] == "api";
    assert!(
        !decisions.is_empty() && decisions.iter().all(asked),
        "{found}"
    );
    let verdicts: Vec<_> = decisions
        .iter()
        .map(|it| it["answer"]["output"]["allow"] == true)
        .collect();
    assert_eq!(
        verdicts,
        [false, false, false, false, false, true, false],
        "{found}"
    );
    let input = &decisions[0]["question"]["input"];
    assert_eq!(input["attributes"]["method"], "PUT", "{input}");
    assert_eq!(
        input["attributes"]["path"], "/api/v1/plugins/mine",
        "{input}"
    );
    assert!(!found.to_string().contains("s3same"), "{found}");
    assert_eq!(host.http.metric("pointsman_auth_denied_total", ""), 6.0);
}
