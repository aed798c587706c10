//! What strangers and operators name streams and peers by.
#![no_main]
// Taken in by path: the gateway itself needs libsrt, its parser of stream ids does not.
extern crate self as srt_sys;

#[path = "../../../host/gateway/src/srt/stream_id.rs"]
#[allow(dead_code)]
mod stream_id;

use libfuzzer_sys::fuzz_target;
use model::egress::Destination;
use model::endpoint::redact;
use model::{Egress, Endpoint, Label, StreamName, StreamPattern};

/// As `host/srt-sys` has it.
pub const MAX_STREAM_ID_BYTES: usize = 512;

fuzz_target!(|data: &[u8]| {
    match stream_id::parse(data) {
        Ok(id) => {
            assert!(data.len() <= MAX_STREAM_ID_BYTES);
            assert!(!format!("{id:?}").is_empty());
        }
        Err(error) => assert!(error.to_string().len() < 400, "{error}"),
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    names(text);
    endpoint(text);
    if let Ok(url) = text.parse::<rtmp::url::Url>() {
        let _ = (url.tc_url(), url.stream_key());
        rtmp::url::stream_name(&url.app, &url.name);
    }
});

fn names(text: &str) {
    let _ = text.parse::<Label>();
    if let Ok(name) = text.parse::<StreamName>() {
        assert_eq!(name.as_str(), text);
        let itself: StreamPattern = text.parse().unwrap();
        assert!(itself.matches(text));
    }
    let (pattern, name) = text.split_once(' ').unwrap_or((text, "live/cam1"));
    if let Ok(pattern) = pattern.parse::<StreamPattern>() {
        pattern.specificity();
        assert_eq!(
            pattern.matches(name),
            glob(pattern.as_str().as_bytes(), name.as_bytes())
        );
    }
}

/// The textbook's matcher, to compare with.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let mut row: Vec<bool> = vec![false; name.len() + 1];
    row[0] = true;
    for &symbol in pattern {
        let mut next = vec![false; name.len() + 1];
        next[0] = row[0] && symbol == b'*';
        for (at, &byte) in name.iter().enumerate() {
            next[at + 1] = match symbol {
                b'*' => row[at + 1] || next[at],
                _ => row[at] && symbol == byte,
            };
        }
        row = next;
    }
    row[name.len()]
}

fn endpoint(text: &str) {
    assert!(!redact(text).is_empty());
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        assert!(!format!("{} {endpoint:?}", endpoint.scheme()).is_empty());
        if let Endpoint::Recording(recording) = &endpoint {
            let named = recording.named(|_| "0".to_owned());
            assert!(!named.starts_with('/') && named.split('/').all(|part| part != ".."));
        }
    }
    let egress = Egress::default();
    if let Ok(rule) = text.parse::<Destination>() {
        assert_eq!(rule.to_string().parse::<Destination>().as_ref(), Ok(&rule));
    }
    let _ = (egress.check_host(text), Endpoint::file(text));
    // Whatever the secret is, what is shown is the same.
    let with = |secret: &str| format!("srt://h:1?passphrase={secret}");
    let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(redact(&with(&escaped)), with("***"));
    if let Ok(endpoint) = with(&escaped).parse::<Endpoint>() {
        let usual: Endpoint = with("0123456789").parse().unwrap();
        assert_eq!(format!("{endpoint:?}"), format!("{usual:?}"));
    }
}
