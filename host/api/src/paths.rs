//! Names with slashes in paths.
//!
//! A stream's name may have slashes, and so may an input's. In a path they are written `%2F`
//! (RFC 3986 §2.2), or as they are, which people find easier: `/api/v1/inputs/live/cam1/outputs`.
//! Before a request is routed the second form is turned into the first.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

const INPUTS: [&str; 2] = ["/api/v1/inputs/", "/api/inputs/"];

const STREAMS: &str = "/api/v1/streams/";

/// What may be done to an output.
const VERBS: [&str; 3] = ["start", "stop", "retry"];

/// The same address with the name in one segment. An input whose own name has a part `outputs`, or a
/// stream whose last is `thumbnail.jpg`, can only be meant with `%2F`.
pub(crate) fn in_one_segment(uri: &Uri) -> Option<Uri> {
    let in_this = |prefix| Some((prefix, uri.path().strip_prefix(prefix)?));
    let mut prefixes = INPUTS.into_iter().chain([STREAMS]);
    let (prefix, rest) = prefixes.find_map(in_this)?;
    let parts: Vec<&str> = rest.split('/').collect();
    let (name, tail) = match parts.as_slice() {
        [name @ .., "thumbnail.jpg"] if prefix == STREAMS => (name, parts.len() - 1),
        name if prefix == STREAMS => (name, parts.len()),
        [name @ .., "outputs", _, verb] if VERBS.contains(verb) => (name, parts.len() - 3),
        [name @ .., "outputs", _] => (name, parts.len() - 2),
        [name @ .., "outputs"] => (name, parts.len() - 1),
        name => (name, parts.len()),
    };
    if name.len() < 2 {
        return None;
    }
    let tail = parts.get(tail..).unwrap_or_default();
    let mut path = format!("{prefix}{}", name.join("%2F"));
    for part in tail {
        path.push('/');
        path.push_str(part);
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_goes_into_one_segment_and_the_rest_stays() {
        let cases = [
            ("live/cam1", "live%2Fcam1"),
            ("live/cam1?x=a/b", "live%2Fcam1?x=a/b"),
            ("live/cam1/outputs", "live%2Fcam1/outputs"),
            ("a/b/c/outputs/x", "a%2Fb%2Fc/outputs/x"),
            ("live/cam1/outputs/x/retry", "live%2Fcam1/outputs/x/retry"),
        ];
        for (given, expected) in cases {
            for prefix in INPUTS {
                let given: Uri = format!("{prefix}{given}").parse().unwrap();
                let found = in_one_segment(&given).unwrap().to_string();
                assert_eq!(found, format!("{prefix}{expected}"));
            }
        }
        for same in [
            "cam1",
            "live%2Fcam1",
            "live%2Fcam1/outputs/x",
            "cam1/outputs/x/start",
        ] {
            assert_eq!(
                in_one_segment(&format!("/api/v1/inputs/{same}").parse().unwrap()),
                None
            );
        }
        assert_eq!(
            in_one_segment(&"/api/v1/plugins/live/cam1".parse().unwrap()),
            None
        );
        for (given, expected) in [
            ("live/cam1", "live%2Fcam1"),
            ("live/cam1/thumbnail.jpg", "live%2Fcam1/thumbnail.jpg"),
            ("live/cam1/outputs", "live%2Fcam1%2Foutputs"),
        ] {
            let given: Uri = format!("{STREAMS}{given}").parse().unwrap();
            let found = in_one_segment(&given).unwrap().to_string();
            assert_eq!(found, format!("{STREAMS}{expected}"));
        }
    }
}
