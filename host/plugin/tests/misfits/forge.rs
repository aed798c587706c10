//! Components of a few hundred bytes, written by hand: each compiles in milliseconds.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What a misfit does; the rest of it is a routing policy that wants nothing.
#[derive(Clone, Copy, Default)]
pub(crate) struct Misfit<'a> {
    /// Imports, globals and other functions.
    pub(crate) fields: &'a str,
    /// What it does before it answers.
    pub(crate) route: &'a str,
    /// What it does before it says who it is.
    pub(crate) describe: &'a str,
    /// Its configuration schema.
    pub(crate) schema: &'a str,
}

/// Where the answer is: `result<plan, string>`, all zeros, which is a plan that wants nothing.
const ANSWER: u32 = 4096;
/// Within it: the plan's reason, pointer and length.
pub(crate) const REASON: u32 = ANSWER + 72;
/// Within it: the plan's source on air, a discriminant, pointer and length.
pub(crate) const ON_AIR: u32 = ANSWER + 4;

/// A stream's state and the configuration, flattened: name, time, offset from UTC, labels, sources,
/// outputs, readers, attributes; configuration.
const QUESTION: &str = "(param i32 i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)";

impl Misfit<'_> {
    /// The component.
    pub(crate) fn forge(self) -> Vec<u8> {
        self.forge_in("pointsman:policy/routing-policy")
    }

    /// The component, with the exports of this world.
    fn forge_in(self, world: &str) -> Vec<u8> {
        let mut module = wat::parse_str(self.text()).unwrap();
        let mut resolve = Resolve::default();
        let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/1.0.0");
        let (package, _) = resolve.push_dir(wit).unwrap();
        let foreign = resolve.push_str("foreign.wit", FOREIGN).unwrap();
        let world = resolve
            .select_world(&[package, foreign], Some(world))
            .unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .unwrap();
        let encoded = ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .and_then(|encoder| encoder.encode());
        encoded.unwrap()
    }

    fn text(self) -> String {
        let Self {
            fields,
            route,
            describe,
            schema,
        } = self;
        let schema = if schema.is_empty() { "{}" } else { schema };
        let words = format!("misfit1.0.0routing{schema}");
        // Name, version, description, author, licence; kinds; schema; grants; attributes.
        let info = [
            1024,
            6,
            1030,
            5,
            0,
            0,
            0,
            0,
            0,
            0,
            2200,
            1,
            1042,
            schema.len() as u32,
            0,
            0,
            0,
            0,
        ];
        format!(
            r#"(module
                {fields}
                (memory (export "memory") 2)
                (data (i32.const 1024) "{words}")
                (data (i32.const 2048) "{info}")
                (data (i32.const 2200) "{kind}")
                (global $free (mut i32) (i32.const 8192))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                    (global.set $free (i32.add (local.get $at) (local.get 3)))
                    (local.get $at))
                (func (export "pointsman:policy/metadata@1.0.0#describe") (result i32)
                    {describe}
                    (i32.const 2048))
                (func $route (export "pointsman:policy/routing@1.0.0#route") {QUESTION} (result i32)
                    (local $n i32)
                    {route}
                    (i32.const {ANSWER})))"#,
            words = words.replace('"', "\\\""),
            info = bytes(&info),
            kind = bytes(&[1035, 7]),
        )
    }
}

/// Words of memory, as a string of the text format.
fn bytes(words: &[u32]) -> String {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    bytes.map(|byte| format!("\\{byte:02x}")).collect()
}

/// What the host has never heard of, beside what it knows.
const FOREIGN: &str = "package acme:foreign@2.0.0;
    interface telemetry { sample: func() -> u32; }
    world observed-policy {
        include pointsman:policy/routing-policy@1.0.0;
        export telemetry;
        export version: func() -> u32;
    }";

/// A routing policy that exports more than the host knows.
pub(crate) fn with_foreign_exports() -> Vec<u8> {
    let misfit = Misfit {
        fields: r#"
            (func (export "acme:foreign/telemetry@2.0.0#sample") (result i32) (i32.const 7))
            (func (export "version") (result i32) (i32.const 2))"#,
        ..Misfit::default()
    };
    misfit.forge_in("acme:foreign/observed-policy")
}

/// A policy that sends a request to this URL, and traps if it gets an answer.
pub(crate) fn asks(url: &str) -> Vec<u8> {
    // Method, URL, no headers, no body, no time-out; the answer's discriminant is at 9504.
    let fields = format!(
        r#"(import "pointsman:policy/http@1.0.0" "fetch"
            (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
         (func $ask
            (call $fetch (i32.const 9000) (i32.const 3) (i32.const 9003) (i32.const {len})
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 9504))
            (if (i32.eqz (i32.load8_u (i32.const 9504))) (then unreachable)))
         (data (i32.const 9000) "GET{url}")"#,
        len = url.len()
    );
    let misfit = Misfit {
        fields: &fields,
        route: "(call $ask)",
        ..Misfit::default()
    };
    misfit.forge()
}
