//! Plugins and their calls.

use super::text::{Exposition, Type};
use plugin::PluginView;

/// Appends the figures of every plugin's calls.
pub(super) fn collect(document: &mut Exposition, plugins: &[PluginView]) {
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
    let help = "1 while it failed so often that it is left alone.";
    let mut family = document.family("pointsman_plugin_breaker_open", Type::Gauge, help);
    for plugin in plugins {
        let open = f64::from(u8::from(plugin.breaker.is_some()));
        family.sample(&[("plugin", plugin.name.as_str())], open);
    }
    let help = "Bytes of keys and values that it keeps.";
    let mut family = document.family("pointsman_plugin_kv_bytes", Type::Gauge, help);
    for plugin in plugins {
        let bytes = plugin.kv.bytes as f64;
        family.sample(&[("plugin", plugin.name.as_str())], bytes);
    }
}
