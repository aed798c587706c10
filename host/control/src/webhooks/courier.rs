//! Carries the events that a webhook wants to its URL, one after another.

use super::Patience;
use super::collapse::Said;
use super::hook::{Delivery, Hook};
use super::send::{Sender, Verdict};
use crate::clock::unix_ms;
use crate::journal::{Filter, Item, Journal, Told};
use bytes::Bytes;
use link::Backoff;
use model::{StreamPattern, Who};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A receiver that asks for more patience than this does not get it.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// What is sent.
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) body: Bytes,
}

/// Runs until it is aborted.
pub(super) async fn run(hook: Arc<Hook>, journal: Journal, sender: Sender, patience: Patience) {
    let mut cursor = journal.listen(filter(&hook), hook.position());
    let mut said = Said::default();
    loop {
        match cursor.next().await {
            Item::Event(told) => {
                if said.repeats(&told.event) {
                    hook.count(|figures| figures.collapsed += 1);
                } else {
                    deliver(&hook, &told, &sender, patience).await;
                }
                hook.done_with(told.position);
            }
            Item::TooSlow(count) | Item::Missed(Some(count)) => {
                hook.count(|figures| figures.dropped += count);
                let webhook = &hook.spec.name;
                tracing::warn!(%webhook, code = "webhook-overtaken", count, "events came faster than the webhook took them; so many are lost");
            }
            Item::Hello(position) => hook.done_with(position),
            Item::Missed(None) | Item::Figures(_) => {}
        }
    }
}

/// A webhook is declared for the whole host by who may; it hears what its pattern fits.
fn filter(hook: &Hook) -> Filter {
    let spec = &hook.spec;
    let mut filter = Filter::of(Who::host());
    if spec.streams != StreamPattern::any() {
        filter = filter.streams(spec.streams.clone());
    }
    filter.events(&spec.events)
}

/// Tries until it arrives or the tries are used up. The id stays the same, so that a receiver that
/// took it and could not say so knows it again.
async fn deliver(hook: &Hook, told: &Told, sender: &Sender, patience: Patience) {
    let letter = Letter {
        id: told.position.to_string(),
        kind: told.event.kind(),
        body: told.message.json(),
    };
    let seed = RandomState::new().hash_one(&letter.id);
    let mut backoff = Backoff::new(patience.retry, seed);
    for attempt in 1.. {
        let (mut delivery, verdict) =
            attempt_of(hook, &letter, attempt, sender, patience.timeout).await;
        let wait = match verdict {
            Verdict::Taken | Verdict::Never => None,
            Verdict::Again(asked) => backoff
                .fail()
                .map(|wait| wait.max(asked.unwrap_or_default()).min(LONGEST_WAIT)),
        };
        let delivered = delivery.delivered;
        delivery.next_attempt_unix_ms = wait.map(|wait| unix_ms() + wait.as_millis() as u64);
        let error = delivery.error.clone().unwrap_or_default();
        hook.note(delivery);
        let Some(wait) = wait else {
            hook.count(|figures| match delivered {
                true => figures.delivered += 1,
                false => figures.failed += 1,
            });
            if !delivered {
                let webhook = &hook.spec.name;
                tracing::warn!(%webhook, code = "webhook-failed", "an event was not taken, and is given up: {error}");
            }
            return;
        };
        hook.count(|figures| figures.retries += 1);
        tokio::time::sleep(wait).await;
    }
}

/// One try that is no part of a row.
pub(super) async fn attempt(
    hook: &Hook,
    letter: &Letter,
    attempt: u32,
    sender: &Sender,
    limit: Duration,
) -> (Delivery, Verdict) {
    let (delivery, verdict) = attempt_of(hook, letter, attempt, sender, limit).await;
    hook.note(delivery.clone());
    (delivery, verdict)
}

async fn attempt_of(
    hook: &Hook,
    letter: &Letter,
    attempt: u32,
    sender: &Sender,
    limit: Duration,
) -> (Delivery, Verdict) {
    let (at_unix_ms, begun) = (unix_ms(), Instant::now());
    let answer = sender
        .send(&hook.spec, letter, at_unix_ms / 1_000, limit)
        .await;
    let delivery = Delivery {
        id: letter.id.clone(),
        kind: letter.kind,
        at_unix_ms,
        attempt,
        delivered: matches!(answer.verdict, Verdict::Taken),
        status: answer.status,
        duration_ms: begun.elapsed().as_millis() as u64,
        error: answer.error,
        next_attempt_unix_ms: None,
    };
    (delivery, answer.verdict)
}
