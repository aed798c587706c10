//! Misbehaves as its configuration says.

use pointsman_sdk::auth::{self, Auth, Verdict};
use pointsman_sdk::layout::{Arrangement, Layout, Rect, Scene, Tile};
use pointsman_sdk::library::Library;
use pointsman_sdk::routing::{Output, Plan, Routing, State};
use pointsman_sdk::selection::{self, Clip, Selection};
use pointsman_sdk::{Error, export, http, kv, log};
use serde::Deserialize;
use std::cell::Cell;
use std::hint::black_box;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Behave,
    Panic,
    Loop,
    Recurse,
    Hog,
    Giant,
    ManyOutputs,
    TwinOutputs,
    LongName,
    LogFlood,
    KvFlood,
    BulkCopy,
    Impossible,
    Refuse,
    CountCalls,
    UnknownNames,
    /// Fails in another way each time, as the token says.
    Fickle,
    Fetch,
    #[serde(rename = "panic-on-cam2")]
    PanicOnCam2,
}

#[derive(Deserialize)]
struct Config {
    act: Act,
    /// Only for streams whose names begin so; for others it behaves.
    on: Option<String>,
}

struct Hostile;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

impl Routing for Hostile {
    type Config = Config;

    fn route(state: State, config: Config) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        let output = |name: String| Output::to(name, "udp://127.0.0.1:1");
        if let Some(prefix) = &config.on {
            plan = Plan::keep_declared(&state);
            if !state.stream.starts_with(prefix.as_str()) {
                return Ok(plan);
            }
        }
        match config.act {
            Act::Behave | Act::Fickle => {}
            Act::Panic => panic!("the points are frozen"),
            Act::Loop => loop {
                black_box(());
            },
            Act::Recurse => plan.reason = deeper(0).to_string(),
            Act::Hog => hog(),
            Act::Giant => plan.reason = "x".repeat(3 << 20),
            Act::ManyOutputs => plan.outputs = (0..201).map(|n| output(n.to_string())).collect(),
            Act::TwinOutputs => plan.outputs = vec![output("x".into()), output("x".into())],
            Act::LongName => plan.outputs = vec![output("x".repeat(129))],
            Act::KvFlood => plan.reason = kv_flood(),
            Act::BulkCopy => bulk_copy(),
            Act::PanicOnCam2 => assert_ne!(state.stream, "live/cam2", "the points are frozen"),
            Act::Impossible => {}
            Act::UnknownNames => {
                plan.on_air = Some("nobody".to_owned());
                plan.failover = vec!["nobody-else".to_owned()];
                plan.outputs.push(Output::declared("nowhere"));
            }
            Act::Fetch => {
                http::fetch(&http::Request::get("http://127.0.0.1:1/"))?;
            }
            Act::LogFlood => (0..10_000).for_each(|n| log::warn(&format!("line {n}"))),
            Act::Refuse => return Err(Error::new("not this stream")),
            Act::CountCalls => {
                let calls = CALLS.get() + 1;
                CALLS.set(calls);
                plan.reason = calls.to_string();
            }
        }
        Ok(plan)
    }
}

#[expect(unconditional_recursion)] // on purpose: it runs out of stack
fn deeper(depth: u64) -> u64 {
    black_box(deeper(black_box(depth + 1))) + 1
}

fn hog() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Writes until nothing goes in any more; tells how much did.
fn kv_flood() -> String {
    let full = |n: &u32| kv::set(&format!("key {n}"), &[0; 1_000]).is_err();
    let written = (0..10_000).find(full).unwrap_or(10_000);
    format!("{written} entries")
}

/// A single instruction that moves megabytes, over and over: the clock cannot cut it short.
fn bulk_copy() {
    let mut bytes = vec![1_u8; 4 << 20];
    loop {
        bytes.copy_within(..2 << 20, 2 << 20);
        black_box(&mut bytes);
    }
}

impl Layout for Hostile {
    type Config = Config;

    fn arrange(_: Scene, config: Config) -> Result<Arrangement, Error> {
        let x = if matches!(config.act, Act::Impossible) { f64::NAN } else { 0.0 };
        let tile = Tile {
            source: "nothing".to_owned(),
            part: Rect::WHOLE,
            area: Rect::new(x, 0.0, 10.0, 10.0),
            alpha: 1.0,
            ..Tile::default()
        };
        Ok(Arrangement {
            tiles: vec![tile],
            ..Arrangement::default()
        })
    }
}

impl Selection for Hostile {
    type Config = Config;

    fn select(_: selection::Request, _: Library<'_>, config: Config) -> Result<Clip, Error> {
        let end_ms = matches!(config.act, Act::Impossible).then_some(5);
        Ok(Clip {
            asset: "nothing".to_owned(),
            start_ms: 7,
            end_ms,
            ..Clip::default()
        })
    }
}

impl Auth for Hostile {
    type Config = Config;

    fn authorize(request: auth::Request, config: Config) -> Result<Verdict, Error> {
        match config.act {
            Act::Fickle if request.token.is_some_and(|it| it.starts_with("panic")) => {
                panic!("the points are frozen")
            }
            Act::Fickle => Err(Error::new("not this peer")),
            Act::Panic => panic!("the points are frozen"),
            Act::Impossible => Ok(Verdict {
                stream: Some("../../etc/passwd".to_owned()),
                ..Verdict::allow("")
            }),
            _ => Ok(Verdict::allow("anybody")),
        }
    }
}

export!(Hostile, kinds: [routing, layout, selection, auth], schema: r#"{
    "type": "object", "required": ["act"],
    "properties": { "act": { "type": "string", "pattern": "^[a-z0-9-]+$" } }
}"#);
