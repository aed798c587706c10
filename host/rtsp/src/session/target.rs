//! What a request is about, and by whom.

use crate::message::{Headers, Request};

/// A request's URI, taken apart, and what else tells who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// As the client wrote it.
    pub uri: String,
    /// The path without its slashes at both ends: a stream's name.
    pub path: String,
    /// Behind the `?`; empty if there is none.
    pub query: String,
    /// The request's method.
    pub method: String,
    /// Its `Authorization` header.
    pub authorization: Option<String>,
    /// Its `User-Agent`; empty if it does not say.
    pub agent: String,
}

impl Target {
    pub(super) fn of(request: &Request) -> Self {
        let uri = request.request_uri();
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        Self {
            uri: text(uri.map(|uri| uri.as_str())),
            path: text(uri.map(|uri| uri.path().trim_matches('/'))),
            query: text(uri.and_then(|uri| uri.query())),
            method: <&str>::from(request.method()).to_owned(),
            authorization: request.text("Authorization").map(str::to_owned),
            agent: text(request.text("User-Agent")),
        }
    }

    /// The URI that relative control addresses are relative to: without query, with a slash.
    pub(super) fn base(&self) -> String {
        let plain = self.uri.split('?').next().unwrap_or_default();
        format!("{}/", plain.trim_end_matches('/'))
    }

    /// Whether this is the track of a presentation that has that control address. FFmpeg puts it
    /// behind the query, GStreamer and VLC before it.
    pub(super) fn is_track(&self, presentation: &Self, control: &str) -> bool {
        if control == self.uri {
            return true;
        }
        let control = control.trim_start_matches('/');
        let ends = |text: &str| {
            let before = text.strip_suffix(control);
            before.is_some_and(|before| before.ends_with('/'))
        };
        self.path.starts_with(&presentation.path) && (ends(&self.path) || ends(&self.uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Target {
        let request =
            rtsp_types::Request::builder(rtsp_types::Method::Setup, rtsp_types::Version::V1_0);
        let request = request.request_uri(rtsp_types::Url::parse(uri).unwrap());
        Target::of(&request.build(Vec::new()))
    }

    #[test]
    fn tracks_are_found_wherever_clients_put_the_query() {
        let presentation = target("rtsp://h:8554/live/cam?token=t");
        assert_eq!(presentation.path, "live/cam");
        assert_eq!(presentation.base(), "rtsp://h:8554/live/cam/");
        let is = |uri: &str, control: &str| target(uri).is_track(&presentation, control);
        assert!(is("rtsp://h:8554/live/cam/trackID=1", "trackID=1"));
        assert!(is("rtsp://h:8554/live/cam/trackID=1?token=t", "trackID=1"));
        assert!(is(
            "rtsp://h:8554/live/cam?token=t/streamid=1",
            "streamid=1"
        ));
        assert!(is("rtsp://h:8554/live/cam/x", "rtsp://h:8554/live/cam/x"));
        assert!(!is("rtsp://h:8554/live/cam/trackID=11", "trackID=1"));
        assert!(!is("rtsp://h:8554/live/other/trackID=1", "trackID=1"));
    }
}
