//! From a plan's words to addresses: what of it can be done, and what is refused and why.

use crate::desired::{Input, Output};
use model::routing::{Plan, PlannedOutput};
use model::{Endpoint, Label, Protocol};
use std::collections::BTreeMap;
use url::Url;

/// Outputs a plan may name (`wit/1.0.0/routing.wit`).
const MAX_OUTPUTS: usize = 200;

/// A plan understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolved {
    /// The source to put on air; `None` leaves it as it is.
    pub on_air: Option<Label>,
    /// Outputs that shall run.
    pub outputs: BTreeMap<Label, Target>,
    /// Protocols viewers may use; `None`: all.
    pub serve: Option<Vec<Protocol>>,
    /// What cannot be done, one line each, without secrets.
    pub refused: Vec<String>,
}

/// Where an output that shall run sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// As written, parameters merged in; may hold secrets.
    pub url: String,
    /// The same, parsed.
    pub endpoint: Endpoint,
}

/// Understands a plan for a stream with these sources and, if it is declared, this input.
pub fn resolve(plan: &Plan, sources: &[Label], input: Option<&Input>) -> Resolved {
    let mut resolved = Resolved::default();
    resolved.on_air = plan.on_air.as_ref().and_then(|id| {
        let known = sources.iter().find(|source| source.as_str() == id).cloned();
        if known.is_none() {
            resolved
                .refused
                .push(format!("on air: no source is called {:?}", shortened(id)));
        }
        known
    });
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
    let url = match (&planned.url, declared) {
        (Some(url), _) => url.as_str(),
        (None, Some(output)) if planned.params.is_empty() => {
            let (url, endpoint) = (output.url.clone(), output.endpoint.clone());
            return Ok((name, Target { url, endpoint }));
        }
        (None, Some(output)) => &output.url,
        (None, None) => return Err("it is not declared, so the plan has to give its url".into()),
    };
    let url = with_params(url, &planned.params)?;
    let endpoint = url.parse::<Endpoint>().map_err(|error| error.to_string())?;
    Ok((name, Target { url, endpoint }))
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
