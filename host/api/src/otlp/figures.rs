//! From the text of `/metrics` to OTLP.

use super::span::{attribute, resource};
use serde_json::{Value, json};

/// An `ExportMetricsServiceRequest` of what [`crate::metrics::text`] wrote. Times are Unix
/// milliseconds.
pub(super) fn document(text: &str, started: u64, now: u64) -> Value {
    let times = Times {
        started: (started * 1_000_000).to_string(),
        now: (now * 1_000_000).to_string(),
    };
    let mut families: Vec<Family<'_>> = Vec::new();
    for line in text.lines() {
        if let Some((name, help)) = after(line, "# HELP ") {
            families.push(Family {
                name,
                help,
                grows: false,
                points: Vec::new(),
            });
        } else if let Some(family) = families.last_mut() {
            match after(line, "# TYPE ") {
                Some((_, kind)) => family.grows = kind == "counter",
                None => family.points.extend(point(line, family.grows, &times)),
            }
        }
    }
    let filled = families
        .into_iter()
        .filter(|family| !family.points.is_empty());
    let metrics: Vec<_> = filled.map(Family::json).collect();
    json!({ "resourceMetrics": [{
        "resource": resource(),
        "scopeMetrics": [{ "scope": { "name": "pointsman" }, "metrics": metrics }],
    }] })
}

struct Times {
    started: String,
    now: String,
}

struct Family<'a> {
    name: &'a str,
    help: &'a str,
    grows: bool,
    points: Vec<Value>,
}

impl Family<'_> {
    fn json(self) -> Value {
        let points = json!({ "dataPoints": self.points });
        let mut metric = json!({ "name": self.name, "description": self.help });
        if self.grows {
            metric["sum"] = points;
            // Since the start, not since the last time.
            metric["sum"]["aggregationTemporality"] = 2.into();
            metric["sum"]["isMonotonic"] = true.into();
        } else {
            metric["gauge"] = points;
        }
        metric
    }
}

fn after<'a>(line: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(mark)?.split_once(' ')
}

/// `name{a="x",b="y"} 7`
fn point(line: &str, grows: bool, times: &Times) -> Option<Value> {
    let (series, value) = line.rsplit_once(' ')?;
    let value: f64 = value.parse().ok()?;
    let labels = series.split_once('{').map_or("", |(_, rest)| rest);
    let mut point = json!({
        "timeUnixNano": times.now,
        "asDouble": value,
        "attributes": attributes(labels),
    });
    if grows {
        point["startTimeUnixNano"] = times.started.clone().into();
    }
    Some(point)
}

/// Reads `a="x",b="y"}` with the escapes of the format.
fn attributes(mut labels: &str) -> Vec<Value> {
    let mut attributes = Vec::new();
    while let Some((name, rest)) = labels.split_once("=\"") {
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next() {
                Some((_, '\\')) => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped)) => value.push(escaped),
                    None => return attributes,
                },
                Some((at, '"')) => break at,
                Some((_, plain)) => value.push(plain),
                None => return attributes,
            }
        };
        attributes.push(attribute(name.trim_start_matches(','), &value));
        labels = rest.get(end + 1..).unwrap_or_default();
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_sums_and_gauges_are_gauges_with_their_labels() {
        let text = "# HELP a_total What grows.\n# TYPE a_total counter\n\
                    a_total{stream=\"a\\\"} 1\\\\\",n=\"x y\"} 3\n\
                    # HELP b What is.\n# TYPE b gauge\nb 0.5\n\
                    # HELP c Nothing.\n# TYPE c gauge\n";
        let document = document(text, 1, 2);
        let metrics = &document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        assert_eq!(metrics.as_array().unwrap().len(), 2);
        let sum = &metrics[0]["sum"];
        assert_eq!(
            (&sum["isMonotonic"], &sum["aggregationTemporality"]),
            (&json!(true), &json!(2))
        );
        let point = &sum["dataPoints"][0];
        assert_eq!(
            (&point["asDouble"], &point["startTimeUnixNano"]),
            (&json!(3.0), &json!("1000000"))
        );
        assert_eq!(
            point["attributes"],
            json!([attribute("stream", "a\"} 1\\"), attribute("n", "x y")])
        );
        assert_eq!(metrics[1]["gauge"]["dataPoints"][0]["asDouble"], 0.5);
        assert_eq!(metrics[1]["description"], "What is.");
    }
}
