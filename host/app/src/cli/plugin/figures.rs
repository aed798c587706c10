//! Times and sizes, for people.

use std::time::Duration;

/// The time that this share of them, from 0 to 1, did not exceed; sorts them.
pub(super) fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    times.get(at).copied().unwrap_or_default()
}

/// `17.3 µs`, `2.4 ms`
pub(super) fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1_000.0 {
        return format!("{micros:.1} µs");
    }
    format!("{:.1} ms", micros / 1_000.0)
}

/// `128 KiB`, `4.3 MiB`
pub(super) fn bytes(bytes: usize) -> String {
    let kib = bytes as f64 / 1_024.0;
    if kib < 1_024.0 {
        return format!("{kib:.0} KiB");
    }
    format!("{:.1} MiB", kib / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(time(Duration::from_nanos(17_340)), "17.3 µs");
        assert_eq!(time(Duration::from_micros(2_400)), "2.4 ms");
        assert_eq!(bytes(131_072), "128 KiB");
        assert_eq!(bytes(4_500_000), "4.3 MiB");
    }

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let mut times: Vec<_> = (1..=101).rev().map(Duration::from_micros).collect();
        assert_eq!(quantile(&mut times, 0.5), Duration::from_micros(51));
        assert_eq!(quantile(&mut times, 1.0), Duration::from_micros(101));
        assert_eq!(quantile(&mut [], 0.5), Duration::ZERO);
    }
}
