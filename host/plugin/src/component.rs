//! A component that passed every check, and the checks.

use crate::bindings;
use crate::call::CallError;
use crate::config::{Config, Schema};
use crate::engine::Runtime;
use crate::error::InstallError;
use crate::guest::Log;
use crate::plugins::Bound;
use crate::routing::{self, Router};
use model::PolicyKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
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
    /// Host interfaces it asks for; none are granted by this version.
    pub grants: Vec<String>,
    /// What newer versions add.
    pub attributes: BTreeMap<String, String>,
}

/// A component that passed the checks.
pub(crate) struct Component {
    pub(crate) hash: Hash,
    pub(crate) size: usize,
    pub(crate) imports: Vec<String>,
    pub(crate) info: Info,
    pub(crate) schema: Schema,
    pub(crate) routing: Router,
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

impl Component {
    /// Checks imports, exports, types and metadata. Runs `describe`, nothing more.
    pub(crate) async fn inspect(
        runtime: &Runtime,
        code: &Code,
        bytes: &[u8],
        hash: Hash,
        log: &Arc<Log>,
    ) -> Result<Self, InstallError> {
        let imports = check_imports(runtime, code)?;
        check_exports(runtime, code)?;
        let wrong = |error: wasmtime::Error| InstallError::WrongTypes {
            reason: format!("{error:#}"),
        };
        let pre = runtime.linker.instantiate_pre(code).map_err(wrong)?;
        let routing = Router::new(pre).map_err(wrong)?;
        let described = routing.describe(runtime, log).await;
        let described = described.map_err(|cause| InstallError::Trial {
            step: "metadata.describe".to_owned(),
            cause,
        })?;
        let schema = Schema::parse(&described.config_schema)
            .map_err(|reason| InstallError::Schema { reason })?;
        let info = check_info(described, &schema)?;
        Ok(Self {
            hash,
            size: bytes.len(),
            imports,
            info,
            schema,
            routing,
        })
    }

    /// Checks a configuration; `what` names it in the error.
    pub(crate) fn accept(&self, what: &str, config: &Value) -> Result<Config, InstallError> {
        let checked = self.schema.check(config);
        checked.map_err(|violations| InstallError::Config {
            bound: what.to_owned(),
            violations,
        })
    }

    /// Tries it with every configuration in use; with none in use, with an empty one, if its
    /// schema admits that. Returns whether it was tried at all.
    pub(crate) async fn try_with(
        &self,
        runtime: &Runtime,
        log: &Arc<Log>,
        bound: &[Bound],
    ) -> Result<bool, InstallError> {
        for Bound { what, config } in bound {
            let config = self.accept(what, config)?;
            self.try_once(runtime, log, what, &config).await?;
        }
        if !bound.is_empty() {
            return Ok(true);
        }
        let empty = Value::Object(serde_json::Map::new());
        let Ok(config) = self.schema.check(&empty) else {
            return Ok(false);
        };
        self.try_once(runtime, log, "nobody yet, {}", &config)
            .await?;
        Ok(true)
    }

    /// One decision on a sample. A policy that answers with an error has answered: the sample
    /// may be a stream it wants nothing to do with.
    async fn try_once(
        &self,
        runtime: &Runtime,
        log: &Arc<Log>,
        what: &str,
        config: &Config,
    ) -> Result<(), InstallError> {
        let state = routing::sample_state();
        let answer = self
            .routing
            .route(runtime, log, &state, config.as_json())
            .await;
        match answer {
            Ok(_) | Err(CallError::Refused(_)) => Ok(()),
            Err(cause) => Err(InstallError::Trial {
                step: format!("routing.route with the configuration of {what}"),
                cause,
            }),
        }
    }
}

fn check_imports(runtime: &Runtime, code: &Code) -> Result<Vec<String>, InstallError> {
    let names = |(name, _)| str::to_owned(name);
    let component = code.component_type();
    let imports: Vec<_> = component.imports(&runtime.engine).map(names).collect();
    let unknown: Vec<_> = imports
        .iter()
        .filter(|name| !bindings::IMPORTS.contains(&name.as_str()))
        .cloned()
        .collect();
    if unknown.is_empty() {
        return Ok(imports);
    }
    Err(InstallError::UnknownImports { imports: unknown })
}

fn check_exports(runtime: &Runtime, code: &Code) -> Result<(), InstallError> {
    let component = code.component_type();
    let exports: Vec<_> = component
        .exports(&runtime.engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    let has = |wanted: &[&str]| exports.iter().any(|name| wanted.contains(&name.as_str()));
    if has(bindings::METADATA) && has(routing::EXPORTS) {
        return Ok(());
    }
    Err(InstallError::MissingExports { exports })
}

fn check_info(info: bindings::v1_0_0::Info, schema: &Schema) -> Result<Info, InstallError> {
    required("name", &info.name)?;
    required("version", &info.version)?;
    bounded("description", &info.description, 1_024)?;
    bounded("author", &info.author, 1_024)?;
    bounded("license", &info.license, 1_024)?;
    if !info
        .kinds
        .iter()
        .any(|kind| kind == PolicyKind::Routing.as_str())
    {
        return Err(InstallError::Metadata {
            field: "kinds",
            reason: "\"routing\" is exported but not listed".to_owned(),
        });
    }
    Ok(Info {
        name: info.name,
        version: info.version,
        description: info.description,
        author: info.author,
        license: info.license,
        // Kinds that this host does not know are none of its business.
        kinds: vec![PolicyKind::Routing],
        config_schema: schema.value().clone(),
        grants: info.grants,
        attributes: info.attributes.into_iter().collect(),
    })
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
