//! Decisions of every kind, those being tried beside, and the history.

use super::text::{Exposition, Type};
use control::Decider;
use control::decide::Comparison;
use control::log::Totals;
use model::PolicyKind;

/// A family: name, help, and where its value is.
type Figure<T> = (&'static str, &'static str, fn(&T) -> f64);

const OF_KIND: [Figure<Totals>; 4] = [
    ("pointsman_decisions_total", "Decisions made.", |it| {
        it.evaluations as f64
    }),
    (
        "pointsman_decision_failures_total",
        "Decisions whose policy failed; what its kind falls back to holds.",
        |it| it.failures as f64,
    ),
    (
        "pointsman_decisions_late_total",
        "Of these, answers that did not come in time.",
        |it| it.late as f64,
    ),
    (
        "pointsman_decision_seconds_total",
        "Time spent waiting for policies.",
        |it| it.duration_us as f64 / 1e6,
    ),
];

const TRIED: [Figure<Comparison>; 4] = [
    (
        "pointsman_policy_compared_total",
        "Questions that a shadow or canary and who decides otherwise both answered.",
        |it| it.compared as f64,
    ),
    (
        "pointsman_policy_differing_total",
        "Of these, answered otherwise.",
        |it| it.differing as f64,
    ),
    (
        "pointsman_policy_failed_total",
        "Questions that the shadow or canary failed to answer.",
        |it| it.failed as f64,
    ),
    (
        "pointsman_policy_skipped_total",
        "Questions not compared, because too many waited to be.",
        |it| it.skipped as f64,
    ),
];

/// Appends the figures of decisions.
pub(super) fn collect(document: &mut Exposition, decider: &Decider) {
    let kinds = PolicyKind::ALL.map(|kind| (kind, decider.totals(kind)));
    for (name, help, value) in OF_KIND {
        let mut family = document.family(name, Type::Counter, help);
        for (kind, totals) in &kinds {
            family.sample(&[("kind", kind.as_str())], value(totals));
        }
    }
    let denied = decider.totals(PolicyKind::Auth).denied as f64;
    let help = "Peers and requests that auth policies turned away.";
    document.single("pointsman_auth_denied_total", Type::Counter, help, denied);
    tried(document, decider);
    history(document, decider);
}

fn tried(document: &mut Exposition, decider: &Decider) {
    let bindings = decider.bindings();
    let compared: Vec<_> = bindings
        .list()
        .iter()
        .filter_map(|it| Some((&it.spec, Decider::comparison(it)?)))
        .collect();
    for (name, help, value) in TRIED {
        let mut family = document.family(name, Type::Counter, help);
        for (spec, comparison) in &compared {
            let labels = [
                ("kind", spec.kind.as_str()),
                ("streams", spec.streams.as_str()),
                ("plugin", spec.plugin.as_str()),
                ("mode", spec.mode.as_str()),
            ];
            family.sample(&labels, value(comparison));
        }
    }
}

fn history(document: &mut Exposition, decider: &Decider) {
    let Some(history) = decider.history() else {
        return;
    };
    let help = "Decisions written to the database.";
    let written = history.written as f64;
    document.single(
        "pointsman_history_written_total",
        Type::Counter,
        help,
        written,
    );
    let help = "Decisions that are not in the database, because it was too slow.";
    let dropped = history.dropped as f64;
    document.single(
        "pointsman_history_dropped_total",
        Type::Counter,
        help,
        dropped,
    );
    let help = "Decisions that wait to be written.";
    let queued = history.queued as f64;
    document.single("pointsman_history_queued", Type::Gauge, help, queued);
    let help = "1 while the database cannot be written.";
    let degraded = f64::from(u8::from(history.degraded.is_some()));
    document.single("pointsman_history_degraded", Type::Gauge, help, degraded);
}
