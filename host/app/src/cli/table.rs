//! Tables for people.

use serde_json::Value;
use std::fmt;

/// Lines whose columns are as wide as their widest cell.
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(heads: [&str; N]) -> Self {
        Self {
            rows: vec![heads.map(str::to_owned)],
        }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &self.rows {
            let padded = row.iter().zip(widths);
            let line: Vec<_> = padded
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(f, "{}", line.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// A member as text; `-` where there is none. Control characters, which would act on the
/// terminal, are left out.
pub(super) fn text(of: &Value, key: &str) -> String {
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect();
    match of.get(key) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(other) => other.to_string(),
    }
}

/// The member `bitrate_bps` in units that fit.
pub(super) fn bitrate(of: &Value) -> String {
    match of.get("bitrate_bps").and_then(Value::as_u64) {
        None | Some(0) => "-".to_owned(),
        Some(bps) if bps < 1_000_000 => format!("{} kb/s", bps / 1_000),
        Some(bps) => format!("{}.{} Mb/s", bps / 1_000_000, bps / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let mut table = Table::new(["A", "B"]);
        table.row(["long".to_owned(), "x".to_owned()]);
        assert_eq!(table.to_string(), "A     B\nlong  x\n");
    }

    #[test]
    fn cells_are_for_people_and_do_not_act_on_the_terminal() {
        let of = json!({"a": "x\u{1b}[2Jy", "b": null, "bitrate_bps": 4_250_000});
        assert_eq!(
            (text(&of, "a"), text(&of, "b")),
            ("x[2Jy".to_owned(), "-".to_owned())
        );
        assert_eq!(bitrate(&of), "4.2 Mb/s");
        assert_eq!(bitrate(&json!({"bitrate_bps": 96_000})), "96 kb/s");
    }
}
