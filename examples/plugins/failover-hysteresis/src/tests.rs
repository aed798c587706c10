use super::*;
use pointsman_sdk::testing;

const CONFIG: &str = r#"{"trouble_ms": 2000, "health_ms": 10000, "max_age_ms": 500}"#;

/// A stream with a primary and a backup, looked at again and again.
struct Stream {
    state: State,
    config: &'static str,
}

impl Stream {
    fn new() -> Self {
        testing::reset();
        let source = |id: &str| Source {
            id: id.into(),
            connected: true,
            packet_age_ms: Some(10),
            bitrate_bps: 5_000_000,
            ..Source::default()
        };
        let state = State {
            stream: "live/cam1".into(),
            now_unix_ms: 1_800_000_000_000,
            sources: vec![source("main"), source("spare")],
            ..State::default()
        };
        Self {
            state,
            config: CONFIG,
        }
    }

    fn well(&mut self, source: usize, well: bool) -> &mut Self {
        self.state.sources[source].packet_age_ms = Some(if well { 10 } else { 501 });
        self
    }

    fn plan_after(&mut self, ms: u64) -> Plan {
        self.state.now_unix_ms += ms;
        let config = serde_json::from_str(self.config).unwrap();
        FailoverHysteresis::route(self.state.clone(), config).unwrap()
    }

    /// Who is on air after so many milliseconds.
    fn after(&mut self, ms: u64) -> String {
        self.plan_after(ms).on_air.unwrap()
    }
}

#[test]
fn the_backup_takes_over_after_trouble_without_a_break() {
    let mut stream = Stream::new();
    assert_eq!(stream.after(0), "main");
    stream.well(0, false);
    assert_eq!(
        (stream.after(100), stream.after(1_999)),
        ("main".into(), "main".into())
    );
    // A moment of health, and it counts anew.
    assert_eq!(stream.well(0, true).after(0), "main");
    assert_eq!(stream.well(0, false).after(10), "main");
    assert_eq!(
        (stream.after(1_999), stream.after(1)),
        ("main".into(), "spare".into())
    );
}

#[test]
fn the_primary_comes_back_after_health_without_a_break() {
    let mut stream = Stream::new();
    stream.well(0, false).after(0);
    assert_eq!(stream.after(2_000), "spare");
    stream.well(0, true).after(100);
    assert_eq!(stream.after(9_999), "spare");
    stream.well(0, false).after(0);
    stream.well(0, true).after(0);
    assert_eq!(
        (stream.after(9_999), stream.after(1)),
        ("spare".into(), "main".into())
    );
}

#[test]
fn there_is_an_alert_as_long_as_the_backup_is_on_air() {
    let mut stream = Stream::new();
    let codes = |plan: Plan| -> Vec<String> { plan.alerts.into_iter().map(|it| it.code).collect() };
    stream.well(0, false);
    assert_eq!(codes(stream.plan_after(0)), Vec::<String>::new());
    assert_eq!(codes(stream.plan_after(2_000)), ["on-backup"]);
    stream.well(0, true);
    assert_eq!(codes(stream.plan_after(0)), ["on-backup"]);
    assert_eq!(codes(stream.plan_after(10_000)), Vec::<String>::new());
}

#[test]
fn an_unwell_backup_is_not_taken_and_left_at_once() {
    let mut stream = Stream::new();
    stream.well(0, false).well(1, false).after(0);
    assert_eq!(stream.after(60_000), "main");
    assert_eq!(stream.well(1, true).after(0), "spare");
    // The primary is well for a moment only, but the backup not at all.
    stream.well(0, true).after(0);
    assert_eq!(stream.well(1, false).after(1), "main");
    assert_eq!(stream.well(1, true).after(60_000), "main");
}

#[test]
fn bits_count_as_well_as_packets() {
    let mut stream = Stream::new();
    stream.config = r#"{"trouble_ms": 0, "min_bitrate_bps": 1000000}"#;
    stream.state.sources[0].bitrate_bps = 999_999;
    assert_eq!(stream.after(0), "spare");
}

#[test]
fn streams_do_not_share_their_memory() {
    let mut stream = Stream::new();
    stream.well(0, false).after(0);
    assert_eq!(stream.after(2_000), "spare");
    stream.state.stream = "live/cam2".into();
    assert_eq!(stream.after(0), "main");
}

#[test]
fn without_a_store_whoever_is_well_is_taken() {
    let mut stream = Stream::new();
    stream.state.stream = "live/cam1".into();
    // Fills the store, keys and bytes.
    let filled = (0..2_000)
        .map(|n| kv::set(&format!("{n}"), &[0; 250]))
        .any(|it| it.is_err());
    assert!(filled);
    assert_eq!(stream.after(0), "main");
    assert_eq!(stream.well(0, false).after(0), "spare");
    assert_eq!(stream.well(0, true).after(0), "main");
    assert!(!testing::log::lines().is_empty());
}

#[test]
fn a_clock_that_goes_back_counts_anew() {
    let mut stream = Stream::new();
    stream.well(0, false).after(1_000);
    stream.state.now_unix_ms -= 3_600_000;
    assert_eq!(
        (stream.after(0), stream.after(1_999), stream.after(1)),
        ("main".into(), "main".into(), "spare".into())
    );
}

#[test]
fn sources_may_be_named_and_one_that_is_none_is_told() {
    let mut stream = Stream::new();
    stream.config = r#"{"primary": "spare", "backup": "main"}"#;
    assert_eq!(stream.after(0), "spare");
    stream.config = r#"{"primary": "gone"}"#;
    let plan = stream.plan_after(0);
    assert_eq!(
        (plan.on_air, plan.alerts[0].code.as_str()),
        (None, "no-primary")
    );
}
