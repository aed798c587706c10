//! Videos that operators upload, and who uses them.

use crate::config::Config;
use axum::Router;
use control::ControlHandle;
use model::composite::Media;
use model::{Site, SourceSpec};
use std::sync::Arc;
use videos::Videos;

/// Their routes; none where the media folder cannot be used, which is said and harms nothing else.
pub(super) async fn open(
    config: &Config,
    gateways: &gateway::Context,
    control: &ControlHandle,
) -> Option<Router> {
    let control = control.clone();
    let in_use = Arc::new(move |name: String| {
        let user = user_of(&control.site(), &name);
        Box::pin(std::future::ready(user)) as _
    });
    match Videos::open(gateways.links(), config.videos.settings(), in_use).await {
        Ok(videos) => Some(videos::router(&videos)),
        Err(error) => {
            tracing::warn!(code = "no-videos", %error, "videos cannot be uploaded");
            None
        }
    }
}

/// What in the document needs the file of that name, in words.
fn user_of(site: &Site, name: &str) -> Option<String> {
    let uses = |source: &SourceSpec| match source {
        SourceSpec::File { path } | SourceSpec::Slate { path } => path == name,
        SourceSpec::Composite(spec) => {
            let mut sources = spec.sources.iter();
            sources.any(|it| matches!(&it.from, Media::File(path) if path == name))
        }
        _ => false,
    };
    let mut inputs = site.inputs.iter();
    let input = inputs.find(|input| input.sources.iter().any(uses))?;
    Some(format!("input {}", input.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whoever_plays_a_file_in_whatever_way_uses_it() {
        let site = |source: serde_json::Value| -> Site {
            let inputs = json!([{"name": "live/a", "sources": [source]}]);
            serde_json::from_value(json!({"inputs": inputs})).unwrap()
        };
        let composite = json!({"type": "composite", "width": 640, "height": 360,
            "sources": [{"id": "a", "from": {"file": "a.mp4"}}]});
        for source in [
            json!({"type": "file", "path": "a.mp4"}),
            json!({"type": "slate", "path": "a.mp4"}),
            composite,
        ] {
            let site = site(source);
            assert_eq!(user_of(&site, "a.mp4").as_deref(), Some("input live/a"));
            assert_eq!(user_of(&site, "b.mp4"), None);
        }
    }
}
