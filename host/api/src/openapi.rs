//! The OpenAPI document, gathered from the handlers.

use crate::problem::Problem;
use crate::routes::{Need, table};
use crate::{metrics, routes};
use axum::http::Method;
use serde_json::json;
use utoipa::OpenApi;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::schema::{AnyOfBuilder, SchemaType};
use utoipa::openapi::{Content, Object, OpenApi as OpenApiDocument, Ref, RefOr, Response, Schema};

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
        routes::health::live,
        routes::health::ready,
        routes::system::system,
        routes::webhooks::list,
        routes::webhooks::add,
        routes::webhooks::one,
        routes::webhooks::change,
        routes::webhooks::remove,
        routes::webhooks::test,
        routes::webhooks::deliveries,
        routes::errors::list,
        routes::errors::clear,
        metrics::metrics,
        routes::docs::openapi,
        routes::docs::problem,
        routes::streams::list,
        routes::streams::one,
        routes::streams::thumbnail,
        routes::processes::list,
        routes::srt::list,
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
        routes::groups::list,
        routes::groups::add,
        routes::groups::one,
        routes::groups::change,
        routes::groups::remove,
        routes::groups::play,
        routes::groups::stop,
        routes::groups::status,
        routes::groups::screens,
        routes::groups::add_screen,
        routes::groups::screen,
        routes::groups::change_screen,
        routes::groups::remove_screen,
        routes::clients::list,
        routes::clients::register,
        routes::clients::one,
        routes::clients::change,
        routes::clients::remove,
        routes::clients::clock,
        routes::templates::list,
        routes::templates::add,
        routes::templates::one,
        routes::templates::change,
        routes::templates::remove,
        routes::templates::apply,
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
        routes::audit::list,
        routes::keys::list,
        routes::keys::add,
        routes::keys::one,
        routes::keys::change,
        routes::keys::remove,
        routes::tenants::list,
        routes::tenants::one,
        routes::tenants::put,
        routes::tenants::remove,
        routes::users::list,
        routes::users::add,
        routes::users::one,
        routes::users::change,
        routes::users::remove,
        routes::session::log_in,
        routes::session::show,
        routes::session::log_out,
        routes::session::change_password,
    ),
    components(schemas(Problem)),
    tags(
        (name = "streams", description = "What runs, with live figures"),
        (name = "inputs", description = "Streams that are declared, with their sources"),
        (name = "outputs", description = "Where inputs are sent, each output with a life of its own"),
        (name = "walls", description = "Screens that show something together, and the clients behind them"),
        (name = "templates", description = "Sets of outputs, added to an input in one go"),
        (name = "document", description = "Everything that is wanted, at once"),
        (name = "plugins", description = "The components that decide; replaced while streams flow"),
        (name = "policies", description = "Which plugin decides what, and what it decided"),
        (name = "webhooks", description = "Who is told by HTTP of what happens"),
        (name = "access", description = "Who may do what: keys, users, sessions"),
        (name = "host", description = "This host, and this API"),
    )
)]
struct Document;

/// The document.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    may_be_absent(&mut document, "PluginView", "ActivePlugin");
    for route in table(0) {
        let path = route.path.replace("{*", "{");
        let Some(item) = document.paths.paths.get_mut(&path) else {
            continue;
        };
        for (method, need) in &route.needs {
            if let Some(operation) = operation(item, method) {
                tell(operation, *need);
                tell_common(operation, method, &path);
            }
        }
    }
    document
}

/// The document as it is committed: `docs/openapi.json`.
pub fn json() -> String {
    // A document of nothing but maps, lists and texts always has a JSON form.
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// Members that are flattened into an object, and may all be absent: the derived schema would
/// have them required.
fn may_be_absent(document: &mut OpenApiDocument, whole: &str, part: &str) {
    let schemas = document.components.as_mut().map(|it| &mut it.schemas);
    let Some(RefOr::T(Schema::AllOf(whole))) = schemas.and_then(|it| it.get_mut(whole)) else {
        return;
    };
    let part = Ref::from_schema_name(part);
    for item in &mut whole.items {
        if matches!(item, RefOr::Ref(it) if it.ref_location == part.ref_location) {
            let anything = Object::with_type(SchemaType::AnyValue);
            let either = AnyOfBuilder::new().item(part.clone()).item(anything);
            *item = either.into();
        }
    }
}

fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

/// What every request may be answered that asks something of this kind, whatever it asks for.
fn tell_common(operation: &mut Operation, method: &Method, path: &str) {
    let mut common = vec![
        ("400", "The request cannot be understood"),
        ("408", "It took too long"),
        ("429", "This address or key asks too often"),
        ("500", "A fault of this host"),
    ];
    if method.is_safe() {
        common.push(("503", "Shutting down, or a limit of this host is reached"));
    } else {
        common.push((
            "503",
            "Shutting down, a limit of this host is reached, or it cannot be kept over a restart",
        ));
        common.push(("403", "Sent by a page of another site, or not allowed"));
    }
    if path.contains('{') {
        common.push(("404", "Nothing here has this name"));
    }
    let parameters = operation.parameters.iter().flatten();
    let has_condition = |it: &RefOr<Parameter>| matches!(it, RefOr::T(it) if it.name == "If-Match");
    if parameters.into_iter().any(has_condition) {
        common.push(("412", "Somebody else changed it"));
    }
    if operation.request_body.is_some() {
        common.push(("413", "The body is too large"));
        common.push(("422", "The body is at fault; each field is named"));
    }
    tell_of(operation, &common);
}

/// Adds answers that the operation does not describe itself.
fn tell_of(operation: &mut Operation, problems: &[(&str, &str)]) {
    let answers = &mut operation.responses.responses;
    for (status, why) in problems {
        answers
            .entry((*status).to_owned())
            .or_insert_with(|| problem(why));
    }
}

/// What a method asks of the caller, and what it answers those who lack it.
fn tell(operation: &mut Operation, need: Need) {
    let (role, of_host) = match need {
        Need::Nothing => return,
        Need::Own(role) => (role, false),
        Need::Host(role) => (role, true),
    };
    // One member: of several, the order would be another each time.
    let told = (
        "x-required-role",
        json!({ "role": role, "whole_host": of_host }),
    );
    let extensions = operation.extensions.get_or_insert_default();
    extensions.merge([told].into_iter().collect::<Extensions>());
    tell_of(
        operation,
        &[
            ("401", "Who asks has to be known"),
            ("403", "It takes another role"),
        ],
    );
}

fn problem(why: &str) -> RefOr<Response> {
    let mut response = Response::new(why);
    let body = Content::new(Some(Ref::from_schema_name("Problem")));
    response
        .content
        .insert("application/problem+json".to_owned(), RefOr::T(body));
    RefOr::T(response)
}
