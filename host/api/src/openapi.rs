//! The OpenAPI document, gathered from the handlers.

use crate::problem::Problem;
use crate::{metrics, routes};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pointsman",
        description = "A live-media router whose decisions are WebAssembly plugins.\n\n\
                       Errors are RFC 9457 problem documents; the `type` of each is a path on this \
                       server that explains it.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
    ),
    paths(
        routes::health::health,
        metrics::metrics,
        routes::docs::openapi,
        routes::docs::problem,
        routes::streams::list,
        routes::streams::one,
        routes::inputs::list,
        routes::inputs::add,
        routes::inputs::one,
        routes::inputs::change,
        routes::inputs::remove,
        routes::outputs::list,
        routes::outputs::add,
        routes::outputs::one,
        routes::outputs::change,
        routes::outputs::remove,
        routes::outputs::start,
        routes::outputs::stop,
        routes::outputs::retry,
        routes::document::apply,
        routes::document::export,
        routes::plugins::list,
        routes::plugins::one,
        routes::plugins::install,
        routes::plugins::remove,
        routes::plugins::roll_back,
        routes::plugins::fetch,
        routes::plugins::logs,
        routes::policies::list,
        routes::policies::bind,
        routes::policies::unbind,
        routes::policies::decide,
        routes::decisions::list,
        routes::events::events,
    ),
    components(schemas(Problem)),
    tags(
        (name = "streams", description = "What runs, with live figures"),
        (name = "inputs", description = "Streams that are declared, with their sources"),
        (name = "outputs", description = "Where inputs are sent, each output with a life of its own"),
        (name = "document", description = "Everything that is wanted, at once"),
        (name = "plugins", description = "The components that decide; replaced while streams flow"),
        (name = "policies", description = "Which plugin decides what, and what it decided"),
        (name = "host", description = "This host, and this API"),
    )
)]
struct Document;

/// The document.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
