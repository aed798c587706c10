//! Plugins and their calls.

use super::text::{Exposition, Figure, Type};
use plugin::PluginView;

const PLUGIN: [Figure<PluginView>; 5] = [
    (
        "pointsman_plugin_calls_total",
        Type::Counter,
        "Calls, failed ones included.",
        |it| it.stats.calls as f64,
    ),
    (
        "pointsman_plugin_call_seconds_total",
        Type::Counter,
        "Time of all calls together.",
        |it| it.stats.total.as_secs_f64(),
    ),
    (
        "pointsman_plugin_call_seconds_max",
        Type::Gauge,
        "The longest call.",
        |it| it.stats.max.as_secs_f64(),
    ),
    (
        "pointsman_plugin_breaker_open",
        Type::Gauge,
        "1 while it failed so often that it is left alone.",
        |it| f64::from(u8::from(it.breaker.is_some())),
    ),
    (
        "pointsman_plugin_kv_bytes",
        Type::Gauge,
        "Bytes of keys and values that it keeps.",
        |it| it.kv.bytes as f64,
    ),
];

/// Appends the figures of every plugin's calls.
pub(super) fn collect(document: &mut Exposition, plugins: &[PluginView]) {
    let help = "1 for the version that is active.";
    let mut family = document.family("pointsman_plugin_info", Type::Gauge, help);
    for plugin in plugins {
        let labels = [
            ("plugin", plugin.name.as_str()),
            ("version", plugin.info.version.as_str()),
            ("sha256", plugin.hash.as_str()),
        ];
        family.sample(&labels, 1.0);
    }
    let named = plugins
        .iter()
        .map(|plugin| ([("plugin", plugin.name.as_str())], plugin));
    document.table(&PLUGIN, named);
    let help = "Calls that brought no result, by why; deadline: cut off for taking too long.";
    let mut family = document.family("pointsman_plugin_errors_total", Type::Counter, help);
    for plugin in plugins {
        for (code, count) in &plugin.stats.errors {
            let labels = [("plugin", plugin.name.as_str()), ("code", code)];
            family.sample(&labels, *count as f64);
        }
    }
}
