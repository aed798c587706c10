use super::*;
use pointsman_sdk::routing::OutputState;

fn source(id: &str, age_ms: Option<u64>, on_air: bool) -> Source {
    Source {
        id: id.into(),
        connected: age_ms.is_some(),
        packet_age_ms: age_ms,
        on_air,
        ..Source::default()
    }
}

fn declared(name: &str, enabled: bool) -> OutputState {
    OutputState {
        name: name.into(),
        url: "udp://127.0.0.1:6000".into(),
        declared: true,
        enabled,
        ..OutputState::default()
    }
}

fn route(state: State, config: &str) -> Plan {
    Fanout::route(state, serde_json::from_str(config).unwrap()).unwrap()
}

fn stream(name: &str) -> State {
    State {
        stream: name.into(),
        ..State::default()
    }
}

#[test]
fn the_most_specific_rule_decides_and_of_equals_the_first() {
    let config = r#"{"rules": [
        {"streams": "*", "serve": ["hls"]},
        {"streams": "live/*", "serve": ["srt"]},
        {"streams": "*live/", "serve": ["udp"]},
        {"streams": "live/cam1", "serve": ["rtmp"]},
        {"streams": "live/*", "serve": []}
    ]}"#;
    let serve = |name: &str| route(stream(name), config).serve.unwrap();
    assert_eq!(serve("test"), ["hls"]);
    assert_eq!(serve("live/cam2"), ["srt"]);
    assert_eq!(serve("live/cam1"), ["rtmp"]);
}

#[test]
fn a_stream_no_rule_matches_runs_its_declared_outputs_and_serves_all() {
    let mut state = stream("other");
    state.outputs = vec![declared("archive", true), declared("spare", false)];
    let plan = route(state, r#"{"rules": [{"streams": "live/*", "serve": []}]}"#);
    assert_eq!(plan.outputs, [Output::declared("archive")]);
    assert_eq!(plan.serve, None);
}

#[test]
fn urls_are_filled_in_with_the_streams_name() {
    let plan = route(
        stream("live/studio/cam1"),
        r#"{"rules": [{"outputs": [
            {"name": "push", "url": "rtmp://127.0.0.1/{stream}", "params": {"latency": "200"}},
            {"name": "short", "url": "srt://127.0.0.1:9000?streamid={name}"}]}]}"#,
    );
    assert_eq!(
        plan.outputs[0].url.as_deref(),
        Some("rtmp://127.0.0.1/live/studio/cam1")
    );
    assert_eq!(
        plan.outputs[0].params,
        [("latency".to_owned(), "200".to_owned())]
    );
    assert_eq!(
        plan.outputs[1].url.as_deref(),
        Some("srt://127.0.0.1:9000?streamid=cam1")
    );
}

#[test]
fn a_declared_output_is_never_replaced_nor_switched_on_by_a_rule() {
    let mut state = stream("a");
    state.outputs = vec![declared("x", true), declared("y", false)];
    let plan = route(
        state,
        r#"{"rules": [{"outputs": [{"name": "x", "url": "udp://h:1"}, {"name": "y", "url": "udp://h:2"},
            {"name": "z", "url": "udp://h:3"}, {"name": "z", "url": "udp://h:4"}]}]}"#,
    );
    assert_eq!(
        plan.outputs,
        [Output::declared("x"), Output::to("z", "udp://h:3")]
    );
}

#[test]
fn an_output_of_an_earlier_plan_stops_once_no_rule_asks_for_it() {
    let mut state = stream("a");
    state.outputs = vec![OutputState {
        declared: false,
        ..declared("old", true)
    }];
    assert_eq!(route(state, "{}").outputs, []);
}

#[test]
fn best_stays_with_the_source_on_air_while_it_is_heard() {
    let mut state = stream("a");
    state.sources = vec![
        source("main", Some(10), false),
        source("spare", Some(10), true),
    ];
    let first = r#"{"rules": [{"on_air": "first"}]}"#;
    assert_eq!(route(state.clone(), "{}").on_air.as_deref(), Some("spare"));
    assert_eq!(route(state, first).on_air.as_deref(), Some("main"));
}

#[test]
fn a_silent_source_is_left_for_the_first_that_is_heard() {
    let mut state = stream("a");
    state.sources = vec![
        source("main", Some(2_001), true),
        source("off", None, false),
        source("spare", Some(2_000), false),
    ];
    assert_eq!(route(state, "{}").on_air.as_deref(), Some("spare"));
}

#[test]
fn with_no_source_heard_the_last_one_stays() {
    let mut state = stream("a");
    state.sources = vec![
        source("main", Some(9_000), true),
        source("off", None, false),
    ];
    assert_eq!(route(state, "{}").on_air, None);
}

fn three_sources(on_air: &str) -> State {
    let mut state = stream("a");
    state.sources = ["main", "spare", "slate"]
        .map(|id| source(id, Some(10), id == on_air))
        .into();
    state
}

#[test]
fn the_other_sources_stand_in_unless_the_rule_says_otherwise() {
    let failover = |config: &str| route(three_sources("spare"), config).failover;
    assert_eq!(failover("{}"), ["main", "slate"]);
    let rule = |failover: &str| format!(r#"{{"rules": [{{"failover": {failover}}}]}}"#);
    assert_eq!(failover(&rule("[]")), Vec::<String>::new());
    assert_eq!(
        failover(&rule(r#"["sl*", "gone", "*"]"#)),
        ["slate", "main"]
    );
    assert_eq!(failover(&rule(r#"["spare", "main"]"#)), ["main"]);
}

#[test]
fn no_more_stand_ins_are_named_than_a_plan_may_have() {
    let mut state = stream("a");
    state.sources = (0..40)
        .map(|n| source(&format!("udp-{n}"), Some(1), n == 0))
        .collect();
    let failover = route(state, r#"{"rules": [{"failover": ["udp-39", "*"]}]}"#).failover;
    assert_eq!((failover.len(), failover[0].as_str()), (32, "udp-39"));
}

#[test]
fn the_slate_stays_out_of_the_ordinary_sources_and_is_left_when_one_is_heard() {
    let config = r#"{"rules": [{"slate": "slate"}]}"#;
    let plan = route(three_sources("slate"), config);
    assert_eq!(plan.on_air.as_deref(), Some("main"));
    assert_eq!(
        (plan.slate.as_deref(), plan.failover),
        (Some("slate"), vec!["spare".into()])
    );
    let mut silent = three_sources("main");
    for source in &mut silent.sources[..2] {
        source.packet_age_ms = Some(60_000);
    }
    assert_eq!(route(silent, config).on_air, None);
}

#[test]
fn a_slate_that_is_no_source_is_told_and_not_planned() {
    let plan = route(three_sources("main"), r#"{"rules": [{"slate": "slaet"}]}"#);
    assert_eq!((plan.slate, plan.alerts.len()), (None, 1));
    assert_eq!(plan.alerts[0].code, "no-slate");
}
