//! The Prometheus text exposition format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write;

/// The media type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family's samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// Only ever grows, or starts anew at zero.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A family of which there is one sample for each item: name, type, help, and where its value is.
pub(crate) type Figure<T> = (&'static str, Type, &'static str, fn(&T) -> f64);

/// A document being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

/// One family of the document; its samples follow each other, as the format demands.
pub(crate) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Exposition {
    /// Begins a family. Names are given in full, `pointsman_` and unit included.
    pub(crate) fn family(&mut self, name: &'static str, kind: Type, help: &str) -> Family<'_> {
        let kind = match kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
        };
        let text = &mut self.0;
        text.push_str("# HELP ");
        text.push_str(name);
        text.push(' ');
        escape(text, help, false);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n# TYPE {name} {kind}");
        Family { text, name }
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, name: &'static str, kind: Type, help: &str, value: f64) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// Families over the same items, each with its labels. A family's samples follow each other,
    /// hence one pass over the items for each.
    pub(crate) fn table<'a, T: 'a, const N: usize>(
        &mut self,
        figures: &[Figure<T>],
        items: impl Iterator<Item = ([(&'a str, &'a str); N], &'a T)> + Clone,
    ) {
        for (name, kind, help, value) in figures {
            let mut family = self.family(name, *kind, help);
            for (labels, item) in items.clone() {
                family.sample(&labels, value(item));
            }
        }
    }

    /// The document.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// One sample.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(self.name);
        for (n, (name, value)) in labels.iter().enumerate() {
            self.text.push(if n == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(self.text, value, true);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// Label values escape backslash, quote and line feed; help texts leave quotes alone.
fn escape(text: &mut String, raw: &str, quotes: bool) {
    for c in raw.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_from_outside_cannot_break_out_of_their_label() {
        let mut document = Exposition::default();
        document
            .family("pointsman_x_total", Type::Counter, "A \"b\" \\ c\nd")
            .sample(&[("stream", "a\"} 1\nevil{x=\"\\"), ("n", "2")], 3.0);
        assert_eq!(
            document.finish(),
            "# HELP pointsman_x_total A \"b\" \\\\ c\\nd\n# TYPE pointsman_x_total counter\n\
             pointsman_x_total{stream=\"a\\\"} 1\\nevil{x=\\\"\\\\\",n=\"2\"} 3\n"
        );
    }

    #[test]
    fn large_counters_keep_every_digit_that_a_double_has() {
        let mut document = Exposition::default();
        document.single("x", Type::Gauge, "y", 9_007_199_254_740_991.0);
        assert!(document.finish().ends_with("\nx 9007199254740991\n"));
    }
}
