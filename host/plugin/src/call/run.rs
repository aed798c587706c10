//! A guest's run within its limits.

use super::CallError;
use crate::bindings::v1_0_0;
use crate::bounds;
use crate::component::Component;
use crate::guest::{FUEL, Guest};
use crate::home::Home;
use crate::hosting::{Hosting, Pause};
use crate::log::cut;
use crate::tape::Tape;
use model::{Answer, Question};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

/// The least time between two looks at a call that waits for the world.
const LOOK: Duration = Duration::from_millis(5);

/// What a decision came to, and what it took.
pub(crate) struct Ran {
    pub(crate) result: Result<Answer, CallError>,
    pub(crate) tape: Tape,
    pub(crate) memory_bytes: usize,
    pub(crate) fuel: Option<u64>,
}

/// Room for one instance. Kept until the instance is gone and what it took of the pool is back:
/// whoever gets the room next finds it there.
struct Room<'a> {
    home: &'a Home,
    _own: SemaphorePermit<'a>,
    _shared: SemaphorePermit<'a>,
}

/// Who ended a run before its end.
#[derive(Clone, Copy)]
enum Cut {
    /// The clock.
    Late,
    /// It was never begun: no instance became free.
    Busy,
}

impl Component {
    /// One decision, by a fresh instance.
    pub(crate) async fn decide(
        &self,
        home: &Home,
        question: &Question,
        config: &str,
        hosting: Hosting,
    ) -> Ran {
        let pause = Arc::clone(&hosting.pause);
        let room = home.room().await;
        let mut store = Guest::store(home, hosting);
        let outcome = match &room {
            Ok(room) => {
                let run = self.policy.ask(&mut store, question, config);
                room.bounded(&pause, run).await
            }
            Err(cut) => Err(*cut),
        };
        let result = home.judge(store.data_mut(), outcome);
        let result = result.and_then(|answer| match answer {
            Some(Ok(answer)) => bounds::check(&answer).map(|()| answer),
            Some(Err(said)) => Err(CallError::Refused(cut(said, bounds::MAX_TEXT_BYTES))),
            None => Err(CallError::Missing {
                kind: question.kind().as_str(),
            }),
        });
        let fuel = home.runtime.counts_fuel.then(|| store.get_fuel().ok());
        let guest = store.into_data();
        Ran {
            result,
            memory_bytes: guest.memory_bytes(),
            tape: guest.hosting.into_tape(),
            fuel: fuel.flatten().map(|left| FUEL.saturating_sub(left)),
        }
    }
}

impl Home {
    /// What a component says of itself, by its first instance, whose types are checked; the outer
    /// error is theirs.
    pub(crate) async fn describe(
        &self,
        policy: &v1_0_0::Policy,
        hosting: Hosting,
    ) -> Result<wasmtime::Result<v1_0_0::Info>, CallError> {
        let pause = Arc::clone(&hosting.pause);
        let room = self.room().await.map_err(|cut| self.cut(cut))?;
        let mut store = Guest::store(self, hosting);
        let run = async {
            let instance = policy.instantiate(&mut store).await?;
            if let Err(wrong) = policy.check_types(&mut store, &instance) {
                return Ok(Err(wrong));
            }
            policy.describe(&mut store, &instance).await.map(Ok)
        };
        let outcome = room.bounded(&pause, run).await;
        self.judge(store.data_mut(), outcome)
    }

    /// Waits for room for one more instance.
    async fn room(&self) -> Result<Room<'_>, Cut> {
        let wall = self.limits.wall();
        // Its own first: a plugin that waits for itself must not keep others out.
        let own = permit(&self.slots, wall).await?;
        let shared = permit(&self.runtime.slots, wall).await?;
        Ok(Room {
            home: self,
            _own: own,
            _shared: shared,
        })
    }

    /// What the run of a guest came to.
    fn judge<T>(
        &self,
        guest: &mut Guest,
        outcome: Result<wasmtime::Result<T>, Cut>,
    ) -> Result<T, CallError> {
        guest.take_output();
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(CallError::of(guest, &self.limits, &error)),
            Err(cut) => Err(self.cut(cut)),
        }
    }

    fn cut(&self, cut: Cut) -> CallError {
        match cut {
            Cut::Late => CallError::deadline(&self.limits),
            Cut::Busy => CallError::busy(&self.limits),
        }
    }
}

impl Room<'_> {
    /// Runs a guest under the clock.
    async fn bounded<T>(
        &self,
        pause: &Pause,
        run: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<wasmtime::Result<T>, Cut> {
        let wall = self.home.limits.wall();
        let _running = self.home.runtime.running();
        let mut run = pin!(run);
        let began = Instant::now();
        let mut due = began + wall;
        loop {
            if let Ok(ended) = timeout_at(due, &mut run).await {
                return Ok(ended);
            }
            let later = began + wall + pause.total();
            if later <= due {
                return Err(Cut::Late);
            }
            due = later.max(due + LOOK);
        }
    }
}

async fn permit(slots: &Semaphore, wall: Duration) -> Result<SemaphorePermit<'_>, Cut> {
    // Nearly always there is one, and then nothing need be timed.
    if let Ok(permit) = slots.try_acquire() {
        return Ok(permit);
    }
    match timeout(wall, slots.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        // Closed never happens.
        Ok(Err(_)) | Err(_) => Err(Cut::Busy),
    }
}
