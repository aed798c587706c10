//! Is of every kind and uses every import.

use pointsman_sdk::auth::{self, Auth, Verdict};
use pointsman_sdk::layout::{Arrangement, Layout, Scene};
use pointsman_sdk::library::{Filter, Library, Order};
use pointsman_sdk::routing::{Plan, Routing, State};
use pointsman_sdk::selection::{self, Clip, Selection};
use pointsman_sdk::{Error, clock, export, http, kv, log, random};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {}

struct Everything;

impl Routing for Everything {
    type Config = Config;

    fn route(state: State, _: Config) -> Result<Plan, Error> {
        log::info(&format!("{} at {}", state.stream, clock::now_unix_ms()));
        Ok(Plan::keep_declared(&state))
    }
}

impl Selection for Everything {
    type Config = Config;

    fn select(_: selection::Request, library: Library<'_>, _: Config) -> Result<Clip, Error> {
        let count = library.count(&Filter::all());
        let place = random::below(count.into()) as u32;
        let page = library.page(&Filter::all(), Order::Id, place, 1);
        let asset = page
            .first()
            .ok_or_else(|| Error::new("the library is empty"))?;
        Ok(Clip::whole(asset))
    }
}

impl Layout for Everything {
    type Config = Config;

    fn arrange(_: Scene, _: Config) -> Result<Arrangement, Error> {
        let seen = kv::update("seen", |seen: Option<u64>| seen.unwrap_or(0) + 1)?;
        Ok(Arrangement {
            reason: format!("seen {seen}"),
            ..Arrangement::default()
        })
    }
}

impl Auth for Everything {
    type Config = Config;

    fn authorize(_: auth::Request, _: Config) -> Result<Verdict, Error> {
        let response = http::fetch(&http::Request::get("https://auth.example.com/"))?;
        Ok(Verdict {
            allow: response.is_success(),
            ..Verdict::default()
        })
    }
}

export!(
    Everything,
    kinds: [routing, selection, layout, auth],
    schema: "{}",
    grants: ["http:auth.example.com"],
);
