//! Answers what its configuration says.

use pointsman_sdk::auth::{self, Auth, Verdict};
use pointsman_sdk::layout::{Arrangement, Layout, Scene};
use pointsman_sdk::library::Library;
use pointsman_sdk::routing::{Plan, Routing, State};
use pointsman_sdk::selection::{self, Clip, Selection};
use pointsman_sdk::{Error, export, log};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Config {
    /// Fails with these words.
    error: Option<String>,
    /// Loops until it is cut off.
    hang: bool,
    plan: Option<Plan>,
    clip: Option<Clip>,
    arrangement: Option<Arrangement>,
    /// By the token shown, `""` without one, `renewal` when it is asked again; nobody else.
    verdicts: BTreeMap<String, Verdict>,
}

impl Config {
    fn answer<T>(self, answer: impl FnOnce(Self) -> T) -> Result<T, Error> {
        while self.hang {
            std::hint::black_box(());
        }
        match self.error {
            Some(error) => Err(Error::new(error)),
            None => Ok(answer(self)),
        }
    }
}

struct Scripted;

impl Routing for Scripted {
    type Config = Config;

    fn route(state: State, config: Config) -> Result<Plan, Error> {
        log::info(&format!("routes {}", state.stream));
        config.answer(|config| config.plan.unwrap_or_else(|| Plan::keep_declared(&state)))
    }
}

impl Selection for Scripted {
    type Config = Config;

    fn select(_: selection::Request, _: Library<'_>, config: Config) -> Result<Clip, Error> {
        let unknown = || Clip {
            asset: "unknown".to_owned(),
            ..Clip::default()
        };
        config.answer(|config| config.clip.unwrap_or_else(unknown))
    }
}

impl Layout for Scripted {
    type Config = Config;

    fn arrange(_: Scene, config: Config) -> Result<Arrangement, Error> {
        config.answer(|config| config.arrangement.unwrap_or_default())
    }
}

impl Auth for Scripted {
    type Config = Config;

    fn authorize(request: auth::Request, config: Config) -> Result<Verdict, Error> {
        config.answer(|mut config| {
            let renewed = request.renewal.then(|| config.verdicts.remove("renewal"));
            let shown = request.token.unwrap_or_default();
            let by_token = config.verdicts.remove(&shown);
            let verdict = renewed.flatten().or(by_token);
            verdict.unwrap_or_else(|| Verdict::deny("not on the list"))
        })
    }
}

export!(Scripted, kinds: [routing, selection, layout, auth], schema: "{}");
