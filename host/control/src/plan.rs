//! From a plan's words to addresses: what of it can be done, and what is refused and why.

use crate::desired::{Input, Output, Source};
use crate::diff::OutputShape;
use model::routing::{Alert, Attributes, Plan, PlannedOutput};
use model::{Endpoint, Label, Protocol, Retry};
use std::collections::BTreeMap;
use url::Url;

/// Outputs a plan may name (`wit/1.0.0/routing.wit`).
const MAX_OUTPUTS: usize = 200;
/// Sources that may stand in.
const MAX_FAILOVER: usize = 32;
/// Labels a plan may give.
const MAX_LABELS: usize = 64;
/// Alerts a plan may tell.
const MAX_ALERTS: usize = 32;

/// A plan understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolved {
    /// The source to put on air; `None` leaves it as it is.
    pub on_air: Option<Label>,
    /// Sources that stand in while that one does not deliver, best first.
    pub failover: Vec<Label>,
    /// The source to show when none of those delivers.
    pub slate: Option<Label>,
    /// Outputs that shall run.
    pub outputs: BTreeMap<Label, Target>,
    /// Protocols viewers may use; `None`: all.
    pub serve: Option<Vec<Protocol>>,
    /// Labels beside the operator's, whose win.
    pub labels: Attributes,
    /// What an operator should know of; codes are unique.
    pub alerts: Vec<Alert>,
    /// What cannot be done, one line each, without secrets.
    pub refused: Vec<String>,
}

impl Resolved {
    /// The source that shall be on air by this plan, as things stand; none leaves it as it is.
    pub fn airing(
        &self,
        on_air_now: Option<&Label>,
        delivers: impl Fn(&Label) -> bool,
    ) -> Option<Label> {
        if !self.has_stand_ins() {
            return self.on_air.clone();
        }
        // A slate gives way to whatever delivers.
        let now = on_air_now.filter(|now| self.slate.as_ref() != Some(now));
        let first = self.on_air.as_ref().or(now);
        let mut candidates = first.into_iter().chain(&self.failover).chain(&self.slate);
        let airing = candidates.find(|source| delivers(source)).cloned();
        // With nothing to show, the first choice is waited for.
        airing.or_else(|| self.on_air.clone())
    }

    /// A plan that names no slate has the one that the input declares; if it says nothing of who
    /// stands in either, all other sources do, in their order.
    fn show_slate_of(&mut self, input: &Input) {
        if self.slate.is_some() {
            return;
        }
        let is_slate = |source: &&Source| source.protocol() == Protocol::Slate;
        self.slate = (input.sources.iter().find(is_slate)).map(|source| source.id.clone());
        if self.slate.is_some() && self.on_air.is_none() && self.failover.is_empty() {
            let others = input.sources.iter().filter(|source| !is_slate(source));
            self.failover = others.map(|source| source.id.clone()).collect();
        }
    }

    /// Whether the host goes over to another source by itself.
    pub fn has_stand_ins(&self) -> bool {
        !self.failover.is_empty() || self.slate.is_some()
    }
}

/// Where an output that shall run sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// As written, parameters merged in; may hold secrets.
    pub url: String,
    /// The same, parsed.
    pub endpoint: Endpoint,
    /// As the operator declared it.
    pub retry: Retry,
}

impl Target {
    /// What has to run for it.
    pub fn shape(&self) -> OutputShape {
        OutputShape {
            endpoint: self.endpoint.clone(),
            retry: self.retry,
        }
    }
}

/// Understands a plan for a stream with these sources and, if it is declared, this input.
pub fn resolve(plan: &Plan, sources: &[Label], input: Option<&Input>) -> Resolved {
    let mut resolved = Resolved::default();
    let mut known = |role: &str, id: &String| {
        let known = sources.iter().find(|source| source.as_str() == id).cloned();
        if known.is_none() {
            let id = shortened(id);
            let line = format!("{role}: no source is called {id:?}");
            resolved.refused.push(line);
        }
        known
    };
    resolved.on_air = plan.on_air.as_ref().and_then(|id| known("on air", id));
    let stand_ins = plan.failover.iter().take(MAX_FAILOVER);
    resolved.failover = stand_ins.filter_map(|id| known("failover", id)).collect();
    resolved.slate = plan.slate.as_ref().and_then(|id| known("slate", id));
    if let Some(input) = input {
        resolved.show_slate_of(input);
    }
    resolved.labels = plan.labels.clone().into_iter().take(MAX_LABELS).collect();
    for alert in plan.alerts.iter().take(MAX_ALERTS) {
        if resolved.alerts.iter().all(|other| other.code != alert.code) {
            resolved.alerts.push(alert.clone());
        }
    }
    let declared = input.map_or(&[][..], |input| &input.outputs);
    for planned in plan.outputs.iter().take(MAX_OUTPUTS) {
        match target(planned, declared) {
            Ok((name, _)) if resolved.outputs.contains_key(&name) => {
                resolved.refused.push(format!("output {name}: named twice"));
            }
            Ok((name, target)) => {
                resolved.outputs.insert(name, target);
            }
            Err(problem) => {
                let name = shortened(&planned.name);
                resolved.refused.push(format!("output {name}: {problem}"));
            }
        }
    }
    if let Some(beyond) = plan
        .outputs
        .len()
        .checked_sub(MAX_OUTPUTS)
        .filter(|n| *n > 0)
    {
        resolved
            .refused
            .push(format!("{beyond} outputs beyond the {MAX_OUTPUTS} allowed"));
    }
    resolved.serve = serve(plan, &mut resolved.refused);
    resolved
}

fn serve(plan: &Plan, refused: &mut Vec<String>) -> Option<Vec<Protocol>> {
    let mut over = Vec::new();
    for name in plan.serve.as_ref()? {
        match Protocol::from_name(name) {
            Some(protocol) => over.push(protocol),
            None => refused.push(format!(
                "serve: no protocol is called {:?}",
                shortened(name)
            )),
        }
    }
    over.sort_unstable();
    over.dedup();
    Some(over)
}

fn target(planned: &PlannedOutput, declared: &[Output]) -> Result<(Label, Target), String> {
    let name: Label = planned.name.parse().map_err(|error| format!("{error}"))?;
    let declared = declared.iter().find(|output| output.name == name);
    let retry = declared.map(|output| output.retry).unwrap_or_default();
    let url = match (&planned.url, declared) {
        (Some(url), _) => url.as_str(),
        (None, Some(output)) if planned.params.is_empty() => {
            let (url, endpoint) = (output.url.clone(), output.endpoint.clone());
            let target = Target {
                url,
                endpoint,
                retry,
            };
            return Ok((name, target));
        }
        (None, Some(output)) => &output.url,
        (None, None) => return Err("it is not declared, so the plan has to give its url".into()),
    };
    let url = with_params(url, &planned.params)?;
    let endpoint = url.parse::<Endpoint>().map_err(|error| error.to_string())?;
    let target = Target {
        url,
        endpoint,
        retry,
    };
    Ok((name, target))
}

/// Puts parameters before those of a URL's query; the same key there gives way.
fn with_params(url: &str, params: &BTreeMap<String, String>) -> Result<String, String> {
    if params.is_empty() {
        return Ok(url.to_owned());
    }
    let mut url = Url::parse(url).map_err(|error| error.to_string())?;
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| !params.contains_key(key.as_ref()))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(params)
        .extend_pairs(kept);
    Ok(url.into())
}

/// Enough of a stranger's text to recognise it.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(name: &str, url: &str, enabled: bool) -> Output {
        let (name, endpoint) = (name.parse().unwrap(), url.parse().unwrap());
        Output {
            name,
            url: url.to_owned(),
            endpoint,
            enabled,
            retry: Retry::default(),
            schedule: None,
        }
    }

    fn input() -> Input {
        let outputs = vec![
            output("archive", "udp://127.0.0.1:6000?ttl=4", true),
            output(
                "spare",
                "srt://127.0.0.1:7000?latency=100&passphrase=0123456789",
                false,
            ),
        ];
        Input {
            merge: None,
            pictures: Default::default(),
            made: None,
            hls: None,
            sources: vec![],
            outputs,
            labels: BTreeMap::new(),
        }
    }

    fn planned(name: &str, url: Option<&str>, params: &[(&str, &str)]) -> PlannedOutput {
        let params = params
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        let url = url.map(str::to_owned);
        PlannedOutput {
            name: name.to_owned(),
            url,
            params,
            ..PlannedOutput::default()
        }
    }

    fn resolved(outputs: Vec<PlannedOutput>) -> Resolved {
        resolve(
            &Plan {
                outputs,
                ..Plan::default()
            },
            &[],
            Some(&input()),
        )
    }

    fn urls(resolved: &Resolved) -> Vec<&str> {
        resolved
            .outputs
            .values()
            .map(|target| target.url.as_str())
            .collect()
    }

    #[test]
    fn a_declared_output_runs_where_it_was_declared_even_if_disabled() {
        let resolved = resolved(vec![
            planned("archive", None, &[]),
            planned("spare", None, &[]),
        ]);
        assert_eq!(resolved.refused, [""; 0]);
        assert_eq!(resolved.outputs.len(), 2);
        assert_eq!(
            resolved.outputs["archive"].endpoint,
            input().outputs[0].endpoint
        );
    }

    #[test]
    fn parameters_go_before_the_query_and_win() {
        let resolved = resolved(vec![
            planned("spare", None, &[("latency", "250")]),
            planned("extra", Some("udp://127.0.0.1:9"), &[("ttl", "2")]),
        ]);
        assert_eq!(
            urls(&resolved),
            [
                "udp://127.0.0.1:9?ttl=2",
                "srt://127.0.0.1:7000?latency=250&passphrase=0123456789"
            ]
        );
        let Endpoint::Srt(srt) = &resolved.outputs["spare"].endpoint else {
            panic!()
        };
        assert_eq!(srt.latency_ms, 250);
    }

    #[test]
    fn what_cannot_be_done_is_refused_and_the_rest_is_done() {
        let resolved = resolved(vec![
            planned("unknown", None, &[]),
            planned("a/b", Some("udp://h:1"), &[]),
            planned("file", Some("file:///etc/passwd"), &[]),
            planned("ttl", Some("udp://h:1"), &[("ttl", "999")]),
            planned("archive", None, &[]),
            planned("archive", Some("udp://h:2"), &[]),
        ]);
        assert_eq!(urls(&resolved), ["udp://127.0.0.1:6000?ttl=4"]);
        let told = [
            "unknown: it is not",
            "a/b: the name",
            "file: ",
            "ttl: ",
            "archive: named twice",
        ];
        assert_eq!(resolved.refused.len(), told.len());
        for (line, start) in resolved.refused.iter().zip(told) {
            assert!(line.starts_with(&format!("output {start}")), "{line}");
        }
    }

    #[test]
    fn the_first_source_that_delivers_stands_in_and_gives_way_again() {
        let sources: Vec<Label> = ["a", "b", "c", "s"].map(|id| id.parse().unwrap()).to_vec();
        let plan = |on_air: Option<&str>, slate: Option<&str>| {
            let plan = Plan {
                on_air: on_air.map(Into::into),
                failover: vec!["b".into(), "gone".into(), "c".into()],
                slate: slate.map(Into::into),
                ..Plan::default()
            };
            resolve(&plan, &sources, None)
        };
        let airing = |resolved: &Resolved, now: &str, delivering: &[&str]| {
            let now = now.parse().unwrap();
            let airing = resolved.airing(Some(&now), |id| delivering.contains(&id.as_str()));
            airing.map(|id| id.to_string())
        };
        let planned = plan(Some("a"), Some("s"));
        assert_eq!(planned.refused.len(), 1, "{:?}", planned.refused);
        let some = |id: &str| Some(id.to_owned());
        assert_eq!(airing(&planned, "a", &["a", "b", "s"]), some("a"));
        assert_eq!(airing(&planned, "a", &["c", "b", "s"]), some("b"));
        assert_eq!(airing(&planned, "b", &["a", "b", "s"]), some("a"), "back");
        assert_eq!(airing(&planned, "b", &["s"]), some("s"));
        assert_eq!(airing(&planned, "s", &[]), some("a"), "waited for");
        let open = plan(None, None);
        assert_eq!(airing(&open, "a", &["b"]), some("b"));
        assert_eq!(airing(&open, "b", &["a", "b"]), some("b"), "it stays");
        assert_eq!(airing(&open, "b", &[]), None);
    }

    #[test]
    fn the_declared_slate_is_shown_only_while_nothing_else_delivers() {
        let source = |id: &str, endpoint| Source {
            id: id.parse().unwrap(),
            endpoint,
            retry: Retry::default(),
        };
        let slate = Endpoint::slate("off.png").unwrap();
        let input = Input {
            sources: vec![
                source("a", Some(Endpoint::Test)),
                source("off", Some(slate)),
                source("b", Some(Endpoint::Test)),
            ],
            ..input()
        };
        let sources: Vec<_> = input.sources.iter().map(|it| it.id.clone()).collect();
        let airing = |plan: &Plan, now: &str, delivering: &[&str]| {
            let now = now.parse().unwrap();
            let resolved = resolve(plan, &sources, Some(&input));
            let airing = resolved.airing(Some(&now), |id| delivering.contains(&id.as_str()));
            airing.map(|id| id.to_string())
        };
        let some = |id: &str| Some(id.to_owned());
        let nothing_said = Plan::default();
        assert_eq!(airing(&nothing_said, "a", &["off"]), some("off"));
        assert_eq!(airing(&nothing_said, "off", &["off", "b"]), some("b"));
        assert_eq!(airing(&nothing_said, "b", &["a", "off", "b"]), some("b"));
        let b_alone = Plan {
            on_air: Some("b".into()),
            ..Plan::default()
        };
        assert_eq!(airing(&b_alone, "b", &["a", "off"]), some("off"));
        assert_eq!(airing(&b_alone, "off", &["a", "off", "b"]), some("b"));
    }

    #[test]
    fn an_alert_is_told_once_and_labels_are_bounded() {
        let alert = |code: &str| Alert {
            code: code.into(),
            severity: model::routing::Severity::Warning,
            message: String::new(),
        };
        let plan = Plan {
            alerts: vec![alert("no-backup"), alert("late"), alert("no-backup")],
            labels: (0..100)
                .map(|n| (format!("k{n:02}"), String::new()))
                .collect(),
            ..Plan::default()
        };
        let resolved = resolve(&plan, &[], None);
        let codes: Vec<_> = resolved.alerts.iter().map(|it| it.code.as_str()).collect();
        assert_eq!(
            (codes, resolved.labels.len()),
            (vec!["no-backup", "late"], 64)
        );
    }

    #[test]
    fn outputs_beyond_the_limit_are_counted_not_run() {
        let many = (0..250).map(|n| planned(&format!("o{n}"), Some("udp://h:1"), &[]));
        let resolved = resolved(many.collect());
        assert_eq!(resolved.outputs.len(), 200);
        assert_eq!(resolved.refused, ["50 outputs beyond the 200 allowed"]);
    }

    #[test]
    fn unknown_sources_and_protocols_are_ignored_and_told() {
        let plan = Plan {
            on_air: Some("nobody\n".to_owned()),
            serve: Some(vec![
                "srt".into(),
                "hls".into(),
                "gopher".into(),
                "hls".into(),
            ]),
            ..Plan::default()
        };
        let resolved = resolve(&plan, &["cam".parse().unwrap()], None);
        assert_eq!(resolved.on_air, None);
        assert_eq!(resolved.serve, Some(vec![Protocol::Srt, Protocol::Hls]));
        assert_eq!(resolved.refused.len(), 2, "{:?}", resolved.refused);
    }
}
