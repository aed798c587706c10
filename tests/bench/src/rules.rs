//! What the shipped plugin is told to do.

use serde_json::{Value, json};
use std::net::SocketAddr;

/// Every stream is served over this protocol, and goes nowhere else.
pub(crate) fn serve(protocol: &str) -> Value {
    json!({ "rules": [{ "serve": [protocol] }] })
}

/// Each stream goes to its UDP addresses.
pub(crate) fn send(streams: &[(String, Vec<SocketAddr>)]) -> Value {
    let output = |(n, address): (usize, &SocketAddr)| json!({ "name": format!("sink{n}"), "url": format!("udp://{address}") });
    let rule = |(stream, addresses): &(String, Vec<SocketAddr>)| {
        let outputs: Vec<_> = addresses.iter().enumerate().map(output).collect();
        json!({ "streams": stream, "serve": [], "outputs": outputs })
    };
    json!({ "rules": streams.iter().map(rule).collect::<Vec<_>>() })
}
