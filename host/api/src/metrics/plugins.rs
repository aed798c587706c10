//! Plugins and their decisions.

use super::text::{Exposition, Type};
use control::decisions::Totals;
use plugin::PluginView;

/// Appends the figures of every plugin's calls, and of decisions as a whole.
pub(super) fn collect(document: &mut Exposition, plugins: &[PluginView], decisions: Totals) {
    let help = "1 for the version that is active.";
    let mut family = document.family("pointsman_plugin_info", Type::Gauge, help);
    for plugin in plugins {
        let version = plugin.info.version.as_str();
        let labels = [
            ("plugin", plugin.name.as_str()),
            ("version", version),
            ("sha256", plugin.hash.as_str()),
        ];
        family.sample(&labels, 1.0);
    }
    let help = "Calls, failed ones included.";
    let mut family = document.family("pointsman_plugin_calls_total", Type::Counter, help);
    for plugin in plugins {
        family.sample(
            &[("plugin", plugin.name.as_str())],
            plugin.stats.calls as f64,
        );
    }
    let help = "Calls that brought no result, by why; deadline: cut off for taking too long.";
    let mut family = document.family("pointsman_plugin_errors_total", Type::Counter, help);
    for plugin in plugins {
        for (code, count) in &plugin.stats.errors {
            family.sample(
                &[("plugin", plugin.name.as_str()), ("code", code)],
                *count as f64,
            );
        }
    }
    let help = "Time of all calls together.";
    let mut family = document.family("pointsman_plugin_call_seconds_total", Type::Counter, help);
    for plugin in plugins {
        family.sample(
            &[("plugin", plugin.name.as_str())],
            plugin.stats.total.as_secs_f64(),
        );
    }
    let help = "The longest call.";
    let mut family = document.family("pointsman_plugin_call_seconds_max", Type::Gauge, help);
    for plugin in plugins {
        family.sample(
            &[("plugin", plugin.name.as_str())],
            plugin.stats.max.as_secs_f64(),
        );
    }
    let help = "Routing decisions evaluated.";
    let evaluations = decisions.evaluations as f64;
    document.single(
        "pointsman_decisions_total",
        Type::Counter,
        help,
        evaluations,
    );
    let help = "Routing decisions whose plugin failed; the last good plan stayed.";
    let failures = decisions.failures as f64;
    document.single(
        "pointsman_decision_failures_total",
        Type::Counter,
        help,
        failures,
    );
}
