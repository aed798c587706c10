//! Reads what is wanted from JSON, field by field, so that every fault of a body is told at once.

mod accounts;
mod groups;

pub(crate) use accounts::{key, new_user, password, tenant, user};
pub(crate) use groups::{group, playing, screen};

use control::desired::{Fault, Faults};
use model::tenant::TenantSpec;
use model::{
    InputSpec, Label, OutputSpec, PolicySpec, Site, StreamPattern, TemplateSpec, WebhookSpec,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The members of one JSON object, taken out one by one.
struct Fields {
    item: String,
    /// In front of the names of its members.
    path: String,
    members: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    fn new(item: &str, path: &str, value: Value, faults: &mut Vec<Fault>) -> Self {
        let members = match value {
            Value::Object(members) => members,
            other => {
                let problem = format!("{} where an object is wanted", kind(&other));
                faults.push(fault(item, path, problem));
                Map::new()
            }
        };
        Self {
            item: item.to_owned(),
            path: path.to_owned(),
            members,
            known: Vec::new(),
        }
    }

    fn field(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.members.remove(name)
    }

    /// A member that may be left out.
    fn optional<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        faults: &mut Vec<Fault>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let read = serde_json::from_value(value);
        read.map_err(|error| faults.push(fault(&self.item, &self.field(name), error)))
            .ok()
    }

    /// A member that has to be there.
    fn required<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        faults: &mut Vec<Fault>,
    ) -> Option<T> {
        if !self.members.contains_key(name) {
            self.known.push(name);
            faults.push(fault(&self.item, &self.field(name), "is missing"));
            return None;
        }
        self.optional(name, faults)
    }

    /// The elements of a list that may be left out.
    fn list(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Vec<(String, Value)> {
        let field = self.field(name);
        match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(elements)) => elements
                .into_iter()
                .enumerate()
                .map(|(at, element)| (format!("{field}[{at}]"), element))
                .collect(),
            Some(other) => {
                let problem = format!("{} where a list is wanted", kind(&other));
                faults.push(fault(&self.item, &field, problem));
                Vec::new()
            }
        }
    }

    /// The elements of a list that may be left out, each read by itself.
    fn each<T: DeserializeOwned>(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Vec<T> {
        let mut read = Vec::new();
        for (field, value) in self.list(name, faults) {
            match serde_json::from_value(value) {
                Ok(element) => read.push(element),
                Err(error) => faults.push(fault(&self.item, &field, error)),
            }
        }
        read
    }

    /// What is left is not known.
    fn end(self, faults: &mut Vec<Fault>) {
        let known: BTreeSet<_> = self.known.iter().copied().collect();
        let known: Vec<_> = known.into_iter().collect();
        for name in self.members.keys() {
            let shown: String = name.chars().take(40).collect();
            let problem = format!("is not known; there are {}", known.join(", "));
            faults.push(fault(&self.item, &self.field(&shown), problem));
        }
    }
}

/// A whole document.
///
/// # Errors
/// Every fault there is in its form; its sense is checked by the control plane.
pub(crate) fn site(value: Value) -> Result<Site, Faults> {
    let mut faults = Vec::new();
    let mut fields = Fields::new("document", "", value, &mut faults);
    let tenants = fields.list("tenants", &mut faults);
    let policies = fields.list("policies", &mut faults);
    let inputs = fields.list("inputs", &mut faults);
    let groups = fields.list("groups", &mut faults);
    let templates = fields.list("templates", &mut faults);
    let webhooks = fields.list("webhooks", &mut faults);
    fields.end(&mut faults);
    let mut site = Site::default();
    for (field, value) in tenants {
        match serde_json::from_value::<TenantSpec>(value) {
            Ok(tenant) => site.tenants.push(tenant),
            Err(error) => faults.push(fault("document", &field, error)),
        }
    }
    for (field, value) in policies {
        match serde_json::from_value::<PolicySpec>(value) {
            Ok(policy) => site.policies.push(policy),
            Err(error) => faults.push(fault("document", &field, error)),
        }
    }
    for (field, value) in inputs {
        site.inputs.extend(read_input(&field, value, &mut faults));
    }
    for (field, value) in groups {
        let read = groups::read_group(&field, value, &mut faults);
        site.groups.extend(read);
    }
    for (field, value) in templates {
        let read = read_template(&field, value, &mut faults);
        site.templates.extend(read);
    }
    for (field, value) in webhooks {
        site.webhooks
            .extend(read_webhook(&field, value, &mut faults));
    }
    sound(site, faults)
}

/// A template.
///
/// # Errors
/// Every fault there is in its form.
pub(crate) fn template(value: Value) -> Result<TemplateSpec, Faults> {
    let mut faults = Vec::new();
    let read = read_template("template", value, &mut faults);
    whole(read, faults)
}

/// A webhook.
///
/// # Errors
/// Every fault there is in its form.
pub(crate) fn webhook(value: Value) -> Result<WebhookSpec, Faults> {
    let mut faults = Vec::new();
    let read = read_webhook("webhook", value, &mut faults);
    whole(read, faults)
}

/// An input.
///
/// # Errors
/// Every fault there is in its form.
pub(crate) fn input(value: Value) -> Result<InputSpec, Faults> {
    let mut faults = Vec::new();
    let read = read_input("input", value, &mut faults);
    whole(read, faults)
}

/// An output of an input. One without a name is called after its scheme: `srt-1`; `taken` are
/// the names there are.
///
/// # Errors
/// Every fault there is in its form.
pub(crate) fn output(of: &str, value: Value, taken: &[Label]) -> Result<OutputSpec, Faults> {
    let mut faults = Vec::new();
    let item = format!("input {of}");
    let read = read_output(&item, "output", value, taken, &mut faults);
    whole(read, faults)
}

fn read_input(place: &str, value: Value, faults: &mut Vec<Fault>) -> Option<InputSpec> {
    let item = item_of("input", place, &value);
    let mut fields = Fields::new(&item, "", value, faults);
    let name = fields.required("name", faults);
    let sources = fields.each("sources", faults);
    let mut outputs: Vec<OutputSpec> = Vec::new();
    for (field, value) in fields.list("outputs", faults) {
        let taken: Vec<_> = outputs.iter().map(|output| output.name.clone()).collect();
        outputs.extend(read_output(&item, &field, value, &taken, faults));
    }
    let merge_ms = fields.optional("merge_ms", faults);
    let freeze_ms = fields.optional("freeze_ms", faults);
    let black_ms = fields.optional("black_ms", faults);
    let encode = fields.optional("encode", faults);
    let hls = fields.optional("hls", faults);
    let labels = fields.optional("labels", faults).unwrap_or_default();
    fields.end(faults);
    Some(InputSpec {
        name: name?,
        sources,
        outputs,
        merge_ms,
        freeze_ms,
        black_ms,
        encode,
        hls,
        labels,
    })
}

fn read_template(place: &str, value: Value, faults: &mut Vec<Fault>) -> Option<TemplateSpec> {
    let item = item_of("template", place, &value);
    let mut fields = Fields::new(&item, "", value, faults);
    let name = fields.required("name", faults);
    let variables = fields.each("variables", faults);
    let outputs = fields.each("outputs", faults);
    fields.end(faults);
    Some(TemplateSpec {
        name: name?,
        variables,
        outputs,
    })
}

/// How an error calls what is at this place of a document.
fn item_of(kind: &str, place: &str, value: &Value) -> String {
    match value.get("name").and_then(Value::as_str) {
        Some(name) => format!("{kind} {}", name.chars().take(60).collect::<String>()),
        None => place.to_owned(),
    }
}

fn read_output(
    item: &str,
    place: &str,
    value: Value,
    taken: &[Label],
    faults: &mut Vec<Fault>,
) -> Option<OutputSpec> {
    let mut fields = Fields::new(item, place, value, faults);
    let named = fields.members.contains_key("name");
    let name = fields.optional::<Label>("name", faults);
    let url = fields.required::<String>("url", faults);
    let enabled = fields.optional("enabled", faults).unwrap_or(true);
    let retry = fields.optional("retry", faults).unwrap_or_default();
    let schedule = fields.optional("schedule", faults);
    fields.end(faults);
    let url = url?;
    let name = match named {
        true => name?,
        false => free_name(&url, taken)?,
    };
    Some(OutputSpec {
        name,
        url,
        enabled,
        retry,
        schedule,
    })
}

fn read_webhook(place: &str, value: Value, faults: &mut Vec<Fault>) -> Option<WebhookSpec> {
    let named = value.get("name").and_then(Value::as_str);
    let item = match named {
        Some(name) => format!("webhook {}", name.chars().take(60).collect::<String>()),
        None => place.to_owned(),
    };
    let mut fields = Fields::new(&item, "", value, faults);
    let name = fields.required("name", faults);
    let url = fields.required("url", faults);
    let secret = fields.optional("secret", faults);
    let events = fields.optional("events", faults).unwrap_or_default();
    let streams = fields.optional("streams", faults);
    let enabled = fields.optional("enabled", faults).unwrap_or(true);
    fields.end(faults);
    Some(WebhookSpec {
        name: name?,
        url: url?,
        secret,
        events,
        streams: streams.unwrap_or_else(StreamPattern::any),
        enabled,
    })
}

/// The first of `SCHEME-1`, `SCHEME-2`, ... that is not taken.
fn free_name(url: &str, taken: &[Label]) -> Option<Label> {
    let scheme = url.split(':').next().unwrap_or_default();
    let known = [
        "udp", "srt", "rtmp", "rtmps", "rtsp", "rtsps", "rtspu", "http", "https", "file",
    ];
    let scheme = if known.contains(&scheme) {
        scheme
    } else {
        "output"
    };
    let names = (1..).map(|number| format!("{scheme}-{number}"));
    names
        .filter_map(|name| name.parse::<Label>().ok())
        .find(|name| !taken.contains(name))
}

/// The fault of a patch that would rename what it patches.
pub(crate) fn fixed(item: &str, field: &str) -> Faults {
    let problem = "is part of the path and stays; take this one back and declare another";
    Faults(vec![fault(item, field, problem)])
}

/// Lays a JSON merge patch over a document (RFC 7396): a null removes a member, objects are gone
/// into, everything else replaces what is there.
pub(crate) fn merge_patch(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.remove(&name)),
            value => merge_patch(members.entry(name).or_insert(Value::Null), value),
        }
    }
}

fn whole<T>(read: Option<T>, faults: Vec<Fault>) -> Result<T, Faults> {
    match read {
        Some(read) => sound(read, faults),
        None => Err(Faults(faults)),
    }
}

fn sound<T>(read: T, faults: Vec<Fault>) -> Result<T, Faults> {
    match faults.is_empty() {
        true => Ok(read),
        false => Err(Faults(faults)),
    }
}

fn fault(item: &str, field: &str, problem: impl ToString) -> Fault {
    Fault {
        item: item.to_owned(),
        field: field.to_owned(),
        problem: problem.to_string(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults_of(value: Value) -> Vec<(String, String)> {
        let Faults(faults) = input(value).unwrap_err();
        let pairs = faults.into_iter();
        pairs.map(|fault| (fault.item, fault.field)).collect()
    }

    #[test]
    fn every_fault_is_told_with_its_field() {
        let found = faults_of(json!({
            "name": "live/cam1",
            "sources": [{"type": "udp", "address": 5}, {"type": "carrier-pigeon"}],
            "outputs": [{"name": "a b", "url": "udp://h:1"}, {"url": 7, "enabled": "yes"}, 3],
            "labels": {"room": 3},
            "colour": "red",
        }));
        let fields: Vec<_> = found.iter().map(|(_, field)| field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "sources[0]",
                "sources[1]",
                "outputs[0].name",
                "outputs[1].url",
                "outputs[1].enabled",
                "outputs[2]",
                "outputs[2].url",
                "labels",
                "colour",
            ]
        );
        assert!(found.iter().all(|(item, _)| item == "input live/cam1"));
        assert_eq!(
            faults_of(json!({})),
            [("input".to_owned(), "name".to_owned())]
        );
        assert_eq!(faults_of(json!([1])).len(), 2);
    }

    #[test]
    fn an_output_without_a_name_is_called_after_its_scheme() {
        let read = input(json!({"name": "a", "outputs": [
            {"url": "srt://h:1"}, {"url": "srt://h:2"}, {"name": "udp-1", "url": "udp://h:3"}, {"url": "udp://h:4"}]}));
        let names: Vec<_> = read
            .unwrap()
            .outputs
            .into_iter()
            .map(|it| it.name.to_string())
            .collect();
        assert_eq!(names, ["srt-1", "srt-2", "udp-1", "udp-2"]);
    }

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn a_merge_patch_does_what_its_rfc_shows() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ];
        for (mut target, patch, expected) in cases {
            merge_patch(&mut target, patch);
            assert_eq!(target, expected);
        }
    }
}
