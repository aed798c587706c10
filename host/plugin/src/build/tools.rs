//! Where the programs that other languages need are found.

use super::BuildError;
use std::env;
use std::path::{Path, PathBuf};

/// The bundler and the compiler of policies in JavaScript, as `npm install` takes them.
pub(super) const JS_PACKAGES: &str = "componentize-qjs@0.4.5 esbuild@0.28.2";

/// The compiler of policies in Python, as `pip install` takes it. Another version may lay out
/// its generated modules in another way, which the SDK relies on.
pub(super) const PYTHON_PACKAGES: &str = "componentize-py==0.25.1";

/// Folders to look in: first the plugin's own, then `$POINTSMAN_TOOLS`, then the cache that
/// `scripts/setup.sh` fills, then `$PATH`.
pub(super) struct Places {
    plugin: PathBuf,
    tools: Vec<PathBuf>,
    path: Vec<PathBuf>,
}

impl Places {
    /// The places of a plugin.
    pub(super) fn of(plugin: &Path) -> Self {
        let chosen = env::var_os("POINTSMAN_TOOLS").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        Self {
            plugin: plugin.to_owned(),
            tools: chosen.into_iter().chain(cache()).collect(),
            path: env::split_paths(&path).collect(),
        }
    }

    /// The folder of an npm package, by the program that it installs.
    pub(super) fn npm(&self, package: &'static str) -> Result<PathBuf, BuildError> {
        let program = self.find("node_modules/.bin", "node_modules/.bin", package);
        // The program is a link into its package.
        let package_of = |program: PathBuf| {
            let program = program.canonicalize().ok()?;
            let folder = program
                .ancestors()
                .find(|folder| folder.join("package.json").is_file());
            folder.map(Path::to_owned)
        };
        program
            .and_then(package_of)
            .ok_or_else(|| self.missing(package))
    }

    /// A program of a Python package.
    pub(super) fn python(&self, program: &'static str) -> Result<PathBuf, BuildError> {
        self.find(".venv/bin", "python/bin", program)
            .ok_or_else(|| self.missing(program))
    }

    /// A program that only `$PATH` has.
    pub(super) fn program(&self, program: &'static str) -> Result<PathBuf, BuildError> {
        let mut places = self.path.iter().map(|folder| folder.join(program));
        places
            .find(|program| program.is_file())
            .ok_or_else(|| self.missing(program))
    }

    /// `own` is below the plugin, `shared` below the folders for tools.
    fn find(&self, own: &str, shared: &str, program: &str) -> Option<PathBuf> {
        let own = [self.plugin.join(own)].into_iter();
        let shared = self.tools.iter().map(|folder| folder.join(shared));
        let places = own.chain(shared).chain(self.path.iter().cloned());
        places
            .map(|folder| folder.join(program))
            .find(|program| program.is_file())
    }

    fn missing(&self, tool: &'static str) -> BuildError {
        let into = self
            .tools
            .first()
            .map(|folder| folder.display().to_string());
        let into = into.unwrap_or_else(|| "$POINTSMAN_TOOLS".to_owned());
        let install = match tool {
            "node" => "sudo apt-get install nodejs npm".to_owned(),
            "python3" => "sudo apt-get install python3 python3-venv".to_owned(),
            "componentize-py" => {
                let venv = format!("{into}/python");
                format!("python3 -m venv {venv} && {venv}/bin/pip install {PYTHON_PACKAGES}")
            }
            _ => format!("npm install --prefix {into} {JS_PACKAGES}"),
        };
        BuildError::NoTool { tool, install }
    }
}

/// `scripts/setup.sh` installs there, too.
fn cache() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let cache = match cache {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("HOME")?).join(".cache"),
    };
    Some(cache.join("pointsman/tools"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(file: PathBuf) -> PathBuf {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        file
    }

    /// A plugin, two folders for tools and one of `$PATH`.
    fn places(root: &Path) -> Places {
        Places {
            plugin: root.join("plugin"),
            tools: vec![root.join("chosen"), root.join("cache")],
            path: vec![root.join("bin")],
        }
    }

    #[test]
    fn the_plugins_own_tools_come_first_and_those_of_the_path_last() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        let homes = [
            "bin",
            "cache/python/bin",
            "chosen/python/bin",
            "plugin/.venv/bin",
        ];
        for home in homes {
            let tool = put(root.path().join(home).join("componentize-py"));
            assert_eq!(places.python("componentize-py").unwrap(), tool);
        }
    }

    #[test]
    fn a_package_is_found_behind_the_link_to_its_program() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        let modules = root.path().join("cache/node_modules");
        put(modules.join("esbuild/package.json"));
        let program = put(modules.join("esbuild/bin/esbuild"));
        fs::create_dir_all(modules.join(".bin")).unwrap();
        std::os::unix::fs::symlink(program, modules.join(".bin/esbuild")).unwrap();
        let found = places.npm("esbuild").unwrap();
        assert_eq!(found, modules.join("esbuild").canonicalize().unwrap());
    }

    #[test]
    fn setup_installs_the_versions_that_are_asked_for() {
        let setup = include_str!("../../../../scripts/setup.sh");
        for package in JS_PACKAGES.split(' ').chain([PYTHON_PACKAGES]) {
            assert!(
                setup.contains(package),
                "scripts/setup.sh installs no {package}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_told_with_the_command_that_installs_it() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        let npm = places.npm("esbuild").unwrap_err().to_string();
        let into = root.path().join("chosen");
        let command = format!("npm install --prefix {} {JS_PACKAGES}", into.display());
        assert!(npm.contains(&command), "{npm}");
        let python = places.python("componentize-py").unwrap_err().to_string();
        assert!(python.contains("pip install componentize-py=="), "{python}");
    }
}
