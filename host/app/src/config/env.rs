//! Environment variables over the file: `POINTSMAN_<SECTION>_<KEY>`.

use super::keys::{DOCUMENT, Node};
use super::{Config, ConfigError};

const PREFIX: &str = "POINTSMAN_";

/// Scalar keys with the variable that sets each.
pub(super) fn variables() -> impl Iterator<Item = (String, &'static str, Option<&'static str>)> {
    DOCUMENT.iter().flat_map(|(name, node)| {
        let mut found = Vec::new();
        match node {
            Node::Scalar => found.push((variable(&[name]), *name, None)),
            // Lists of tables have no place in a variable.
            Node::Table(keys) if !matches!(*name, "policies" | "inputs") => {
                let scalars = keys.iter().filter(|(_, node)| matches!(node, Node::Scalar));
                found.extend(scalars.map(|(key, _)| (variable(&[name, key]), *name, Some(*key))));
            }
            _ => {}
        }
        found
    })
}

fn variable(parts: &[&str]) -> String {
    format!("{PREFIX}{}", parts.join("_").to_ascii_uppercase())
}

/// Sets what the variables say.
///
/// A variable with the prefix that is no key is not an error: Kubernetes makes
/// `POINTSMAN_PORT` and the like for every service of that name.
pub(super) fn overlay(
    mut config: Config,
    given: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let given: Vec<_> = given
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    for (variable, section, key) in variables() {
        let Some((_, value)) = given.iter().find(|(name, _)| *name == variable) else {
            continue;
        };
        set(&mut config, section, key, value)
            .map_err(|problem| ConfigError::Variable { variable, problem })?;
    }
    Ok(config)
}

fn set(config: &mut Config, section: &str, key: Option<&str>, value: &str) -> Result<(), String> {
    match (section, key) {
        ("data_dir", _) => config.data_dir = value.into(),
        ("api", Some("listen")) => config.api.listen = parsed(value, "ADDRESS:PORT")?,
        ("rtmp", Some("listen")) => config.rtmp.listen = parsed(value, "ADDRESS:PORT")?,
        ("srt", Some("listen")) => config.srt.listen = parsed(value, "ADDRESS:PORT")?,
        ("srt", Some("latency")) => config.srt.latency = parsed(value, "milliseconds")?,
        // Set to nothing means not set, as usual for secrets.
        ("srt", Some("passphrase")) => {
            config.srt.passphrase = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        ("srt", Some("pbkeylen")) => config.srt.pbkeylen = parsed(value, "16, 24 or 32")?,
        ("udp", Some("ports")) => config.udp.ports = parsed(value, "FIRST-LAST")?,
        ("plugins", Some("dir")) => config.plugins.dir = value.into(),
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn parsed<T: std::str::FromStr>(value: &str, expected: &str) -> Result<T, String> {
    let shown: String = value.chars().take(40).collect();
    value
        .parse()
        .map_err(|_| format!("{shown:?} is not of the form {expected}"))
}

/// The variable of a key written as in errors: `api.listen` is `POINTSMAN_API_LISTEN`.
pub fn variable_of(key: &str) -> String {
    variable(&key.split('.').collect::<Vec<_>>())
}
