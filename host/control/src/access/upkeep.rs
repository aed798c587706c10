//! What has to be done now and then: read what could not be read at the start, write when things
//! were used and what was refused, end sessions.

use super::Access;
use super::state::State;
use model::accounts::Change;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often something may be due.
const LOOK: Duration = Duration::from_secs(2);

/// Of these looks, every so many write down what was used.
const WRITE_EVERY: u32 = 30;

/// Every so many remove what is old.
const PRUNE_EVERY: u32 = 1_800;

/// And every so many what was refused.
const TELL_EVERY: u32 = 5;

impl Access {
    /// Reads who is known, if that was not done yet. Nobody else writes it while a host runs.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn look(&self) -> Result<(), String> {
        let _turn = self.0.turn.lock().await;
        if let (Some(roll), false) = (&self.0.roll, self.state().read) {
            let kept = roll.read().await?;
            self.0.state.store(Arc::new(State::from_kept(kept)));
        }
        Ok(())
    }

    /// Runs until `stop`; then writes what is left.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = 0u32;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => break,
            }
            count = count.wrapping_add(1);
            // The store says in the log that the database does not answer.
            let _ = self.look().await;
            if count.is_multiple_of(TELL_EVERY) {
                self.tell().await;
            }
            if let (Some(roll), true) = (&self.0.roll, count.is_multiple_of(PRUNE_EVERY)) {
                let _ = roll.prune().await;
            }
            if count.is_multiple_of(WRITE_EVERY) {
                self.write().await;
            }
        }
        self.tell().await;
        self.write().await;
    }

    /// Writes what was refused. It is lost if that fails: whoever is refused must not be able to
    /// fill memory.
    async fn tell(&self) {
        let lines = self.0.refused.lock().take();
        if let (Some(roll), false) = (&self.0.roll, lines.is_empty()) {
            let _ = roll.keep(&[], &lines).await;
        }
    }

    /// Writes when things were used, and removes sessions that have ended.
    async fn write(&self) {
        let _turn = self.0.turn.lock().await;
        let state = self.state();
        let used = state.unwritten();
        let ended = self.ended();
        let changes: Vec<Change> = used.into_iter().chain(ended).collect();
        let Some(roll) = &self.0.roll else {
            return self.forget(&changes);
        };
        if !changes.is_empty() && roll.keep(&changes, &[]).await.is_ok() {
            state.are_written(&changes);
            self.forget(&changes);
        }
    }

    fn forget(&self, changes: &[Change]) {
        let mut next = State::clone(&self.state());
        for change in changes {
            next.apply(change.clone());
        }
        self.0.state.store(Arc::new(next));
    }
}
