//! Dates and times of day, of the calendar that people use.

use std::time::{SystemTime, UNIX_EPOCH};

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// 1970 or later.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
}

impl Civil {
    /// In UTC. Times before 1970 are taken for 1970.
    pub fn utc(time: SystemTime) -> Self {
        Self::local(time, 0)
    }

    /// At an offset from UTC, east positive.
    pub fn local(time: SystemTime, offset_minutes: i32) -> Self {
        let since = time
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let seconds = since.saturating_add_signed(i64::from(offset_minutes) * 60);
        let (year, month, day) = civil_from_days(seconds / 86_400);
        let second = seconds % 86_400;
        Self {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

/// Date of a day counted from 1970-01-01. Years begin in March here, so that the leap day
/// comes last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_offset_moves_over_midnight() {
        // 2000-02-28 23:59:59 UTC
        let time = UNIX_EPOCH + Duration::from_secs(951_782_399);
        let told = |offset| {
            let it = Civil::local(time, offset);
            (it.month, it.day, it.hour, it.minute, it.second)
        };
        assert_eq!(told(0), (2, 28, 23, 59, 59));
        assert_eq!(told(60), (2, 29, 0, 59, 59));
        assert_eq!(told(-330), (2, 28, 18, 29, 59));
    }
}
