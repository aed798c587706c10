use super::*;
use serde_json::{Value, json};

fn schedule(spec: Value) -> Schedule {
    let spec: ScheduleSpec = serde_json::from_value(spec).unwrap();
    Schedule::parse(&spec).unwrap()
}

fn at(moment: &str) -> i64 {
    DateTime::parse_from_rfc3339(moment).unwrap().timestamp()
}

/// Whether it is on, and the next start and stop, as text in UTC.
fn standing(schedule: &Schedule, moment: &str) -> (bool, String, String) {
    let standing = schedule.at(at(moment));
    let text = |moment: Option<i64>| {
        let moment = moment.and_then(|moment| DateTime::<Utc>::from_timestamp(moment, 0));
        moment.map_or("-".to_owned(), |it| it.format("%m-%d %H:%M").to_string())
    };
    (
        standing.on,
        text(standing.next_start),
        text(standing.next_stop),
    )
}

fn told(on: bool, start: &str, stop: &str) -> (bool, String, String) {
    (on, start.to_owned(), stop.to_owned())
}

#[test]
fn a_window_is_wanted_from_its_start_to_its_stop() {
    let match_day = schedule(json!({"windows": [
        {"start": "2026-01-31T18:00:00+01:00", "stop": "2026-01-31T20:00:00+01:00"},
        {"start": "2026-02-07T18:00:00Z"}]}));
    let cases = [
        (
            "2026-01-31T16:59:59Z",
            told(false, "01-31 17:00", "01-31 19:00"),
        ),
        (
            "2026-01-31T17:00:00Z",
            told(true, "02-07 18:00", "01-31 19:00"),
        ),
        (
            "2026-01-31T18:59:59Z",
            told(true, "02-07 18:00", "01-31 19:00"),
        ),
        ("2026-01-31T19:00:00Z", told(false, "02-07 18:00", "-")),
        ("2027-01-31T19:00:00Z", told(true, "-", "-")),
    ];
    for (moment, expected) in cases {
        assert_eq!(standing(&match_day, moment), expected, "{moment}");
    }
    let until = schedule(json!({"windows": [{"stop": "2026-01-31T20:00:00Z"}]}));
    assert_eq!(
        standing(&until, "1999-01-01T00:00:00Z"),
        told(true, "-", "01-31 20:00")
    );
    assert_eq!(until.at(at("2026-01-31T20:00:00Z")), Standing::default());
}

#[test]
fn windows_that_touch_are_one() {
    let two = schedule(json!({"windows": [
        {"start": "2026-01-01T10:00:00Z", "stop": "2026-01-01T12:00:00Z"},
        {"start": "2026-01-01T12:00:00Z", "stop": "2026-01-01T13:00:00Z"},
        {"start": "2026-01-01T12:30:00Z", "stop": "2026-01-01T12:45:00Z"}]}));
    let expected = told(true, "-", "01-01 13:00");
    assert_eq!(standing(&two, "2026-01-01T11:00:00Z"), expected);
}

#[test]
fn recurring_times_are_those_of_the_wall_clock() {
    let evenings = schedule(json!({"time_zone": "Europe/Berlin",
        "recurring": [{"start": "0 18 * * MON-FRI", "stop": "30 20 * * *"}]}));
    let cases = [
        // Friday in winter: UTC+1.
        (
            "2026-01-30T16:59:59Z",
            told(false, "01-30 17:00", "01-30 19:30"),
        ),
        (
            "2026-01-30T17:00:00Z",
            told(true, "02-02 17:00", "01-30 19:30"),
        ),
        // Over the weekend, and in summer: UTC+2.
        (
            "2026-01-30T19:30:00Z",
            told(false, "02-02 17:00", "02-02 19:30"),
        ),
        (
            "2026-07-01T16:00:00Z",
            told(true, "07-02 16:00", "07-01 18:30"),
        ),
    ];
    for (moment, expected) in cases {
        assert_eq!(standing(&evenings, moment), expected, "{moment}");
    }
    let saturdays =
        schedule(json!({"recurring": [{"start": "0 22 * * SAT", "duration_s": 14_400}]}));
    let expected = told(true, "02-07 22:00", "02-01 02:00");
    assert_eq!(
        standing(&saturdays, "2026-02-01T01:59:00Z"),
        expected,
        "over midnight"
    );
}

/// Berlin, 29 March 2026: 02:00 to 03:00 does not come.
#[test]
fn a_time_in_the_gap_is_the_first_moment_after_it() {
    let night = schedule(json!({"time_zone": "Europe/Berlin",
        "recurring": [{"start": "30 2 * * *", "stop": "0 4 * * *"}]}));
    let expected = told(false, "03-29 01:00", "03-29 02:00");
    assert_eq!(standing(&night, "2026-03-29T00:59:00Z"), expected);
    assert!(night.at(at("2026-03-29T01:00:00Z")).on);
    assert!(!night.at(at("2026-03-29T02:00:00Z")).on);
    // A stop within the gap is not missed either.
    let until = schedule(json!({"time_zone": "Europe/Berlin",
        "recurring": [{"start": "0 1 * * *", "stop": "30 2 * * *"}]}));
    let expected = told(true, "03-29 23:00", "03-29 01:00");
    assert_eq!(standing(&until, "2026-03-29T00:30:00Z"), expected);
}

/// Berlin, 25 October 2026: 02:00 to 03:00 comes twice, from 00:00 and from 01:00 UTC.
#[test]
fn a_time_that_is_repeated_counts_once() {
    let night = schedule(json!({"time_zone": "Europe/Berlin",
        "recurring": [{"start": "30 2 * * *", "duration_s": 600}]}));
    let expected = told(false, "10-25 00:30", "10-25 00:40");
    assert_eq!(standing(&night, "2026-10-25T00:00:00Z"), expected);
    let expected = told(false, "10-26 01:30", "10-26 01:40");
    assert_eq!(standing(&night, "2026-10-25T00:40:00Z"), expected);
    // A duration is what passes, not what the clock shows.
    let long = schedule(json!({"time_zone": "Europe/Berlin",
        "recurring": [{"start": "0 1 * * *", "duration_s": 10_800}]}));
    let expected = told(true, "10-26 00:00", "10-25 02:00");
    assert_eq!(standing(&long, "2026-10-24T23:30:00Z"), expected);
}

/// What is said of the next change holds: nothing changes before, and then it does.
#[test]
fn the_next_change_is_the_next_change() {
    let schedule = schedule(json!({"time_zone": "America/New_York",
        "windows": [{"start": "2026-11-01T05:10:00Z", "stop": "2026-11-01T06:20:00Z"}],
        "recurring": [{"start": "*/20 1-4 * * *", "duration_s": 420},
                      {"start": "15 1 * * SUN", "stop": "45 1 * * SUN"}]}));
    for day in ["2026-03-08", "2026-11-01"] {
        let midnight = at(&format!("{day}T00:00:00Z"));
        let mut known = schedule.at(midnight);
        for minute in 1..24 * 60 {
            let now = midnight + minute * 60;
            let standing = schedule.at(now);
            let due = known.until.is_some_and(|until| until <= now);
            assert!(standing.on == known.on || due, "{day} minute {minute}");
            if due {
                assert_ne!(standing.on, known.on, "{day} minute {minute}");
            }
            known = standing;
        }
    }
}

#[test]
fn what_never_ends_is_looked_at_again() {
    let always = schedule(json!({"recurring": [{"start": "* * * * *", "duration_s": 3600}]}));
    let now = at("2026-01-01T00:00:00Z");
    let standing = always.at(now);
    assert_eq!((standing.on, standing.next_stop), (true, None));
    assert!(standing.until.is_some_and(|until| until > now + 600));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_field() {
    let spec: ScheduleSpec = serde_json::from_value(json!({
        "time_zone": "Mars/Olympus",
        "windows": [{}, {"start": "tomorrow"},
            {"start": "2026-01-02T00:00:00Z", "stop": "2026-01-01T00:00:00Z"}],
        "recurring": [
            {"start": "61 * * * *", "duration_s": 60}, {"start": "0 0 30 2 *", "duration_s": 60},
            {"start": "0 8 * * *"}, {"start": "0 8 * * *", "duration_s": 0},
            {"start": "0 8 * * *", "stop": "0 8 * * *"},
            {"start": "0 0 8 * * *", "duration_s": 1}, {"start": "é * * * *", "duration_s": 1}]}))
    .unwrap();
    let wrong = Schedule::parse(&spec).unwrap_err();
    let fields: Vec<_> = wrong.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "time_zone",
            "windows[0]",
            "windows[1].start",
            "windows[2].stop",
            "recurring[0].start",
            "recurring[1].start",
            "recurring[2]",
            "recurring[3].duration_s",
            "recurring[4].stop",
            "recurring[5].start",
            "recurring[6].start",
        ]
    );
    let empty: ScheduleSpec = serde_json::from_value(json!({})).unwrap();
    assert_eq!(Schedule::parse(&empty).unwrap_err().len(), 1);
    let many = vec![json!({"start": "2026-01-01T00:00:00Z"}); 40];
    let many: ScheduleSpec = serde_json::from_value(json!({ "windows": many })).unwrap();
    assert_eq!(Schedule::parse(&many).unwrap_err()[0].0, "windows");
}
