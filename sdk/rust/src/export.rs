//! What `export_routing!` expands to, and the calls behind it.

use crate::bindings::exports::pointsman::policy::metadata::Info;
use crate::routing::{Plan, Routing, State};

/// Makes the crate a routing policy: `export_routing!(Policy, schema: "...")`.
///
/// `schema` is a string expression, as `include_str!("../config.schema.json")`: the JSON
/// Schema of the configuration. Everything else of the metadata is the crate's `Cargo.toml`.
/// Use it once in a crate.
#[macro_export]
macro_rules! export_routing {
    ($policy:ty, schema: $schema:expr $(,)?) => {
        // The exports' names hold colons, which native linkers do not take.
        #[cfg(target_family = "wasm")]
        const _: () = {
            use bindings::exports::pointsman::policy::{metadata, routing};
            use $crate::__private::bindings;

            struct Component;

            impl metadata::Guest for Component {
                fn describe() -> metadata::Info {
                    $crate::__private::info(
                        env!("CARGO_PKG_NAME"),
                        env!("CARGO_PKG_VERSION"),
                        env!("CARGO_PKG_DESCRIPTION"),
                        env!("CARGO_PKG_AUTHORS"),
                        env!("CARGO_PKG_LICENSE"),
                        $schema,
                    )
                }
            }

            impl routing::Guest for Component {
                fn route(state: routing::State, config: String) -> Result<routing::Plan, String> {
                    $crate::__private::route::<$policy>(state, &config)
                }
            }

    bindings::export_routing_policy!(Component with_types_in bindings);
        };
    };
}

/// The metadata of a routing policy.
pub fn info(
    name: &str,
    version: &str,
    description: &str,
    author: &str,
    license: &str,
    schema: &str,
) -> Info {
    Info {
        name: name.to_owned(),
        version: version.to_owned(),
        description: description.to_owned(),
        author: author.to_owned(),
        license: license.to_owned(),
        kinds: vec!["routing".to_owned()],
        config_schema: schema.to_owned(),
        grants: Vec::new(),
        attributes: Vec::new(),
    }
}

/// One decision: reads the configuration and asks the policy.
pub fn route<P: Routing>(state: State, config: &str) -> Result<Plan, String> {
    log_panics();
    let config = serde_json::from_str(config).map_err(|error| {
        format!("the configuration passed its schema but not the policy: {error}")
    })?;
    P::route(state, config).map_err(|error| error.to_string())
}

/// A guest's standard error leads nowhere: sends a panic's text to the host's log instead.
///
/// Each call has its own instance, so the hook is set once in its life.
fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
}
