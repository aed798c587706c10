//! Open files, the data directory, the plugin folder.

use super::Finding;
use crate::config::Config;
use crate::sys;
use std::path::Path;

/// 300 players and some need about this many; every connection is a file.
const FILES: u64 = 4_096;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    vec![
        open_files(),
        data_dir(&config.data_dir),
        plugins(&config.plugins.dir),
    ]
}

fn open_files() -> Finding {
    match sys::file_limit() {
        Ok(limit) if limit.hard >= FILES => Finding::ok(
            "open files",
            format!("{} now, up to {}", limit.soft, limit.hard),
        ),
        Ok(limit) => {
            let advice = "every connection is a file: raise LimitNOFILE in the unit, or ulimit -n";
            Finding::warn("open files", format!("at most {}", limit.hard), advice)
        }
        Err(error) => Finding::warn("open files", error.to_string(), "check ulimit -n"),
    }
}

fn data_dir(dir: &Path) -> Finding {
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    let existed = dir.exists();
    let tried = std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&probe, b"probe"))
        .and_then(|()| std::fs::remove_file(&probe));
    if !existed {
        // Only if it is empty, that is, only what was made above.
        let _ = std::fs::remove_dir(dir);
    }
    match tried {
        Ok(()) => Finding::ok("data_dir", format!("{} can be written", dir.display())),
        Err(error) => {
            let advice = "give this user the directory, or set data_dir or POINTSMAN_DATA_DIR";
            Finding::fail("data_dir", format!("{}: {error}", dir.display()), advice)
        }
    }
}

fn plugins(dir: &Path) -> Finding {
    let shown = dir.display();
    let Ok(entries) = std::fs::read_dir(dir) else {
        let advice = "streams are routed by the built-in policy until there is one; make it, \
                      or set plugins.dir or POINTSMAN_PLUGINS_DIR";
        return Finding::warn("plugins.dir", format!("{shown} does not exist"), advice);
    };
    let is_component =
        |name: &std::ffi::OsStr| Path::new(name).extension().is_some_and(|x| x == "wasm");
    let names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| is_component(name))
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    if names.is_empty() {
        let advice = "build one: pointsman plugin build plugins/fanout --out DIR";
        return Finding::warn(
            "plugins.dir",
            format!("{shown} holds no .wasm file"),
            advice,
        );
    }
    Finding::ok("plugins.dir", format!("{shown}: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        assert_eq!(data_dir(&data).verdict, Verdict::Ok);
        assert!(!data.exists());
    }

    #[test]
    fn a_data_dir_that_cannot_be_made_fails_with_its_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let finding = data_dir(&file.path().join("data"));
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.found.contains("data"), "{finding}");
    }

    #[test]
    fn only_components_count_as_plugins() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("notes.txt"), "").unwrap();
        assert_eq!(plugins(dir.path()).verdict, Verdict::Warn);
        std::fs::write(dir.path().join("fanout.wasm"), "").unwrap();
        assert!(plugins(dir.path()).found.ends_with("fanout.wasm"));
    }
}
