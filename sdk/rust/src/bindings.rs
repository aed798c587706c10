//! Generated from `wit/1.0.0`; the records' documentation is the WIT files' own.

#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]

wit_bindgen::generate!({
    path: "wit/1.0.0",
    world: "routing-policy",
    pub_export_macro: true,
    export_macro_name: "export_routing_policy",
    default_bindings_module: "pointsman_sdk::bindings",
    runtime_path: "pointsman_sdk::__private::rt",
    generate_all,
    additional_derives: [Clone, PartialEq, Default, serde::Serialize, serde::Deserialize],
    additional_derives_ignore: ["level"],
});
