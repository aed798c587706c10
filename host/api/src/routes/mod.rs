//! The routes, one module a resource.

pub(crate) mod decisions;
pub(crate) mod docs;
pub(crate) mod document;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod inputs;
pub(crate) mod outputs;
pub(crate) mod page;
pub(crate) mod plugins;
pub(crate) mod policies;
pub(crate) mod streams;

use crate::app::App;
use crate::metrics;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post, put};

/// What a dry run may take: a library comes with it.
const TRIAL_BYTES: usize = 64 << 20;

/// Every path and its methods. All but the page's are in the OpenAPI document too, which a
/// test sees to.
pub(crate) fn table(max_plugin_bytes: usize) -> Vec<(&'static str, MethodRouter<App>)> {
    let component = DefaultBodyLimit::max(max_plugin_bytes);
    let mut table = vec![
        ("/health", get(health::health)),
        ("/metrics", get(metrics::metrics)),
        ("/api/openapi.json", get(docs::openapi)),
        ("/problems/{slug}", get(docs::problem)),
        ("/api/v1/streams", get(streams::list)),
        ("/api/v1/streams/{*name}", get(streams::one)),
        ("/api/v1/inputs", get(inputs::list).post(inputs::add)),
        (
            "/api/v1/inputs/{id}",
            get(inputs::one)
                .patch(inputs::change)
                .delete(inputs::remove),
        ),
        (
            "/api/v1/inputs/{id}/outputs",
            get(outputs::list).post(outputs::add),
        ),
        (
            "/api/v1/inputs/{id}/outputs/{out}",
            get(outputs::one)
                .patch(outputs::change)
                .delete(outputs::remove),
        ),
        (
            "/api/v1/inputs/{id}/outputs/{out}/start",
            post(outputs::start),
        ),
        (
            "/api/v1/inputs/{id}/outputs/{out}/stop",
            post(outputs::stop),
        ),
        (
            "/api/v1/inputs/{id}/outputs/{out}/retry",
            post(outputs::retry),
        ),
        ("/api/v1/apply", post(document::apply)),
        ("/api/v1/export", post(document::export)),
        ("/api/v1/plugins", get(plugins::list)),
        (
            "/api/v1/plugins/{name}",
            get(plugins::one)
                .delete(plugins::remove)
                .merge(put(plugins::install).layer(component)),
        ),
        ("/api/v1/plugins/{name}/rollback", post(plugins::roll_back)),
        ("/api/v1/plugins/{name}/install", post(plugins::fetch)),
        ("/api/v1/plugins/{name}/logs", get(plugins::logs)),
        ("/api/v1/policies", get(policies::list)),
        (
            "/api/v1/policies/{kind}",
            put(policies::bind).delete(policies::unbind),
        ),
        (
            "/api/v1/policies/{kind}/decide",
            post(policies::decide).layer(DefaultBodyLimit::max(TRIAL_BYTES)),
        ),
        ("/api/v1/decisions", get(decisions::list)),
        ("/api/v1/events", get(events::events)),
    ];
    table.extend(page::table());
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_openapi_document_lists_every_route_and_no_other() {
        let document = crate::openapi::document();
        let documented: BTreeSet<_> = document.paths.paths.keys().cloned().collect();
        let page: BTreeSet<_> = page::table().map(|(path, _)| path).collect();
        let routed: BTreeSet<_> = table(0)
            .into_iter()
            .filter(|(path, _)| !page.contains(path))
            .map(|(path, _)| path.replace("{*", "{"))
            .collect();
        assert_eq!(documented, routed);
    }
}
