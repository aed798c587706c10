//! Where two answers differ.

use serde_json::{Map, Value};

/// By how much numbers may differ: geometry is not computed the same way in every language.
const TOLERANCE: f64 = 1e-6;
/// Differences that are told; the rest is rarely news.
const TOLD: usize = 20;

/// Path and both values.
pub(super) type Place = (String, Value, Value);

/// The first places where two values differ.
pub(super) fn places(expected: &Value, got: &Value) -> impl Iterator<Item = Place> {
    let mut found = Vec::new();
    differences("", expected, got, &mut found);
    found.into_iter().take(TOLD)
}

fn differences(path: &str, expected: &Value, got: &Value, found: &mut Vec<Place>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            let missing = |key: &&String| !expected.contains_key(*key);
            for key in expected.keys().chain(got.keys().filter(missing)) {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let part = |of: &Map<String, Value>| of.get(key).cloned().unwrap_or_default();
                differences(&path, &part(expected), &part(got), found);
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            for n in 0..expected.len().max(got.len()) {
                let part = |of: &[Value]| of.get(n).cloned().unwrap_or_default();
                differences(&format!("{path}[{n}]"), &part(expected), &part(got), found);
            }
        }
        (Value::Number(expected), Value::Number(got)) if near(expected.as_f64(), got.as_f64()) => {}
        (expected, got) if expected == got => {}
        (expected, got) => found.push((path.to_owned(), expected.clone(), got.clone())),
    }
}

fn near(expected: Option<f64>, got: Option<f64>) -> bool {
    matches!((expected, got), (Some(expected), Some(got)) if (expected - got).abs() <= TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_told_within_lists_and_numbers_may_be_rounded() {
        let expected = json!({ "tiles": [{ "x": 1 }, { "x": 2 }] });
        let got = json!({ "tiles": [{ "x": 1.000_000_4 }, { "x": 2.1 }, { "x": 3 }] });
        let found: Vec<_> = places(&expected, &got).map(|(path, _, _)| path).collect();
        assert_eq!(found, ["tiles[1].x", "tiles[2]"]);
    }
}
