//! The host's local time, out of a time and an offset from UTC.

const MINUTES_OF_DAY: i64 = 24 * 60;

/// Minutes since local midnight, 0 to 1439.
///
/// ```
/// let one_in_the_morning_utc = 3_600_000;
/// assert_eq!(pointsman_sdk::local_time::minute_of_day(one_in_the_morning_utc, 120), 3 * 60);
/// ```
pub fn minute_of_day(unix_ms: u64, utc_offset_minutes: i32) -> u32 {
    local_minutes(unix_ms, utc_offset_minutes).rem_euclid(MINUTES_OF_DAY) as u32
}

/// Day of the local week, 0 is Monday, 6 is Sunday.
pub fn weekday(unix_ms: u64, utc_offset_minutes: i32) -> u32 {
    const FIRST: i64 = 3; // 1970-01-01 was a Thursday
    let day = local_minutes(unix_ms, utc_offset_minutes).div_euclid(MINUTES_OF_DAY);
    (day + FIRST).rem_euclid(7) as u32
}

fn local_minutes(unix_ms: u64, utc_offset_minutes: i32) -> i64 {
    (unix_ms / 60_000) as i64 + i64::from(utc_offset_minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn local_time_wraps_over_midnight_in_both_directions() {
        assert_eq!(minute_of_day(23 * HOUR, 120), 60);
        assert_eq!(minute_of_day(HOUR, -120), 23 * 60);
        assert_eq!(minute_of_day(0, -60), 23 * 60);
    }

    #[test]
    fn the_week_begins_on_monday_and_turns_at_local_midnight() {
        let monday = 4 * 24 * HOUR; // 1970-01-05
        assert_eq!(weekday(monday, 0), 0);
        assert_eq!(weekday(monday, -1), 6);
        assert_eq!(weekday(monday + 23 * HOUR, 60), 1);
        assert_eq!(weekday(0, -4 * 1440), 6);
    }
}
