//! Where a plugin's component and its fixtures are.

use anyhow::{Context, bail, ensure};
use plugin::{BuildOptions, Fixture};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A component to be asked; one built for the purpose goes with this.
pub(super) struct Subject {
    pub(super) component: PathBuf,
    /// Where its fixtures are unless the author says otherwise.
    pub(super) fixtures: PathBuf,
    _built_in: Option<TempDir>,
}

/// A fixture and the name it is told by.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) fixture: Fixture,
}

impl Subject {
    /// A component as it is, or the one of a plugin's folder, built now.
    pub(super) async fn find(path: &Path) -> anyhow::Result<Self> {
        if path.is_file() {
            let folder = path.parent().unwrap_or(Path::new("."));
            return Ok(Self {
                component: path.to_owned(),
                fixtures: folder.join("fixtures"),
                _built_in: None,
            });
        }
        ensure!(
            path.is_dir(),
            "there is no {}; give a plugin's folder or its .wasm file",
            path.display()
        );
        let desk = tempfile::tempdir()?;
        let component = desk.path().join("plugin.wasm");
        let options = BuildOptions {
            folder: path.to_owned(),
            output: component.clone(),
            target_dir: None,
            offline: false,
        };
        plugin::build::build(options).await?;
        Ok(Self {
            component,
            fixtures: path.join("fixtures"),
            _built_in: Some(desk),
        })
    }
}

/// Every fixture of a folder; those that bring no configuration get this one.
pub(super) fn of_folder(folder: &Path, config: Option<&Value>) -> anyhow::Result<Vec<Named>> {
    let files = Fixture::files(folder).with_context(|| {
        format!(
            "no fixtures in {}; name their folder with --fixtures",
            folder.display()
        )
    })?;
    if files.is_empty() {
        bail!(
            "{} holds no fixture: write one, for example from a line of GET /api/v1/decisions",
            folder.display()
        );
    }
    files.iter().map(|file| of_file(file, config)).collect()
}

/// One fixture.
pub(super) fn of_file(file: &Path, config: Option<&Value>) -> anyhow::Result<Named> {
    let mut fixture =
        Fixture::read(file).with_context(|| format!("the fixture {}", file.display()))?;
    if let Some(config) = config {
        fixture.configure(config);
    }
    let name = file.file_stem().unwrap_or(file.as_os_str());
    let name = name.to_string_lossy().into_owned();
    Ok(Named { name, fixture })
}
