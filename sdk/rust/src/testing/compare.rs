//! Whether an answer is the expected one.

use serde_json::Value;

/// By how much numbers may differ: geometry is not computed the same way in every language.
const TOLERANCE: f64 = 1e-6;

/// The first difference, as `path: expected ..., got ...`; none if there is none.
pub(super) fn difference(path: &str, expected: &Value, got: &Value) -> Option<String> {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            let missing = |key: &&String| !expected.contains_key(*key);
            let keys = expected.keys().chain(got.keys().filter(missing));
            keys.into_iter().find_map(|key| {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                difference(&path, part(expected.get(key)), part(got.get(key)))
            })
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            let mut pairs = expected.iter().zip(got).enumerate();
            pairs
                .find_map(|(n, (expected, got))| difference(&format!("{path}[{n}]"), expected, got))
        }
        (Value::Number(expected), Value::Number(got)) if near(expected.as_f64(), got.as_f64()) => {
            None
        }
        (expected, got) if expected == got => None,
        (expected, got) => Some(format!("{path}: expected {expected}, got {got}")),
    }
}

fn part(value: Option<&Value>) -> &Value {
    value.unwrap_or(&Value::Null)
}

fn near(expected: Option<f64>, got: Option<f64>) -> bool {
    matches!((expected, got), (Some(expected), Some(got)) if (expected - got).abs() <= TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_place_of_the_first_difference_is_told() {
        let expected = json!({"tiles": [{"x": 1}, {"x": 2}]});
        let got = json!({"tiles": [{"x": 1}, {"x": 2.1}]});
        let said = difference("", &expected, &got).unwrap();
        assert_eq!(said, "tiles[1].x: expected 2, got 2.1");
    }

    #[test]
    fn numbers_may_differ_by_rounding_and_nothing_else_may() {
        assert_eq!(
            difference("", &json!({"x": 10}), &json!({"x": 10.000_000_4})),
            None
        );
        for (expected, got) in [
            (json!({"x": 10}), json!({"x": 10.000_002})),
            (json!({"x": [1]}), json!({"x": [1, 1]})),
            (json!({"x": "a"}), json!({"x": null})),
            (json!({}), json!({"x": 1})),
            (json!({"x": 1}), json!({})),
            (json!({"x": true}), json!({"x": false})),
        ] {
            assert!(
                difference("", &expected, &got).is_some(),
                "{expected} and {got}"
            );
        }
    }
}
