//! Templates, without what is secret in them.

use super::MASK;
use control::desired::{Fault, Faults};
use model::template::{OutputTemplate, TemplateSpec, VariableSpec};
use serde::Serialize;
use utoipa::ToSchema;

/// Parameters of URLs that are no secret.
const PLAIN: [&str; 7] = [
    "mode",
    "latency",
    "pbkeylen",
    "timeout",
    "interface",
    "ttl",
    "loop",
];

/// A template.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateView {
    /// Its name.
    #[schema(example = "social")]
    name: String,
    /// What is filled in. The default of a secret one is shown as `***`.
    #[schema(value_type = Vec<Object>, example = json!([{"name": "key"}, {"name": "server", "default": "a.rtmp.example"}]))]
    variables: Vec<VariableSpec>,
    /// What is added to an input. Secrets in URLs are shown as `***`.
    #[schema(value_type = Vec<Object>, example = json!([{"name": "social", "url": "rtmp://{server}/live/{key}", "enabled": true}]))]
    outputs: Vec<OutputTemplate>,
}

impl From<TemplateSpec> for TemplateView {
    fn from(mut spec: TemplateSpec) -> Self {
        hide(&mut spec);
        Self {
            name: spec.name.into(),
            variables: spec.variables,
            outputs: spec.outputs,
        }
    }
}

impl TemplateView {
    /// Puts back the secrets that were masked when the template was shown.
    ///
    /// # Errors
    /// A masked secret that is none of the template's.
    pub(crate) fn keep_secrets(
        spec: &mut TemplateSpec,
        before: Option<&TemplateSpec>,
    ) -> Result<(), Faults> {
        let known: Vec<_> = before
            .cloned()
            .iter_mut()
            .flat_map(secrets)
            .map(|it| it.text.clone())
            .collect();
        let item = format!("template {}", spec.name);
        let mut faults = Vec::new();
        for secret in secrets(spec).filter(|secret| secret.text.contains(MASK)) {
            match known
                .iter()
                .find(|known| (secret.masked)(known) == *secret.text)
            {
                Some(known) => secret.text.clone_from(known),
                None => faults.push(Fault {
                    item: item.clone(),
                    field: secret.field,
                    problem: format!("{MASK} stands for a secret that is not known; write it out"),
                }),
            }
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Faults(faults)),
        }
    }
}

/// Puts `***` in place of every secret.
pub(crate) fn hide(spec: &mut TemplateSpec) {
    for secret in secrets(spec) {
        *secret.text = (secret.masked)(secret.text);
    }
}

/// A text with something secret in it.
struct Secret<'a> {
    field: String,
    text: &'a mut String,
    masked: fn(&str) -> String,
}

fn secrets(spec: &mut TemplateSpec) -> impl Iterator<Item = Secret<'_>> {
    let variables = spec.variables.iter_mut().filter(|it| it.secret);
    let defaults = variables.filter_map(|variable| {
        Some(Secret {
            field: format!("variables[{}].default", variable.name),
            text: variable.default.as_mut()?,
            masked: |_| MASK.to_owned(),
        })
    });
    let urls = spec.outputs.iter_mut().map(|output| Secret {
        field: format!("outputs[{}].url", output.name),
        text: &mut output.url,
        masked: redact,
    });
    defaults.chain(urls)
}

/// As `model::endpoint::redact`, for what is no URL yet: a port may be a place still. A place
/// alone is no secret.
fn redact(url: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (url, None),
    };
    let mut shown = redact_address(address);
    if let Some(query) = query {
        let pairs: Vec<_> = query.split('&').map(redact_pair).collect();
        shown.push('?');
        shown.push_str(&pairs.join("&"));
    }
    shown
}

fn redact_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, value)) if !PLAIN.contains(&key) && !is_place(value) => format!("{key}={MASK}"),
        _ => pair.to_owned(),
    }
}

/// The password, and the last part of an RTMP path, which is a stream key.
fn redact_address(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return MASK.to_owned();
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (rest, None),
    };
    let user = authority.rsplit_once('@').and_then(|(user, host)| {
        let (name, password) = user.split_once(':')?;
        (!is_place(password)).then(|| format!("{name}:{MASK}@{host}"))
    });
    let authority = user.unwrap_or_else(|| authority.to_owned());
    let path = path.map(|path| match path.rsplit_once('/') {
        Some((app, key)) if scheme.starts_with("rtmp") && !is_place(key) => {
            format!("/{app}/{MASK}")
        }
        _ => format!("/{path}"),
    });
    format!("{scheme}://{authority}{}", path.unwrap_or_default())
}

/// One variable and nothing else.
fn is_place(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.contains(['{', '}']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_secret_is_masked_and_comes_back_and_places_stay() {
        let cases = [
            ("rtmp://{server}/live/{key}", "rtmp://{server}/live/{key}"),
            ("rtmp://h/live/hunter2", "rtmp://h/live/***"),
            ("rtmps://h/live/a{key}", "rtmps://h/live/***"),
            (
                "rtmp://me:hunter2@h/live/{key}",
                "rtmp://me:***@h/live/{key}",
            ),
            (
                "srt://{h}:{port}?latency=200&passphrase=hunter2hunter2&streamid={key}",
                "srt://{h}:{port}?latency=200&passphrase=***&streamid={key}",
            ),
            ("udp://{h}:6000?ttl=4", "udp://{h}:6000?ttl=4"),
        ];
        for (url, expected) in cases {
            assert_eq!(redact(url), expected);
        }
        let spec = |url: &str, default: &str| -> TemplateSpec {
            serde_json::from_value(json!({"name": "t",
                "variables": [{"name": "key", "default": default, "secret": true}],
                "outputs": [{"name": "x", "url": url}]}))
            .unwrap()
        };
        let before = spec("rtmp://h/live/hunter2", "hunter3");
        let view = TemplateView::from(before.clone());
        assert!(!serde_json::to_string(&view).unwrap().contains("hunter"));
        let mut back = spec("rtmp://h/live/***", MASK);
        TemplateView::keep_secrets(&mut back, Some(&before)).unwrap();
        assert_eq!(back, before);
        let mut moved = spec("rtmp://evil/live/***", MASK);
        let Faults(faults) = TemplateView::keep_secrets(&mut moved, Some(&before)).unwrap_err();
        assert_eq!(
            faults[0].field, "outputs[x].url",
            "a secret does not go elsewhere"
        );
        assert!(TemplateView::keep_secrets(&mut back.clone(), None).is_ok());
        assert!(TemplateView::keep_secrets(&mut spec("udp://h:1", MASK), None).is_err());
    }
}
