use super::*;
use pointsman_sdk::OutputState;

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
