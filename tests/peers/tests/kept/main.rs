//! What is wanted is kept: whatever happens to the database, the disk or the host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do, and real peers live in real time"
)]

mod backups;
mod bursts;
mod faults;
mod flow;
mod outputs;

use peers::Host;
use serde_json::{Value, json};

/// Adds an input over the API; the status and what it says.
fn add(host: &Host, name: &str) -> (u16, Value) {
    let input = json!({"name": name, "sources": [{"type": "udp"}]});
    host.http.post_json("/api/v1/inputs", &input)
}

/// Everything that is wanted of all inputs, secrets and allotted ports included.
fn wanted(host: &Host) -> Value {
    let (status, site) = host
        .http
        .post_json("/api/v1/export?secrets=true", &Value::Null);
    assert_eq!(status, 200, "{site}");
    site
}

fn names(site: &Value) -> Vec<&str> {
    let inputs = site["inputs"].as_array().into_iter().flatten();
    inputs.filter_map(|input| input["name"].as_str()).collect()
}
