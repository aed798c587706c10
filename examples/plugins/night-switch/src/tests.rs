use super::*;
use pointsman_sdk::routing::OutputState;

const CONFIG: &str = r#"{
    "night": {"from": "22:30", "to": "06:00"}, "night_url": "udp://127.0.0.1:7000?name={stream}",
    "fallback": "slate", "min_bitrate_bps": 1000, "max_age_ms": 500, "settle_ms": 10000
}"#;

/// 12:00 UTC, everything well, "main" on air.
fn noon() -> State {
    let source = |id: &str, on_air| Source {
        id: id.into(),
        connected: true,
        on_air,
        bitrate_bps: 5_000,
        packet_age_ms: Some(20),
        uptime_ms: 60_000,
        ..Source::default()
    };
    State {
        stream: "live/cam1".into(),
        now_unix_ms: 12 * 3_600_000,
        sources: vec![
            source("slate", false),
            source("main", true),
            source("spare", false),
        ],
        outputs: vec![OutputState {
            name: "day".into(),
            declared: true,
            enabled: true,
            ..OutputState::default()
        }],
        ..State::default()
    }
}

fn route(state: State) -> Plan {
    NightSwitch::route(state, serde_json::from_str(CONFIG).unwrap()).unwrap()
}

#[test]
fn by_day_the_declared_outputs_run_and_at_night_the_night_one() {
    assert_eq!(route(noon()).outputs, [Output::declared("day")]);
    let mut state = noon();
    state.now_unix_ms = (22 * 60 + 30) * 60_000;
    assert_eq!(
        route(state).outputs,
        [Output::to("night", "udp://127.0.0.1:7000?name=live/cam1")]
    );
}

#[test]
fn the_night_is_the_hosts_local_one_and_passes_midnight() {
    for (hour, offset, night) in [
        (0, 0, true),
        (5, 0, true),
        (6, 0, false),
        (21, 120, true),
        (5, 60, false),
    ] {
        let mut state = noon();
        state.now_unix_ms = hour * 3_600_000;
        state.utc_offset_minutes = offset;
        assert_eq!(
            route(state).outputs[0].name == "night",
            night,
            "{hour} {offset}"
        );
    }
}

#[test]
fn a_source_with_too_few_bits_or_too_old_packets_is_left() {
    let mut state = noon();
    state.sources[1].bitrate_bps = 999;
    assert_eq!(route(state.clone()).on_air.as_deref(), Some("spare"));
    state.sources[2].packet_age_ms = Some(501);
    assert_eq!(route(state).on_air.as_deref(), Some("slate"));
}

#[test]
fn a_source_that_came_back_is_taken_once_it_settled() {
    let mut state = noon();
    state.sources[0].on_air = true;
    state.sources[1].on_air = false;
    state.sources[1].uptime_ms = 9_999;
    state.sources[2].connected = false;
    assert_eq!(route(state.clone()).on_air.as_deref(), Some("slate"));
    state.sources[1].uptime_ms = 10_000;
    assert_eq!(route(state).on_air.as_deref(), Some("main"));
}

#[test]
fn with_nothing_at_all_the_air_is_left_as_it_is() {
    let mut state = noon();
    for source in &mut state.sources {
        source.connected = false;
    }
    assert_eq!(route(state).on_air, None);
}
