//! Figures, as a table for people and as JSON for programs.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};
use std::fmt;
use std::time::Duration;

/// Several measurements of one thing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    /// One more.
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The least; what neighbours on the machine disturbed least.
    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The greatest.
    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The newest.
    pub(crate) fn last(&self) -> f64 {
        self.0.last().copied().unwrap_or_default()
    }

    /// The middle one, or halfway between the middle two.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |n: usize| sorted.get(n).copied().unwrap_or_default();
        let last = sorted.len().saturating_sub(1);
        (at(last / 2) + at(last.div_ceil(2))) / 2.0
    }
}

/// How late things were.
#[derive(Debug, Clone)]
pub(crate) struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        // Microseconds up to a minute, to three digits: bounds the constructor accepts.
        let histogram = Histogram::new_with_bounds(1, 60_000_000, 3);
        #[allow(clippy::expect_used)]
        Self(histogram.expect("constant bounds"))
    }
}

impl Latency {
    /// Counts one.
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(time.as_micros() as u64);
    }

    /// Counts all of another's.
    pub(crate) fn merge(&mut self, other: &Self) {
        // Fails for other bounds only; there is one constructor.
        let _ = self.0.add(&other.0);
    }

    /// Milliseconds that this share, from 0 to 1, did not exceed.
    pub(crate) fn ms(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1000.0
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.2} ms, p99 {:.2} ms", self.ms(0.5), self.ms(0.99))
    }
}

/// One line of the report.
#[derive(Debug)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// At most.
    wanted: f64,
    details: Map<String, Value>,
    note: String,
}

impl Figure {
    /// A value of its own.
    pub(crate) fn new(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        wanted: f64,
    ) -> Self {
        let (name, note) = (name.into(), String::new());
        Self {
            name,
            value,
            unit,
            wanted,
            details: Map::new(),
            note,
        }
    }

    /// A ratio that [`Figure::compare`] fills in.
    pub(crate) fn ratio(name: impl Into<String>, wanted: f64) -> Self {
        Self::new(name, f64::NAN, "x", wanted)
    }

    /// The ratio of the medians; that of the minima beside it.
    pub(crate) fn compare(mut self, ours: &Spread, theirs: &Spread, unit: &str) -> Self {
        self.value = ours.median() / theirs.median();
        let at_minimum = ours.min() / theirs.min();
        self.note = format!(
            "{:.4} to {:.4} {unit} (minima {:.4} to {:.4}: {at_minimum:.2} x)",
            ours.median(),
            theirs.median(),
            ours.min(),
            theirs.min(),
        );
        self.number("ratio_of_minima", at_minimum)
            .number("ours_median", ours.median())
            .number("ours_min", ours.min())
            .number("theirs_median", theirs.median())
            .number("theirs_min", theirs.min())
    }

    /// Quotes a latency.
    pub(crate) fn latency(mut self, whose: &str, latency: &Latency) -> Self {
        self = self.note(format!("{whose} {latency}"));
        self.number(&format!("{whose}_p50_ms"), latency.ms(0.5))
            .number(&format!("{whose}_p99_ms"), latency.ms(0.99))
    }

    /// Adds a number to the JSON line.
    pub(crate) fn number(mut self, key: &str, value: f64) -> Self {
        self.details.insert(key.to_owned(), json!(rounded(value)));
        self
    }

    /// Adds words to the table.
    pub(crate) fn note(mut self, text: impl AsRef<str>) -> Self {
        if !self.note.is_empty() {
            self.note.push_str("; ");
        }
        self.note.push_str(text.as_ref());
        self
    }

    fn is_met(&self) -> bool {
        self.value <= self.wanted
    }

    fn json(&self) -> Value {
        let mut line = self.details.clone();
        line.insert("figure".to_owned(), json!(self.name));
        line.insert("value".to_owned(), json!(rounded(self.value)));
        line.insert("unit".to_owned(), json!(self.unit));
        line.insert("wanted_at_most".to_owned(), json!(self.wanted));
        line.insert("met".to_owned(), json!(self.is_met()));
        Value::Object(line)
    }
}

/// Prints the table, and then a line of JSON for each figure.
pub(crate) fn print(figures: &[Figure]) {
    println!("\n{:<48} {:>13} {:>13}", "figure", "measured", "at most");
    for figure in figures {
        let measured = format!("{:.2} {}", figure.value, figure.unit);
        let wanted = format!("{} {}", figure.wanted, figure.unit);
        let verdict = if figure.is_met() { "met" } else { "NOT MET" };
        println!("{:<48} {measured:>13} {wanted:>13}  {verdict}", figure.name);
        figure
            .note
            .split("; ")
            .for_each(|line| println!("    {line}"));
    }
    println!();
    figures
        .iter()
        .for_each(|figure| println!("{}", figure.json()));
}

/// To six digits behind the point: what is measured here is not finer.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: &[f64]) -> Spread {
        Spread(values.to_vec())
    }

    #[test]
    fn a_ratio_is_of_medians_and_quotes_that_of_minima() {
        let (ours, theirs) = (spread(&[4.0, 2.0, 3.0]), spread(&[2.0, 9.0, 1.0]));
        let figure = Figure::ratio("r", 1.0).compare(&ours, &theirs, "s");
        assert!(!figure.is_met());
        let json = figure.json();
        assert_eq!(
            (&json["value"], &json["ratio_of_minima"]),
            (&json!(1.5), &json!(2.0))
        );
    }

    #[test]
    fn a_median_of_two_is_between_them() {
        assert_eq!(spread(&[3.0, 1.0]).median(), 2.0);
        assert_eq!(spread(&[3.0, 9.0, 1.0]).median(), 3.0);
        assert_eq!(spread(&[]).median(), 0.0);
    }

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut latency = Latency::default();
        (1..=100).for_each(|ms| latency.record(Duration::from_millis(ms)));
        assert!((latency.ms(0.5) - 50.0).abs() < 0.1, "{latency}");
    }
}
