//! Which policy decides what: a snapshot of the bound policies, looked through without a lock.

use super::tally::Tally;
use model::{Label, PolicyKind, PolicyMode, PolicySpec};
use plugin::{Config, InstallError, Plugins};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;

/// A bound policy, ready to be asked.
#[derive(Debug)]
pub struct Binding {
    /// As it is wanted.
    pub spec: PolicySpec,
    /// SHA-256 of its configuration as JSON, hexadecimal.
    pub config_hash: Arc<str>,
    /// Its configuration as its plugin accepts it; none while the plugin is gone.
    pub(crate) config: Option<Config>,
    /// What became of trying it beside another.
    pub(crate) tally: Arc<Tally>,
}

impl Binding {
    /// The policy in the words of an error.
    pub fn what(&self) -> String {
        self.spec.what()
    }
}

/// Who decides one question, and who is tried beside.
#[derive(Debug, Clone)]
pub struct Deciding {
    /// Its answer is made true; none: the built-in policy decides.
    pub decides: Option<Arc<Binding>>,
    /// Asked the same, to be compared.
    pub(crate) beside: Option<Beside>,
}

/// A second opinion.
#[derive(Debug, Clone)]
pub(crate) enum Beside {
    /// This shadow is being tried.
    Shadow(Arc<Binding>),
    /// The canary that decides is being tried; without it this one would, or the built-in policy.
    Canary(Option<Arc<Binding>>),
}

impl Deciding {
    /// Whether nobody but the host itself has a say.
    pub fn is_built_in(&self) -> bool {
        self.decides.is_none() && self.beside.is_none()
    }
}

/// All bound policies at one moment.
#[derive(Debug, Default)]
pub struct Bindings {
    /// Most specific first; of equals in the document's order.
    sorted: Vec<Arc<Binding>>,
    /// In the document's order.
    listed: Vec<Arc<Binding>>,
}

impl Bindings {
    /// Of these policies. Figures of those that did not change since `before` go on, except of
    /// `replaced`, a plugin that is another one now.
    pub(crate) fn new(
        plugins: &Plugins,
        policies: &[PolicySpec],
        before: &Self,
        replaced: Option<&Label>,
    ) -> Self {
        let bind = |spec: &PolicySpec| {
            let known = before.listed.iter().find(|it| it.spec == *spec);
            let known = known.filter(|_| replaced != Some(&spec.plugin));
            Arc::new(Binding {
                config_hash: hash_of(&spec.config),
                config: accepted(plugins, spec).ok(),
                tally: known.map(|it| it.tally.clone()).unwrap_or_default(),
                spec: spec.clone(),
            })
        };
        Self::of(policies.iter().map(bind).collect())
    }

    /// Without plugins, for tests.
    #[cfg(test)]
    pub(crate) fn unchecked(policies: &[PolicySpec]) -> Self {
        let bind = |spec: &PolicySpec| {
            Arc::new(Binding {
                spec: spec.clone(),
                config_hash: hash_of(&spec.config),
                config: None,
                tally: Arc::default(),
            })
        };
        Self::of(policies.iter().map(bind).collect())
    }

    fn of(listed: Vec<Arc<Binding>>) -> Self {
        let mut sorted = listed.clone();
        sorted.sort_by_key(|it| std::cmp::Reverse(it.spec.streams.specificity()));
        Self { sorted, listed }
    }

    /// Every policy, in the document's order.
    pub fn list(&self) -> &[Arc<Binding>] {
        &self.listed
    }

    /// Who decides on a subject: a stream's name, a channel's, a composite's.
    ///
    /// Of each mode the most specific match counts. A canary decides for its share of the
    /// subjects, unless the active policy is the more specific one: then it is meant for others.
    pub fn deciding(&self, kind: PolicyKind, subject: &str) -> Deciding {
        let best = |mode: PolicyMode| {
            let fits = |it: &&Arc<Binding>| {
                it.spec.kind == kind && it.spec.mode == mode && it.spec.streams.matches(subject)
            };
            self.sorted.iter().find(fits).cloned()
        };
        let active = best(PolicyMode::Active);
        let rank = |it: &Arc<Binding>| it.spec.streams.specificity();
        let canary = best(PolicyMode::Canary)
            .filter(|canary| active.as_ref().is_none_or(|it| rank(canary) >= rank(it)))
            .filter(|canary| share(subject) < canary.spec.percent.unwrap_or_default());
        match canary {
            Some(canary) => Deciding {
                decides: Some(canary),
                beside: Some(Beside::Canary(active)),
            },
            None => Deciding {
                decides: active,
                beside: best(PolicyMode::Shadow).map(Beside::Shadow),
            },
        }
    }

    /// Those that a plugin is bound by.
    pub fn of_plugin<'a>(&'a self, plugin: &'a str) -> impl Iterator<Item = &'a Arc<Binding>> {
        let listed = self.listed.iter();
        listed.filter(move |it| it.spec.plugin.as_str() == plugin)
    }
}

/// The policy's config as its plugin accepts it, or why it does not.
pub(crate) fn accepted(plugins: &Plugins, policy: &PolicySpec) -> Result<Config, String> {
    let Some(plugin) = plugins.get(policy.plugin.as_str()) else {
        let installed = plugins.list().into_iter().map(|it| it.name.to_string());
        let mut installed = installed.collect::<Vec<_>>().join(", ");
        if installed.is_empty() {
            installed.push_str("none");
        }
        return Err(format!(
            "no plugin of that name; installed: {installed}. Put its .wasm into the plugin \
             folder, or send it to PUT /api/v1/plugins/{}",
            policy.plugin
        ));
    };
    let info = plugins
        .list()
        .into_iter()
        .find(|it| it.name == policy.plugin);
    let kinds = info.map(|it| it.info.kinds).unwrap_or_default();
    if !kinds.contains(&policy.kind) {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        return Err(format!(
            "it has no {} policy, only {}; bind another plugin",
            policy.kind,
            kinds.join(", ")
        ));
    }
    plugin
        .config(&policy.what(), &policy.config)
        .map_err(|error: InstallError| error.to_string())
}

/// SHA-256 of a configuration as JSON, hexadecimal.
fn hash_of(config: &serde_json::Value) -> Arc<str> {
    let digest = Sha256::digest(config.to_string());
    let hex = digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.into()
}

/// In which of 100 equal shares a subject is, the same on every host and for ever: FNV-1a, its
/// upper bits mixed since the last characters of names hardly reach them.
pub(crate) fn share(subject: &str) -> u8 {
    let fnv = subject
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let mixed = (fnv ^ (fnv >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // Below 100, so it fits.
    ((u128::from(mixed) * 100) >> 64) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bindings(policies: serde_json::Value) -> Bindings {
        let policies: Vec<PolicySpec> = serde_json::from_value(policies).unwrap();
        Bindings::unchecked(&policies)
    }

    fn plugin(binding: Option<&Arc<Binding>>) -> &str {
        binding.map_or("none", |it| it.spec.plugin.as_str())
    }

    #[test]
    fn the_most_specific_policy_of_the_kind_decides_and_of_equals_the_first() {
        let bound = bindings(json!([
            {"kind": "auth", "streams": "*", "plugin": "other-kind"},
            {"kind": "routing", "streams": "*", "plugin": "all"},
            {"kind": "routing", "streams": "live/*", "plugin": "live"},
            {"kind": "routing", "streams": "*/cam1", "plugin": "later"},
            {"kind": "routing", "streams": "live/cam1", "plugin": "one"}]));
        let decides = |name: &str| {
            let deciding = bound.deciding(PolicyKind::Routing, name);
            plugin(deciding.decides.as_ref()).to_owned()
        };
        assert_eq!(decides("live/cam1"), "one");
        assert_eq!(decides("live/cam2"), "live");
        assert_eq!(decides("demo"), "all");
        assert!(bound.deciding(PolicyKind::Layout, "demo").is_built_in());
        let nothing_named = bound.deciding(PolicyKind::Auth, "");
        assert_eq!(plugin(nothing_named.decides.as_ref()), "other-kind");
    }

    #[test]
    fn a_shadow_is_asked_beside_and_never_decides() {
        let bound = bindings(json!([
            {"kind": "routing", "streams": "live/*", "plugin": "tried", "mode": "shadow"}]));
        let deciding = bound.deciding(PolicyKind::Routing, "live/a");
        assert!(deciding.decides.is_none() && !deciding.is_built_in());
        let Some(Beside::Shadow(shadow)) = deciding.beside else {
            panic!()
        };
        assert_eq!(plugin(Some(&shadow)), "tried");
    }

    #[test]
    fn a_canary_decides_for_its_share_and_not_where_a_policy_is_meant_for_the_stream() {
        let bound = bindings(json!([
            {"kind": "routing", "streams": "*", "plugin": "old"},
            {"kind": "routing", "streams": "studio", "plugin": "special"},
            {"kind": "routing", "streams": "*", "plugin": "new", "mode": "canary", "percent": 30}]));
        let decides = |name: &str| {
            let deciding = bound.deciding(PolicyKind::Routing, name);
            if let Some(Beside::Canary(active)) = &deciding.beside {
                assert_eq!(plugin(active.as_ref()), "old");
            }
            plugin(deciding.decides.as_ref()).to_owned()
        };
        assert_eq!(decides("studio"), "special");
        let names: Vec<_> = (0..1000).map(|n| format!("live/cam{n}")).collect();
        let canaries = names.iter().filter(|name| decides(name) == "new").count();
        assert!((250..350).contains(&canaries), "{canaries} of 1000");
    }

    #[test]
    fn shares_are_even_and_stay_the_same_for_ever() {
        assert_eq!(["live/cam1", "live/cam2", "a"].map(share), [46, 40, 51]);
        let mut counts = [0_u32; 100];
        for n in 0..100_000 {
            counts[usize::from(share(&format!("site/{n}")))] += 1;
        }
        let (least, most) = (counts.iter().min(), counts.iter().max());
        assert!(
            least > Some(&850) && most < Some(&1150),
            "{least:?} {most:?}"
        );
    }
}
