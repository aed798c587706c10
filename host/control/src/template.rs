//! Templates: whether one makes sense, and the outputs that it comes to. Pure functions.

use crate::schedule::{Schedule, Wrong};
use model::template::{OutputTemplate, TemplateSpec, VariableSpec};
use model::{Endpoint, OutputSpec};
use std::collections::BTreeMap;

/// Variables of one template.
const MAX_VARIABLES: usize = 32;
/// Characters of a variable's name.
const MAX_NAME: usize = 32;
/// Bytes of a value.
const MAX_VALUE: usize = 512;

/// The values of variables, by name.
pub type Values = BTreeMap<String, String>;

/// Everything that is wrong with a template in itself, with the field within it.
pub fn check(template: &TemplateSpec, max_outputs: usize) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut at_most = |field: &str, limit: usize, count: usize| {
        if count > limit {
            let problem = format!("{count} given, at most {limit} are allowed");
            wrong.push((field.to_owned(), problem));
        }
    };
    at_most("variables", MAX_VARIABLES, template.variables.len());
    at_most("outputs", max_outputs, template.outputs.len());
    if template.outputs.is_empty() {
        wrong.push(("outputs".to_owned(), "adds nothing; name one".to_owned()));
    }
    for (at, variable) in template.variables.iter().enumerate() {
        let before = template.variables.iter().take(at);
        check_variable(variable, before, &format!("variables[{at}]"), &mut wrong);
    }
    for (at, output) in template.outputs.iter().enumerate() {
        let field = format!("outputs[{at}]");
        let twice = template.outputs.iter().take(at);
        if twice.clone().any(|other| other.name == output.name) {
            let problem = "declared twice; give each output a name of its own";
            wrong.push((format!("{field}.name"), problem.to_owned()));
        }
        check_output(template, output, &field, &mut wrong);
    }
    wrong
}

fn check_variable<'a>(
    variable: &VariableSpec,
    mut before: impl Iterator<Item = &'a VariableSpec>,
    field: &str,
    wrong: &mut Vec<Wrong>,
) {
    let name = &variable.name;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(plain) {
        let problem = format!("must be 1 to {MAX_NAME} small letters, digits and _");
        wrong.push((format!("{field}.name"), problem));
    } else if before.any(|other| other.name == *name) {
        wrong.push((format!("{field}.name"), "declared twice".to_owned()));
    }
    if let Some(Err(problem)) = variable.default.as_deref().map(check_value) {
        wrong.push((format!("{field}.default"), problem));
    }
}

fn check_output(
    template: &TemplateSpec,
    output: &OutputTemplate,
    field: &str,
    wrong: &mut Vec<Wrong>,
) {
    let mut tell = |name: &str, problem: String| wrong.push((format!("{field}.{name}"), problem));
    if let Err(problem) = check_places(template, &output.name) {
        tell("name", problem);
    }
    match check_places(template, &output.url) {
        Err(problem) => tell("url", problem),
        // One with places is only known when they are filled in.
        Ok(places) if places > 0 => {}
        Ok(_) => {
            if let Err(error) = output.url.parse::<Endpoint>() {
                tell("url", error.to_string());
            }
        }
    }
    for (name, must) in output.retry.faults() {
        wrong.push((format!("{field}.retry.{name}"), format!("must be {must}")));
    }
    if let Some(Err(found)) = output.schedule.as_ref().map(Schedule::parse) {
        let within = |(within, problem): Wrong| match within.as_str() {
            "" => (format!("{field}.schedule"), problem),
            within => (format!("{field}.schedule.{within}"), problem),
        };
        wrong.extend(found.into_iter().map(within));
    }
}

/// How many places a text has, all of them for variables that there are.
fn check_places(template: &TemplateSpec, text: &str) -> Result<usize, String> {
    let mut places = 0;
    for part in parts(text)? {
        let Part::Place(name) = part else { continue };
        if !template.variables.iter().any(|it| it.name == name) {
            let name: String = name.chars().take(MAX_NAME).collect();
            return Err(format!("{{{name}}} is none of its variables"));
        }
        places += 1;
    }
    Ok(places)
}

/// The outputs that a template comes to with these values.
///
/// # Errors
/// Every variable without a value, every value without a variable, and what cannot be a name.
pub fn expand(template: &TemplateSpec, given: &Values) -> Result<Vec<OutputSpec>, Vec<Wrong>> {
    let values = values(template, given)?;
    let mut wrong = Vec::new();
    let mut outputs = Vec::new();
    for (at, output) in template.outputs.iter().enumerate() {
        let field = |name: &str| format!("outputs[{at}].{name}");
        let name = filled(&output.name, &values, |value| value.to_owned());
        let url = filled(&output.url, &values, percent_encoded);
        let name = name.and_then(|name| name.parse().map_err(|error| format!("{error}")));
        match (name, url) {
            (Ok(name), Ok(url)) => outputs.push(OutputSpec {
                name,
                url,
                enabled: output.enabled,
                retry: output.retry,
                schedule: output.schedule.clone(),
            }),
            (name, url) => {
                wrong.extend(name.err().map(|problem| (field("name"), problem)));
                wrong.extend(url.err().map(|problem| (field("url"), problem)));
            }
        }
    }
    match wrong.is_empty() {
        true => Ok(outputs),
        false => Err(wrong),
    }
}

/// What was given, and the defaults of the rest.
fn values(template: &TemplateSpec, given: &Values) -> Result<Values, Vec<Wrong>> {
    let mut values = Values::new();
    let mut wrong = Vec::new();
    let field = |name: &str| {
        let name: String = name.chars().take(MAX_NAME).collect();
        format!("variables.{name}")
    };
    for variable in &template.variables {
        match given.get(&variable.name).or(variable.default.as_ref()) {
            Some(value) => match check_value(value) {
                Ok(()) => drop(values.insert(variable.name.clone(), value.clone())),
                Err(problem) => wrong.push((field(&variable.name), problem)),
            },
            None => wrong.push((field(&variable.name), "is missing".to_owned())),
        }
    }
    let known = |name: &str| template.variables.iter().any(|it| it.name == name);
    for name in given.keys().filter(|name| !known(name)) {
        let names: Vec<_> = template
            .variables
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        let problem = format!("is not known; there are {}", names.join(", "));
        wrong.push((field(name), problem));
    }
    match wrong.is_empty() {
        true => Ok(values),
        false => Err(wrong),
    }
}

/// A value of dots alone would climb in a path, however it is written, and an empty one would
/// leave a part out.
fn check_value(value: &str) -> Result<(), String> {
    if value.is_empty() || value.len() > MAX_VALUE {
        return Err(format!("must have 1 to {MAX_VALUE} bytes"));
    }
    if value.chars().any(char::is_control) {
        return Err("must not hold control characters".to_owned());
    }
    if value.chars().all(|c| c == '.') {
        return Err("must not be dots alone".to_owned());
    }
    Ok(())
}

/// All but what RFC 3986 §2.3 leaves alone is encoded, so that a value stays within the part of
/// the URL in which it stands.
fn percent_encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn filled(text: &str, values: &Values, put: impl Fn(&str) -> String) -> Result<String, String> {
    let mut whole = String::new();
    for part in parts(text)? {
        match part {
            Part::Text(text) => whole.push_str(text),
            Part::Place(name) => {
                let value = values.get(name);
                whole.push_str(&put(
                    value.ok_or_else(|| format!("{{{name}}} is not known"))?
                ));
            }
        }
    }
    Ok(whole)
}

enum Part<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// Text and the places in it, in turn.
fn parts(mut text: &str) -> Result<Vec<Part<'_>>, &'static str> {
    const UNEVEN: &str = "has a brace without its other; {name} stands for a variable";
    let mut parts = Vec::new();
    while let Some((before, rest)) = text.split_once('{') {
        let (name, rest) = rest.split_once('}').ok_or(UNEVEN)?;
        if before.contains('}') || name.contains('{') {
            return Err(UNEVEN);
        }
        parts.extend((!before.is_empty()).then_some(Part::Text(before)));
        parts.push(Part::Place(name));
        text = rest;
    }
    if text.contains('}') {
        return Err(UNEVEN);
    }
    parts.extend((!text.is_empty()).then_some(Part::Text(text)));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn template(outputs: Value) -> TemplateSpec {
        serde_json::from_value(json!({"name": "social",
            "variables": [{"name": "key"}, {"name": "server", "default": "a.example"}],
            "outputs": outputs}))
        .unwrap()
    }

    fn given(values: &[(&str, &str)]) -> Values {
        let values = values.iter();
        values
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    #[test]
    fn a_value_stays_within_its_part_of_the_url() {
        let social = template(json!([
            {"name": "tube-{key}", "url": "rtmp://{server}/live/{key}"},
            {"name": "srt", "url": "srt://{server}:9000?streamid={key}&latency=200", "enabled": false}]));
        assert_eq!(check(&social, 20), []);
        let outputs = expand(&social, &given(&[("key", "abc-1")])).unwrap();
        assert_eq!(outputs[0].name.as_str(), "tube-abc-1");
        assert_eq!(outputs[0].url, "rtmp://a.example/live/abc-1");
        assert!(!outputs[1].enabled);
        let srt =
            template(json!([{"name": "s", "url": "srt://h:9000?streamid={key}&latency=200"}]));
        for evil in ["x&latency=1", "a/../b?c#d", "ä \"%2F", "#!::r=a,m=publish"] {
            let outputs = expand(&srt, &given(&[("key", evil)])).unwrap();
            let Ok(Endpoint::Srt(srt)) = outputs[0].url.parse() else {
                panic!("{outputs:?}")
            };
            assert_eq!(srt.stream_id.as_deref(), Some(evil));
            assert_eq!(
                (srt.host.as_str(), srt.port, srt.latency_ms),
                ("h", 9000, 200)
            );
        }
        let host = template(json!([{"name": "h", "url": "rtmp://{server}/live/{key}"}]));
        let evil = given(&[("key", "../../other/x"), ("server", "evil.example/app")]);
        let url = expand(&host, &evil).unwrap().remove(0).url;
        assert_eq!(url, "rtmp://evil.example%2Fapp/live/..%2F..%2Fother%2Fx");
        for climbs in [".", "..", "", "a\nb"] {
            let wrong = expand(&host, &given(&[("key", climbs)])).unwrap_err();
            assert_eq!(wrong[0].0, "variables.key", "{climbs:?}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_unknown_is_named() {
        let social = template(json!([{"name": "a", "url": "rtmp://{server}/live/{key}"}]));
        let wrong = expand(&social, &given(&[("kee", "x")])).unwrap_err();
        let told: Vec<_> = wrong
            .iter()
            .map(|(field, it)| format!("{field} {it}"))
            .collect();
        assert_eq!(
            told,
            [
                "variables.key is missing",
                "variables.kee is not known; there are key, server"
            ]
        );
        let bad_name = template(json!([{"name": "{key}", "url": "udp://h:1"}]));
        let wrong = expand(&bad_name, &given(&[("key", "a b")])).unwrap_err();
        assert_eq!(wrong[0].0, "outputs[0].name");
    }

    #[test]
    fn everything_that_is_wrong_with_a_template_is_told() {
        let bad: TemplateSpec = serde_json::from_value(json!({"name": "bad",
            "variables": [{"name": "Key"}, {"name": "a"}, {"name": "a", "default": ""}],
            "outputs": [
                {"name": "x", "url": "gopher://h"}, {"name": "x", "url": "udp://{b}:1"},
                {"name": "{", "url": "udp://h:1}"},
                {"name": "y", "url": "udp://h:{a}", "schedule": {"time_zone": "Moon"}}]}))
        .unwrap();
        let fields: Vec<_> = check(&bad, 3).into_iter().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            [
                "outputs",
                "variables[0].name",
                "variables[2].name",
                "variables[2].default",
                "outputs[0].url",
                "outputs[1].name",
                "outputs[1].url",
                "outputs[2].name",
                "outputs[2].url",
                "outputs[3].schedule",
                "outputs[3].schedule.time_zone",
            ]
        );
    }
}
