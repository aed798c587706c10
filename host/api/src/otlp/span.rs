//! One thing that took time.

use serde_json::{Value, json};
use std::hash::{BuildHasher, RandomState};

/// A span of a trace. Times are Unix nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    trace: u128,
    parent: Option<u64>,
    id: u64,
    name: String,
    /// Somebody asked this host for it (`SPAN_KIND_SERVER`); otherwise its own affair.
    serves: bool,
    begin: u64,
    end: u64,
    attributes: Vec<(&'static str, String)>,
    error: Option<String>,
}

impl Span {
    /// In a trace of its own.
    pub(super) fn new(name: String, begin: u64, end: u64) -> Self {
        Self {
            trace: (u128::from(chance()) << 64) | u128::from(chance()),
            parent: None,
            id: chance(),
            name,
            serves: false,
            begin,
            end,
            attributes: Vec::new(),
            error: None,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.attributes.push((name, value));
        self
    }

    pub(super) fn failed(mut self, error: Option<String>) -> Self {
        self.error = error;
        self
    }

    /// Within the trace of who asked (W3C Trace Context, `00-TRACE-PARENT-FLAGS`), if he says.
    pub(super) fn asked_by(mut self, traceparent: Option<&str>) -> Self {
        self.serves = true;
        let parts: Vec<_> = traceparent.unwrap_or_default().split('-').collect();
        if let ["00", trace, parent, _] = parts[..]
            && (trace.len(), parent.len()) == (32, 16)
            && let Ok(trace) = u128::from_str_radix(trace, 16)
            && let Ok(parent) = u64::from_str_radix(parent, 16)
            && (trace != 0 && parent != 0)
        {
            (self.trace, self.parent) = (trace, Some(parent));
        }
        self
    }

    fn json(&self) -> Value {
        let attributes = self.attributes.iter();
        let attributes: Vec<_> = attributes
            .map(|(name, value)| attribute(name, value))
            .collect();
        let mut span = json!({
            "traceId": format!("{:032x}", self.trace),
            "spanId": format!("{:016x}", self.id),
            "name": self.name,
            "kind": if self.serves { 2 } else { 1 },
            // 64-bit numbers are texts in the JSON of Protocol Buffers.
            "startTimeUnixNano": self.begin.to_string(),
            "endTimeUnixNano": self.end.to_string(),
            "attributes": attributes,
        });
        if let Some(parent) = self.parent {
            span["parentSpanId"] = format!("{parent:016x}").into();
        }
        if let Some(error) = &self.error {
            span["status"] = json!({ "code": 2, "message": error });
        }
        span
    }
}

/// Not zero, which stands for none. The keys of hash maps are as random as this needs to be.
fn chance() -> u64 {
    RandomState::new().hash_one(0).max(1)
}

pub(super) fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

/// Who sends.
pub(super) fn resource() -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({ "attributes": [
        attribute("service.name", "pointsman"),
        attribute("service.version", version),
    ] })
}

/// An `ExportTraceServiceRequest`.
pub(super) fn document(spans: &[Span]) -> Value {
    let spans: Vec<_> = spans.iter().map(Span::json).collect();
    json!({ "resourceSpans": [{
        "resource": resource(),
        "scopeSpans": [{ "scope": { "name": "pointsman" }, "spans": spans }],
    }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_within_somebody_elses_trace_stays_there() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let span = Span::new("GET /x".to_owned(), 5, 9).asked_by(Some(parent));
        let json = span.failed(Some("500".to_owned())).json();
        assert_eq!(json["traceId"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(json["parentSpanId"], "b7ad6b7169203331");
        assert_eq!(
            (&json["kind"], &json["endTimeUnixNano"]),
            (&json!(2), &json!("9"))
        );
        assert_eq!(json["status"]["code"], 2);
        for bad in [
            "",
            "00-1-2-3",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            let json = Span::new("x".to_owned(), 5, 9).asked_by(Some(bad)).json();
            assert!(json.get("parentSpanId").is_none(), "{bad}");
            assert_eq!(json["spanId"].as_str().unwrap().len(), 16);
        }
    }
}
