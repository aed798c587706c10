//! Policies in Python, compiled with CPython by componentize-py. What is done with them says
//! `sdk/python/build/build.py`.

use super::error::at;
use super::tools::Places;
use super::{BuildError, BuildOptions, Language, kit, script};
use std::path::Path;

/// Writes the component.
pub(super) fn build(options: &BuildOptions, output: &Path) -> Result<(), BuildError> {
    let places = Places::of(&options.folder);
    let componentize = places.python("componentize-py")?;
    // The Python that came with it; its packages are not in the way of the policy's.
    let python = match componentize.parent().map(|bin| bin.join("python3")) {
        Some(python) if python.is_file() => python,
        _ => places.program("python3")?,
    };
    let desk = tempfile::tempdir().map_err(at(&options.folder))?;
    let (sdk, wit) = (desk.path().join("sdk"), desk.path().join("wit"));
    kit::write("sdk/python", &sdk).map_err(at(&sdk))?;
    kit::write("wit/1.0.0", &wit).map_err(at(&wit))?;
    let script = sdk.join("build/build.py");
    let work = [
        ("folder", options.folder.as_path()),
        ("sdk", &sdk),
        ("wit", &wit),
        ("out", output),
        ("componentize", &componentize),
    ];
    script::run(Language::Python, &python, &script, &work, options)
}
