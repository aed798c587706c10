//! Misbehaves as its configuration says.

use pointsman_sdk::routing::{Output, Plan, Routing, State};
use pointsman_sdk::{Error, export, log};
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
    Refuse,
    CountCalls,
}

#[derive(Deserialize)]
struct Config {
    act: Act,
}

struct Hostile;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

impl Routing for Hostile {
    type Config = Config;

    fn route(_: State, config: Config) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        let output = |name: String| Output::to(name, "udp://127.0.0.1:1");
        match config.act {
            Act::Behave => {}
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

export!(Hostile, kinds: [routing], schema: r#"{
    "type": "object", "required": ["act"],
    "properties": { "act": { "type": "string", "pattern": "^[a-z-]+$" } }
}"#);
