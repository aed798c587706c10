//! Decisions of every kind, those being tried beside, and the history.

use super::text::{Exposition, Figure, Type};
use control::Decider;
use control::decide::Comparison;
use control::log::Totals;
use model::PolicyKind;
use model::history::Figures;

const OF_KIND: [Figure<Totals>; 4] = [
    (
        "pointsman_decisions_total",
        Type::Counter,
        "Decisions made.",
        |it| it.evaluations as f64,
    ),
    (
        "pointsman_decision_failures_total",
        Type::Counter,
        "Decisions whose policy failed; what its kind falls back to holds.",
        |it| it.failures as f64,
    ),
    (
        "pointsman_decisions_late_total",
        Type::Counter,
        "Of these, answers that did not come in time.",
        |it| it.late as f64,
    ),
    (
        "pointsman_decision_seconds_total",
        Type::Counter,
        "Time spent waiting for policies.",
        |it| it.duration_us as f64 / 1e6,
    ),
];

const TRIED: [Figure<Comparison>; 4] = [
    (
        "pointsman_policy_compared_total",
        Type::Counter,
        "Questions that a shadow or canary and who decides otherwise both answered.",
        |it| it.compared as f64,
    ),
    (
        "pointsman_policy_differing_total",
        Type::Counter,
        "Of these, answered otherwise.",
        |it| it.differing as f64,
    ),
    (
        "pointsman_policy_failed_total",
        Type::Counter,
        "Questions that the shadow or canary failed to answer.",
        |it| it.failed as f64,
    ),
    (
        "pointsman_policy_skipped_total",
        Type::Counter,
        "Questions not compared: too many waited to be, or only one had an answer.",
        |it| it.skipped as f64,
    ),
];

const HISTORY: [Figure<Figures>; 4] = [
    (
        "pointsman_history_written_total",
        Type::Counter,
        "Decisions written to the database.",
        |it| it.written as f64,
    ),
    (
        "pointsman_history_dropped_total",
        Type::Counter,
        "Decisions that are not in the database, because it was too slow.",
        |it| it.dropped as f64,
    ),
    (
        "pointsman_history_queued",
        Type::Gauge,
        "Decisions that wait to be written.",
        |it| it.queued as f64,
    ),
    (
        "pointsman_history_degraded",
        Type::Gauge,
        "1 while the database cannot be written.",
        |it| f64::from(u8::from(it.degraded.is_some())),
    ),
];

/// Appends the figures of decisions.
pub(super) fn collect(document: &mut Exposition, decider: &Decider) {
    let kinds = PolicyKind::ALL.map(|kind| (kind, decider.totals(kind)));
    let of_kind = kinds
        .iter()
        .map(|(kind, totals)| ([("kind", kind.as_str())], totals));
    document.table(&OF_KIND, of_kind);
    let denied = decider.totals(PolicyKind::Auth).denied as f64;
    let help = "Peers and requests that auth policies turned away.";
    document.single("pointsman_auth_denied_total", Type::Counter, help, denied);
    tried(document, decider);
    if let Some(history) = decider.history() {
        document.table(&HISTORY, std::iter::once(([], &history)));
    }
}

fn tried(document: &mut Exposition, decider: &Decider) {
    let bindings = decider.bindings();
    let compared: Vec<_> = bindings
        .list()
        .iter()
        .filter_map(|it| Some((&it.spec, Decider::comparison(it)?)))
        .collect();
    let labelled = compared.iter().map(|(spec, comparison)| {
        let labels = [
            ("kind", spec.kind.as_str()),
            ("streams", spec.streams.as_str()),
            ("plugin", spec.plugin.as_str()),
            ("mode", spec.mode.as_str()),
        ];
        (labels, comparison)
    });
    document.table(&TRIED, labelled);
}
