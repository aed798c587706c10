//! A component that passed every check, and the checks.

use crate::bindings::{self, v1_0_0};
use crate::config::{Config, Schema};
use crate::error::InstallError;
use crate::home::Home;
use crate::hosting::Hosting;
use crate::wasi;
use model::{PolicyKind, grants};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use wasmtime::Engine;
use wasmtime::component::Component as Code;

/// SHA-256 of a component's bytes, as lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(Arc<str>);

impl Hash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hex: String = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self(hex.into())
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Info {
    /// The author's name for it.
    pub name: String,
    /// The author's version.
    pub version: String,
    /// One line for people.
    pub description: String,
    /// Who to ask.
    pub author: String,
    /// SPDX expression.
    pub license: String,
    /// The kinds of policy it has.
    pub kinds: Vec<PolicyKind>,
    /// JSON Schema of its configuration.
    pub config_schema: Value,
    /// What it asks for beyond its own sandbox: `http`, `http:HOST`. The operator has to grant it, too.
    pub grants: Vec<String>,
    /// What newer versions add.
    pub attributes: BTreeMap<String, String>,
}

/// Whether these bytes can be a component at all; cheap, before anything is compiled.
pub(crate) fn sniff(bytes: &[u8], limit: usize) -> Result<(), InstallError> {
    // The binary format's preamble: magic, version, layer (0 core module, 1 component).
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    if bytes.len() > limit {
        return Err(InstallError::TooBig {
            size: bytes.len(),
            limit,
        });
    }
    if bytes.starts_with(COMPONENT) {
        return Ok(());
    }
    if bytes.starts_with(b"\0asm\x01\0\0\0") {
        return Err(InstallError::CoreModule);
    }
    let head = bytes.get(..8).unwrap_or(bytes);
    Err(InstallError::NotAComponent {
        found: String::from_utf8_lossy(head).into_owned(),
    })
}

/// A component whose imports and exports are in order; it has not run yet.
pub(crate) struct Draft {
    hash: Hash,
    size: usize,
    imports: Vec<String>,
    policy: v1_0_0::Policy,
}

/// A component that told what it is.
pub(crate) struct Component {
    pub(crate) hash: Hash,
    pub(crate) size: usize,
    pub(crate) imports: Vec<String>,
    pub(crate) info: Info,
    pub(crate) schema: Schema,
    /// `info.grants`, as calls take it along.
    pub(crate) grants: Arc<[String]>,
    pub(crate) policy: v1_0_0::Policy,
}

impl Draft {
    /// Checks imports and exports by name, and links it.
    pub(crate) fn inspect(
        home: &Home,
        code: &Code,
        bytes: &[u8],
        hash: Hash,
    ) -> Result<Self, InstallError> {
        let runtime = &home.runtime;
        let imports = check_imports(&runtime.engine, code)?;
        let linker = if imports.iter().any(|name| wasi::offers(name)) {
            &runtime.linker_with_wasi
        } else {
            &runtime.linker
        };
        let linked = linker.instantiate_pre(code).map_err(wrong_types)?;
        let Some(policy) = v1_0_0::Policy::find(linked).map_err(wrong_types)? else {
            let component = code.component_type();
            let exports = component.exports(&runtime.engine);
            let exports = exports.map(|(name, _)| name.to_owned()).collect();
            return Err(InstallError::MissingExports { exports });
        };
        Ok(Self {
            hash,
            size: bytes.len(),
            imports,
            policy,
        })
    }

    /// Makes a first instance and has it describe itself.
    pub(crate) async fn describe(self, home: &Home) -> Result<Component, InstallError> {
        let hosting = Hosting::of_trial(home, 0, None);
        let described = home.describe(&self.policy, hosting).await;
        let described = described.map_err(|cause| InstallError::Trial {
            step: "metadata.describe".to_owned(),
            cause,
        })?;
        let described = described.map_err(wrong_types)?;
        let schema = Schema::parse(&described.config_schema)
            .map_err(|reason| InstallError::Schema { reason })?;
        let info = check_info(described, self.policy.kinds(), &schema)?;
        Ok(Component {
            hash: self.hash,
            size: self.size,
            imports: self.imports,
            grants: info.grants.clone().into(),
            info,
            schema,
            policy: self.policy,
        })
    }
}

impl Component {
    /// Checks a configuration; `what` names it in the error.
    pub(crate) fn accept(&self, what: &str, config: &Value) -> Result<Config, InstallError> {
        let checked = self.schema.check(config);
        checked.map_err(|violations| InstallError::Config {
            bound: what.to_owned(),
            violations,
        })
    }
}

fn wrong_types(error: wasmtime::Error) -> InstallError {
    InstallError::WrongTypes {
        reason: format!("{error:#}"),
    }
}

fn check_imports(engine: &Engine, code: &Code) -> Result<Vec<String>, InstallError> {
    let component = code.component_type();
    let imports = component.imports(engine).map(|(name, _)| name.to_owned());
    let (known, imports): (Vec<_>, Vec<_>) =
        imports.partition(|name| bindings::IMPORTS.contains(&name.as_str()) || wasi::offers(name));
    if imports.is_empty() {
        return Ok(known);
    }
    Err(InstallError::UnknownImports { imports })
}

/// Entries of `grants`.
const MAX_GRANTS: usize = 64;

fn check_info(
    info: v1_0_0::Info,
    exported: Vec<PolicyKind>,
    schema: &Schema,
) -> Result<Info, InstallError> {
    required("name", &info.name)?;
    required("version", &info.version)?;
    bounded("description", &info.description, 1_024)?;
    bounded("author", &info.author, 1_024)?;
    bounded("license", &info.license, 1_024)?;
    check_kinds(&info.kinds, &exported)?;
    let grants = |reason| InstallError::Metadata {
        field: "grants",
        reason,
    };
    if info.grants.len() > MAX_GRANTS {
        let count = info.grants.len();
        return Err(grants(format!(
            "{count} entries, at most {MAX_GRANTS} are taken"
        )));
    }
    grants::check_asked(&info.grants).map_err(|error| grants(error.to_string()))?;
    Ok(Info {
        name: info.name,
        version: info.version,
        description: info.description,
        author: info.author,
        license: info.license,
        kinds: exported,
        config_schema: schema.value().clone(),
        grants: info.grants,
        attributes: info.attributes.into_iter().collect(),
    })
}

/// What it says and what it has must be the same; kinds that this host does not know are none of
/// its business.
fn check_kinds(listed: &[String], exported: &[PolicyKind]) -> Result<(), InstallError> {
    for kind in PolicyKind::ALL {
        let said = listed.iter().any(|name| name == kind.as_str());
        let reason = match (said, exported.contains(&kind)) {
            (true, false) => format!("\"{kind}\" is listed but not exported"),
            (false, true) => format!("\"{kind}\" is exported but not listed"),
            _ => continue,
        };
        return Err(InstallError::Metadata {
            field: "kinds",
            reason,
        });
    }
    Ok(())
}

fn required(field: &'static str, value: &str) -> Result<(), InstallError> {
    if value.is_empty() {
        let reason = "empty".to_owned();
        return Err(InstallError::Metadata { field, reason });
    }
    bounded(field, value, 64)
}

fn bounded(field: &'static str, value: &str, limit: usize) -> Result<(), InstallError> {
    let len = value.len();
    if len <= limit {
        return Ok(());
    }
    let reason = format!("{len} bytes, at most {limit} are taken");
    Err(InstallError::Metadata { field, reason })
}
