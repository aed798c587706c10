//! Generated from `wit/1.0.0`; the records' documentation is the WIT files' own.
//!
//! One module for each kind, each a world that exports this one interface: a component's type is
//! the union of the worlds it used, so it exports just the kinds that it asked for. Of the
//! imports, which are in a world of their own, those that nobody calls are left out.
//!
//! The attributes give the records the JSON form that the host has in its decision log: names in
//! snake case, what is left out has its default, and labels, attributes and params are objects.

#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]

/// What the host offers.
pub mod host {
    wit_bindgen::generate!({
        path: "wit/1.0.0",
        inline: "
            package pointsman:sdk;
            world host {
                import pointsman:policy/log@1.0.0;
                import pointsman:policy/clock@1.0.0;
                import pointsman:policy/random@1.0.0;
                import pointsman:policy/kv@1.0.0;
                import pointsman:policy/http@1.0.0;
                import pointsman:policy/library@1.0.0;
            }
        ",
        generate_all,
        runtime_path: "pointsman_sdk::__private::rt",
        additional_derives: [Clone, PartialEq, Default, serde::Serialize, serde::Deserialize],
        additional_derives_ignore: ["level", "order", "error"],
        additional_type_attributes: {
            "pointsman:policy/library@1.0.0/asset": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/library@1.0.0/played-segment": [#[serde(deny_unknown_fields)]],
        },
        additional_member_attributes: {
            "pointsman:policy/library@1.0.0/asset.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
        },
    });
}

/// What every component exports.
pub mod metadata {
    wit_bindgen::generate!({
        path: "wit/1.0.0",
        inline: "
            package pointsman:sdk;
            world metadata { export pointsman:policy/metadata@1.0.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_metadata",
        default_bindings_module: "pointsman_sdk::bindings::metadata",
        runtime_path: "pointsman_sdk::__private::rt",
        additional_derives: [Clone, PartialEq],
    });
}

/// The kind `routing`.
pub mod routing {
    wit_bindgen::generate!({
        path: "wit/1.0.0",
        inline: "
            package pointsman:sdk;
            world routing { export pointsman:policy/routing@1.0.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_routing",
        default_bindings_module: "pointsman_sdk::bindings::routing",
        runtime_path: "pointsman_sdk::__private::rt",
        additional_derives: [Clone, PartialEq, Default, serde::Serialize, serde::Deserialize],
        additional_type_attributes: {
            "pointsman:policy/routing@1.0.0/state": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/source": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/video": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/audio": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/output-state":
                [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/plan": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/output": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/alert": [#[serde(deny_unknown_fields)]],
            "pointsman:policy/routing@1.0.0/severity":
                [#[derive(Hash)] #[serde(rename_all = "lowercase")]],
        },
        additional_member_attributes: {
            "pointsman:policy/routing@1.0.0/severity.info": [#[default]],
            "pointsman:policy/routing@1.0.0/state.labels":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/state.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/source.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/video.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/audio.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/output-state.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/plan.labels":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/plan.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/output.params":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/routing@1.0.0/output.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
        },
    });
}

/// The kind `selection`.
pub mod selection {
    wit_bindgen::generate!({
        path: "wit/1.0.0",
        inline: "
            package pointsman:sdk;
            world selection { export pointsman:policy/selection@1.0.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_selection",
        default_bindings_module: "pointsman_sdk::bindings::selection",
        runtime_path: "pointsman_sdk::__private::rt",
        with: {
            "pointsman:policy/library@1.0.0":
                pointsman_sdk::bindings::host::pointsman::policy::library,
        },
        additional_derives: [Clone, PartialEq, Default, serde::Serialize, serde::Deserialize],
        additional_type_attributes: {
            "pointsman:policy/selection@1.0.0/request": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/selection@1.0.0/item": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/selection@1.0.0/clip": [#[serde(default, deny_unknown_fields)]],
        },
        additional_member_attributes: {
            "pointsman:policy/selection@1.0.0/request.labels":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/selection@1.0.0/request.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/selection@1.0.0/clip.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
        },
    });
}

/// The kind `layout`.
pub mod layout {
    wit_bindgen::generate!({
        path: "wit/1.0.0",
        inline: "
            package pointsman:sdk;
            world layout { export pointsman:policy/layout@1.0.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_layout",
        default_bindings_module: "pointsman_sdk::bindings::layout",
        runtime_path: "pointsman_sdk::__private::rt",
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
        // A tile's default is the whole source, opaque; it is written by hand.
        additional_type_attributes: {
            "pointsman:policy/layout@1.0.0/rect":
                [#[derive(Default)] #[serde(deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/canvas":
                [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/screen":
                [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/bezel":
                [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/source":
                [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/scene":
                [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/border":
                [#[derive(Default)] #[serde(deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/tile": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/layout@1.0.0/arrangement":
                [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
        },
        additional_member_attributes: {
            "pointsman:policy/layout@1.0.0/canvas.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/layout@1.0.0/source.labels":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/layout@1.0.0/source.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/layout@1.0.0/scene.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/layout@1.0.0/tile.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/layout@1.0.0/arrangement.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
        },
    });
}

/// The kind `auth`.
pub mod auth {
    wit_bindgen::generate!({
        path: "wit/1.0.0",
        inline: "
            package pointsman:sdk;
            world auth { export pointsman:policy/auth@1.0.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_auth",
        default_bindings_module: "pointsman_sdk::bindings::auth",
        runtime_path: "pointsman_sdk::__private::rt",
        additional_derives: [Clone, PartialEq, Default, serde::Serialize, serde::Deserialize],
        additional_type_attributes: {
            "pointsman:policy/auth@1.0.0/action":
                [#[derive(Hash)] #[serde(rename_all = "lowercase")]],
            "pointsman:policy/auth@1.0.0/request": [#[serde(default, deny_unknown_fields)]],
            "pointsman:policy/auth@1.0.0/verdict": [#[serde(default, deny_unknown_fields)]],
        },
        additional_member_attributes: {
            "pointsman:policy/auth@1.0.0/action.read": [#[default]],
            "pointsman:policy/auth@1.0.0/request.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
            "pointsman:policy/auth@1.0.0/verdict.attributes":
                [#[serde(with = "pointsman_sdk::json::pairs")]],
        },
    });
}
