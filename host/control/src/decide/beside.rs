//! Trying one policy beside another: the same question to both, the differences counted.

use super::bindings::{Beside, Binding};
use super::tally::{Comparison, Tally};
use super::{Asking, Decider, Ruling, judge};
use crate::log::secrets;
use model::PolicyMode;
use plugin::Mode;

impl Decider {
    /// Asks the other side too, without anybody waiting for it.
    pub(super) fn compare(&self, beside: Beside, asking: &Asking, ruling: &Ruling) {
        let tally = match (&beside, &ruling.policy) {
            (Beside::Shadow(shadow), _) => shadow.tally.clone(),
            (Beside::Canary(_), Some(canary)) => canary.tally.clone(),
            // A canary is only compared when it was asked.
            (Beside::Canary(_), None) => return,
        };
        let Ok(place) = self.0.places.clone().try_acquire_owned() else {
            return tally.skip();
        };
        let (decider, asking, ruling) = (self.clone(), asking.clone(), ruling.clone());
        self.0.tasks.spawn(async move {
            match beside {
                Beside::Shadow(shadow) => {
                    let tried = decider.call(shadow, &asking, Mode::Trial).await;
                    count(&tally, &ruling, &tried);
                }
                Beside::Canary(active) => {
                    let active = match active {
                        Some(active) => decider.call(active, &asking, Mode::Trial).await,
                        None => Ruling::built_in(&asking),
                    };
                    count(&tally, &active, &ruling);
                }
            }
            drop(place);
        });
    }
}

fn count(tally: &Tally, active: &Ruling, tried: &Ruling) {
    let of_active = active.answer.as_deref().filter(|_| active.error.is_none());
    let of_tried = match (&tried.error, tried.answer.as_deref()) {
        (Some(failure), _) => Err(failure.message.clone()),
        (None, Some(answer)) => Ok(answer),
        // Nothing to choose from: the other had nothing either.
        (None, None) => return,
    };
    let question = &tried.question;
    let subject = judge::subject(question, of_active);
    tally.count(question.now_unix_ms(), &subject, of_active, of_tried);
}

/// What came of trying a policy; none if it is not being tried.
pub(super) fn comparison(binding: &Binding) -> Option<Comparison> {
    if binding.spec.mode == PolicyMode::Active {
        return None;
    }
    let mut comparison = binding.tally.read();
    for difference in &mut comparison.differences {
        let hide = |answer: &mut Option<model::Answer>| {
            *answer = answer.as_ref().map(secrets::hide_answer);
        };
        hide(&mut difference.active);
        hide(&mut difference.tried);
    }
    Some(comparison)
}
