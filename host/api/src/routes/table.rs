//! Every path, its methods, and what each asks of the caller.

use super::{
    audit, clients, decisions, docs, document, errors, events, groups, health, inputs, keys,
    outputs, page, plugins, policies, processes, session, srt, streams, system, templates, tenants,
    users, webhooks,
};
use crate::app::App;
use crate::metrics;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use model::Role::{self, Admin, Operator, Viewer};

/// What a dry run may take: a library comes with it.
const TRIAL_BYTES: usize = 64 << 20;

/// What a request asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Anybody may.
    Nothing,
    /// This role or a higher one; what is shown and changed is what the caller sees
    /// ([`model::Who::sees`]).
    Own(Role),
    /// This role or a higher one in the whole host: it is no tenant's affair.
    Host(Role),
}

use Need::{Host, Nothing, Own};

/// A path with its methods. None can be added without its need.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) methods: MethodRouter<App>,
    pub(crate) needs: Vec<(Method, Need)>,
}

/// A path, as yet without methods.
pub(crate) fn at(path: &'static str) -> Route {
    Route {
        path,
        methods: MethodRouter::new(),
        needs: Vec::new(),
    }
}

/// One method of a [`Route`] each.
macro_rules! methods {
    ($($name:ident: $method:ident),*) => {
        impl Route {
            $(pub(crate) fn $name<H, T>(self, need: Need, handler: H) -> Self
            where
                H: Handler<T, App>,
                T: 'static,
            {
                self.with(Method::$method, need, $name(handler))
            })*
        }
    };
}

methods!(get: GET, post: POST, put: PUT, patch: PATCH, delete: DELETE);

impl Route {
    /// A method with layers of its own.
    pub(crate) fn with(mut self, method: Method, need: Need, handler: MethodRouter<App>) -> Self {
        self.methods = self.methods.merge(handler);
        self.needs.push((method, need));
        self
    }
}

/// Every route. All but the page's are in the OpenAPI document too, with their needs, which a
/// test sees to.
pub(crate) fn table(max_plugin_bytes: usize) -> Vec<Route> {
    let component = DefaultBodyLimit::max(max_plugin_bytes);
    let mut table = vec![
        at("/health").get(Nothing, health::health),
        at("/health/live").get(Nothing, health::live),
        at("/health/ready").get(Nothing, health::ready),
        at("/metrics").get(Host(Viewer), metrics::metrics),
        at("/api/openapi.json").get(Nothing, docs::openapi),
        at("/problems/{slug}").get(Nothing, docs::problem),
        at("/api/v1/streams").get(Own(Viewer), streams::list),
        at("/api/v1/streams/{name}").get(Own(Viewer), streams::one),
        at("/api/v1/streams/{name}/thumbnail.jpg").get(Own(Viewer), streams::thumbnail),
        at("/api/v1/processes").get(Host(Viewer), processes::list),
        at("/api/v1/srt").get(Own(Viewer), srt::list),
        at("/api/v1/inputs")
            .get(Own(Viewer), inputs::list)
            .post(Own(Operator), inputs::add),
        at("/api/v1/inputs/{id}")
            .get(Own(Viewer), inputs::one)
            .patch(Own(Operator), inputs::change)
            .delete(Own(Operator), inputs::remove),
        at("/api/v1/inputs/{id}/outputs")
            .get(Own(Viewer), outputs::list)
            .post(Own(Operator), outputs::add),
        at("/api/v1/inputs/{id}/outputs/{out}")
            .get(Own(Viewer), outputs::one)
            .patch(Own(Operator), outputs::change)
            .delete(Own(Operator), outputs::remove),
        at("/api/v1/inputs/{id}/outputs/{out}/start").post(Own(Operator), outputs::start),
        at("/api/v1/inputs/{id}/outputs/{out}/stop").post(Own(Operator), outputs::stop),
        at("/api/v1/inputs/{id}/outputs/{out}/retry").post(Own(Operator), outputs::retry),
        at("/api/v1/groups")
            .get(Own(Viewer), groups::list)
            .post(Own(Operator), groups::add),
        at("/api/v1/groups/{name}")
            .get(Own(Viewer), groups::one)
            .patch(Own(Operator), groups::change)
            .delete(Own(Operator), groups::remove),
        at("/api/v1/groups/{name}/play").post(Own(Operator), groups::play),
        at("/api/v1/groups/{name}/stop").post(Own(Operator), groups::stop),
        at("/api/v1/groups/{name}/status").get(Own(Viewer), groups::status),
        at("/api/v1/groups/{name}/screens")
            .get(Own(Viewer), groups::screens)
            .post(Own(Operator), groups::add_screen),
        at("/api/v1/groups/{name}/screens/{screen}")
            .get(Own(Viewer), groups::screen)
            .patch(Own(Operator), groups::change_screen)
            .delete(Own(Operator), groups::remove_screen),
        // Whoever may watch may be a screen.
        at("/api/v1/clients")
            .get(Own(Viewer), clients::list)
            .post(Own(Viewer), clients::register),
        at("/api/v1/clients/{id}")
            .get(Own(Viewer), clients::one)
            .patch(Own(Operator), clients::change)
            .delete(Own(Operator), clients::remove),
        // A client shows its token in its first message.
        at("/api/v1/clients/{id}/clock").get(Nothing, clients::clock),
        at("/api/v1/templates")
            .get(Host(Viewer), templates::list)
            .post(Host(Admin), templates::add),
        at("/api/v1/templates/{name}")
            .get(Host(Viewer), templates::one)
            .patch(Host(Admin), templates::change)
            .delete(Host(Admin), templates::remove),
        at("/api/v1/templates/{name}/apply").post(Host(Operator), templates::apply),
        // What of the document takes an admin is seen by `control`.
        at("/api/v1/apply").post(Own(Operator), document::apply),
        at("/api/v1/export").post(Own(Viewer), document::export),
        at("/api/v1/plugins").get(Host(Viewer), plugins::list),
        at("/api/v1/plugins/{name}")
            .get(Host(Viewer), plugins::one)
            .with(
                Method::PUT,
                Host(Admin),
                put(plugins::install).layer(component),
            )
            .delete(Host(Admin), plugins::remove),
        at("/api/v1/plugins/{name}/rollback").post(Host(Admin), plugins::roll_back),
        at("/api/v1/plugins/{name}/install").post(Host(Admin), plugins::fetch),
        at("/api/v1/plugins/{name}/logs").get(Host(Viewer), plugins::logs),
        at("/api/v1/policies").get(Host(Viewer), policies::list),
        at("/api/v1/policies/{kind}")
            .put(Host(Admin), policies::bind)
            .delete(Host(Admin), policies::unbind),
        at("/api/v1/policies/{kind}/decide").with(
            Method::POST,
            Host(Admin),
            post(policies::decide).layer(DefaultBodyLimit::max(TRIAL_BYTES)),
        ),
        at("/api/v1/decisions").get(Host(Viewer), decisions::list),
        at("/api/v1/events").get(Own(Viewer), events::events),
        at("/api/v1/webhooks")
            .get(Host(Viewer), webhooks::list)
            .post(Host(Admin), webhooks::add),
        at("/api/v1/webhooks/{name}")
            .get(Host(Viewer), webhooks::one)
            .patch(Host(Admin), webhooks::change)
            .delete(Host(Admin), webhooks::remove),
        at("/api/v1/webhooks/{name}/test").post(Host(Admin), webhooks::test),
        at("/api/v1/webhooks/{name}/deliveries").get(Host(Viewer), webhooks::deliveries),
        at("/api/v1/errors")
            .get(Own(Viewer), errors::list)
            .delete(Own(Operator), errors::clear),
        at("/api/v1/system").get(Host(Viewer), system::system),
        at("/api/v1/audit").get(Host(Admin), audit::list),
        at("/api/v1/keys")
            .get(Host(Admin), keys::list)
            .post(Host(Admin), keys::add),
        at("/api/v1/keys/{id}")
            .get(Host(Admin), keys::one)
            .patch(Host(Admin), keys::change)
            .delete(Host(Admin), keys::remove),
        at("/api/v1/tenants").get(Own(Viewer), tenants::list),
        at("/api/v1/tenants/{name}")
            .get(Own(Viewer), tenants::one)
            .put(Host(Admin), tenants::put)
            .delete(Host(Admin), tenants::remove),
        at("/api/v1/users")
            .get(Host(Admin), users::list)
            .post(Host(Admin), users::add),
        at("/api/v1/users/{name}")
            .get(Host(Admin), users::one)
            .patch(Host(Admin), users::change)
            .delete(Host(Admin), users::remove),
        at("/api/v1/session")
            .get(Own(Viewer), session::show)
            .post(Nothing, session::log_in)
            .delete(Own(Viewer), session::log_out),
        at("/api/v1/session/password").post(Own(Viewer), session::change_password),
    ];
    table.extend(page::table());
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn the_openapi_document_lists_every_route_and_no_other() {
        let document = crate::openapi::document();
        let documented: BTreeSet<_> = document.paths.paths.keys().cloned().collect();
        let page: BTreeSet<_> = page::table().map(|route| route.path).collect();
        let routed: BTreeSet<_> = table(0)
            .into_iter()
            .filter(|route| !page.contains(route.path))
            .map(|route| route.path.replace("{*", "{"))
            .collect();
        assert_eq!(documented, routed);
    }

    #[test]
    fn the_openapi_document_tells_the_role_that_each_method_needs() {
        let document = serde_json::to_value(crate::openapi::document()).unwrap();
        let page: BTreeSet<_> = page::table().map(|route| route.path).collect();
        for route in table(0) {
            if page.contains(route.path) {
                continue;
            }
            for (method, need) in &route.needs {
                let method = method.as_str().to_lowercase();
                let operation = &document["paths"][route.path.replace("{*", "{")][&method];
                assert!(operation.is_object(), "{method} {}", route.path);
                let told = operation.get("x-required-role").cloned();
                let expected = match need {
                    Nothing => None,
                    Own(role) => Some(json!({ "role": role, "whole_host": false })),
                    Host(role) => Some(json!({ "role": role, "whole_host": true })),
                };
                assert_eq!(told, expected, "{method} {}", route.path);
            }
        }
    }
}
