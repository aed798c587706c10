//! What one call gets of the host, whatever version of the WIT package it speaks: time, random
//! numbers, its store, the library and requests. Every answer that does not follow from the
//! call's input goes on the call's tape, and in a replay comes from there.

mod fetch;
mod kv;
mod library;
mod pause;
mod random;
mod replay;

use crate::call::Mode;
use crate::home::Home;
use crate::http::{Answer, HttpError};
use crate::kv::KvError;
use crate::tape::{Recorder, Tape};
use fetch::Http;
use kv::Kv;
use library::Lent;
use model::selection::Library;
pub(crate) use pause::Pause;
pub(crate) use random::{Random, Seeds};
use replay::Player;
use std::sync::Arc;

/// The world of a fixture.
pub(crate) struct Scripted {
    /// What is in the plugin's store, each at revision 1.
    pub(crate) entries: Vec<(String, Vec<u8>)>,
    /// Method, URL and what is answered.
    pub(crate) answers: Vec<(String, String, Result<Answer, HttpError>)>,
}

/// What one call gets of the host.
pub(crate) struct Hosting {
    pub(crate) now_unix_ms: u64,
    pub(crate) random: Random,
    pub(crate) pause: Arc<Pause>,
    recorder: Recorder,
    kv: Kv,
    library: Lent,
    http: Http,
    player: Option<Player>,
}

impl Hosting {
    /// For a call of a decision.
    pub(crate) fn of_call(
        home: &Home,
        grants: &Arc<[String]>,
        now_unix_ms: u64,
        library: Option<Arc<dyn Library>>,
        mode: Mode,
    ) -> Self {
        let (seed, player) = match &mode {
            Mode::Live | Mode::Trial => (home.runtime.seeds.next(), None),
            Mode::Replay(tape) => (tape.seed, Some(Player::new(Arc::clone(tape)))),
        };
        let (kv, http) = match mode {
            Mode::Live => (Kv::live(&home.cupboard), Http::open(home, grants)),
            Mode::Trial => (Kv::copy(&home.cupboard), Http::open(home, grants)),
            Mode::Replay(_) => (Kv::empty(&home.cupboard), Http::Closed),
        };
        Self {
            now_unix_ms,
            random: Random::new(seed),
            pause: Arc::default(),
            recorder: Recorder::new(seed),
            kv,
            library: Lent(library),
            http,
            player,
        }
    }

    /// For the trial of a component: nothing is kept, and nothing is sent.
    pub(crate) fn of_trial(
        home: &Home,
        now_unix_ms: u64,
        library: Option<Arc<dyn Library>>,
    ) -> Self {
        let seed = home.runtime.seeds.next();
        Self {
            now_unix_ms,
            random: Random::new(seed),
            pause: Arc::default(),
            recorder: Recorder::new(seed),
            kv: Kv::copy(&home.cupboard),
            library: Lent(library),
            http: Http::Closed,
            player: None,
        }
    }

    /// For a fixture: the same each time, and of the world only what the fixture holds.
    pub(crate) fn of_fixture(
        home: &Home,
        now_unix_ms: u64,
        library: Arc<dyn Library>,
        scripted: Scripted,
    ) -> Result<Self, KvError> {
        Ok(Self {
            now_unix_ms,
            random: Random::new(0),
            pause: Arc::default(),
            recorder: Recorder::new(0),
            kv: Kv::of(&home.cupboard, scripted.entries)?,
            library: Lent(Some(library)),
            http: Http::Scripted(scripted.answers),
            player: None,
        })
    }

    /// What the call used, at its end.
    pub(crate) fn into_tape(self) -> Tape {
        self.recorder.into_tape()
    }
}
