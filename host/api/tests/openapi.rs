//! The OpenAPI document that is committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::path::Path;

#[test]
fn the_committed_document_is_that_of_the_code() {
    let committed = include_str!("../../../docs/openapi.json");
    let of_the_code = api::openapi_json();
    if committed != of_the_code {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
        std::fs::write(&file, of_the_code).unwrap();
        panic!(
            "docs/openapi.json is out of date; run `make openapi` and commit it, or take {}",
            file.display()
        );
    }
}

#[test]
fn every_operation_tells_what_it_may_answer() {
    let document: serde_json::Value = serde_json::from_str(&api::openapi_json()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let answers = &operation["responses"];
            for status in ["400", "408", "429", "503"] {
                let problem = &answers[status]["content"]["application/problem+json"];
                // Whether it is ready is told in its own words, part by part.
                let ready = (path.as_str(), status) == ("/health/ready", "503");
                assert!(problem.is_object() != ready, "{method} {path}: {status}");
            }
            let named = path.contains('{');
            assert!(!named || answers["404"].is_object(), "{method} {path}");
            let takes = operation.get("requestBody").is_some();
            assert!(!takes || answers["413"].is_object(), "{method} {path}");
        }
    }
}
