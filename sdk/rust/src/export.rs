//! What `export!` expands to, and the calls behind it.

use crate::Error;
use serde::de::DeserializeOwned;

pub use crate::bindings::metadata::exports::pointsman::policy::metadata::Info;

/// Makes the crate a policy.
///
/// ```text
/// export!(Policy, kinds: [routing, auth], schema: include_str!("../config.schema.json"));
/// export!(Policy, kinds: [auth], schema: SCHEMA, grants: ["http:hooks.example.com"]);
/// ```
///
/// `Policy` implements the trait of each of the `kinds`: [`Routing`](crate::routing::Routing),
/// [`Selection`](crate::selection::Selection), [`Layout`](crate::layout::Layout),
/// [`Auth`](crate::auth::Auth). `schema` is a string expression: the JSON Schema of the
/// configuration. `grants` says what it asks for beyond its sandbox, as `metadata.wit` tells.
/// Everything else of the metadata is the crate's `Cargo.toml`. Use it once in a crate.
///
/// In native tests the type is a [`testing::Policy`](crate::testing::Policy).
#[macro_export]
macro_rules! export {
    (@guest routing, $policy:ty, $component:ident) => {
        const _: () = {
            use $crate::__private::bindings::routing as bindings;
            use bindings::exports::pointsman::policy::routing::{Guest, Plan, State};

            impl Guest for $component {
                fn route(state: State, config: String) -> Result<Plan, String> {
                    $crate::__private::decide(&config, |config| {
                        <$policy as $crate::routing::Routing>::route(state, config)
                    })
                }
            }
            bindings::export_routing!($component with_types_in bindings);
        };
    };
    (@guest selection, $policy:ty, $component:ident) => {
        const _: () = {
            use $crate::__private::bindings::selection as bindings;
            use bindings::exports::pointsman::policy::selection::{
                Catalogue, Clip, Guest, Request,
            };

            impl Guest for $component {
                fn select(
                    request: Request,
                    library: Catalogue,
                    config: String,
                ) -> Result<Clip, String> {
                    let library = $crate::library::Library::over(&library);
                    $crate::__private::decide(&config, |config| {
                        <$policy as $crate::selection::Selection>::select(request, library, config)
                    })
                }
            }
            bindings::export_selection!($component with_types_in bindings);
        };
    };
    (@guest layout, $policy:ty, $component:ident) => {
        const _: () = {
            use $crate::__private::bindings::layout as bindings;
            use bindings::exports::pointsman::policy::layout::{Arrangement, Guest, Scene};

            impl Guest for $component {
                fn arrange(scene: Scene, config: String) -> Result<Arrangement, String> {
                    $crate::__private::decide(&config, |config| {
                        <$policy as $crate::layout::Layout>::arrange(scene, config)
                    })
                }
            }
            bindings::export_layout!($component with_types_in bindings);
        };
    };
    (@guest auth, $policy:ty, $component:ident) => {
        const _: () = {
            use $crate::__private::bindings::auth as bindings;
            use bindings::exports::pointsman::policy::auth::{Guest, Request, Verdict};

            impl Guest for $component {
                fn authorize(request: Request, config: String) -> Result<Verdict, String> {
                    $crate::__private::decide(&config, |config| {
                        <$policy as $crate::auth::Auth>::authorize(request, config)
                    })
                }
            }
            bindings::export_auth!($component with_types_in bindings);
        };
    };
    (@answer routing, $policy:ty, $question:ident, $library:ident, $config:ident) => {
        if let $crate::testing::Question::Routing(state) = $question {
            let plan = $crate::__private::decide($config, |config| {
                <$policy as $crate::routing::Routing>::route(state, config)
            });
            return plan.map($crate::testing::Answer::Routing);
        }
    };
    (@answer selection, $policy:ty, $question:ident, $library:ident, $config:ident) => {
        if let $crate::testing::Question::Selection(request) = $question {
            let clip = $crate::__private::decide($config, |config| {
                <$policy as $crate::selection::Selection>::select(request, $library, config)
            });
            return clip.map($crate::testing::Answer::Selection);
        }
    };
    (@answer layout, $policy:ty, $question:ident, $library:ident, $config:ident) => {
        if let $crate::testing::Question::Layout(scene) = $question {
            let arrangement = $crate::__private::decide($config, |config| {
                <$policy as $crate::layout::Layout>::arrange(scene, config)
            });
            return arrangement.map($crate::testing::Answer::Layout);
        }
    };
    (@answer auth, $policy:ty, $question:ident, $library:ident, $config:ident) => {
        if let $crate::testing::Question::Auth(request) = $question {
            let verdict = $crate::__private::decide($config, |config| {
                <$policy as $crate::auth::Auth>::authorize(request, config)
            });
            return verdict.map($crate::testing::Answer::Auth);
        }
    };
    (@$_rule:ident $kind:ident, $($_rest:tt)*) => {
        compile_error!(concat!(
            "no kind of policy is called `", stringify!($kind),
            "`: there are routing, selection, layout and auth"
        ));
    };
    (
        $policy:ty,
        kinds: [$($kind:ident),+ $(,)?],
        schema: $schema:expr
        $(, grants: [$($grant:expr),* $(,)?])?
        $(,)?
    ) => {
        const _: () = {
            fn info() -> $crate::__private::Info {
                $crate::__private::Info {
                    name: env!("CARGO_PKG_NAME").into(),
                    version: env!("CARGO_PKG_VERSION").into(),
                    description: env!("CARGO_PKG_DESCRIPTION").into(),
                    author: env!("CARGO_PKG_AUTHORS").into(),
                    license: env!("CARGO_PKG_LICENSE").into(),
                    kinds: vec![$(stringify!($kind).into()),+],
                    config_schema: $schema.into(),
                    grants: vec![$($($grant.into()),*)?],
                    attributes: Vec::new(),
                }
            }

            // The exports' names hold colons, which native linkers do not take.
            #[cfg(target_family = "wasm")]
            const _: () = {
                use $crate::__private::bindings::metadata as bindings;

                struct Component;

                impl bindings::exports::pointsman::policy::metadata::Guest for Component {
                    fn describe() -> $crate::__private::Info {
                        info()
                    }
                }
                bindings::export_metadata!(Component with_types_in bindings);
                $($crate::export!(@guest $kind, $policy, Component);)+
            };

            #[cfg(not(target_family = "wasm"))]
            impl $crate::testing::Policy for $policy {
                fn describe() -> $crate::__private::Info {
                    info()
                }

                fn answer(
                    question: $crate::testing::Question,
                    library: $crate::library::Library<'_>,
                    config: &str,
                ) -> Result<$crate::testing::Answer, String> {
                    let _ = library; // only one kind is lent a library
                    $($crate::export!(@answer $kind, $policy, question, library, config);)+
                    Err("the policy is not of the kind that was asked".to_owned())
                }
            }
        };
    };
}

/// One decision: reads the configuration and asks the policy.
pub fn decide<C: DeserializeOwned, A>(
    config: &str,
    policy: impl FnOnce(C) -> Result<A, Error>,
) -> Result<A, String> {
    log_panics();
    let config = serde_json::from_str(config).map_err(|error| {
        format!("the configuration passed its schema but not the policy: {error}")
    })?;
    policy(config).map_err(|error| error.to_string())
}

/// A guest's standard error leads nowhere: sends a panic's text to the host's log instead.
///
/// Each call has its own instance, so the hook is set once in its life.
fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
}
