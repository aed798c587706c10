//! Graphics processors, as far as the kernel knows them. Nothing is loaded or started to look.

use super::text;
use serde::Serialize;
use std::fs;
use std::path::Path;
use utoipa::ToSchema;

/// Processors shown.
const MAX_GPUS: usize = 32;

/// A graphics processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Gpu {
    /// Its model, or its vendor and device numbers.
    #[schema(example = "NVIDIA L4")]
    name: String,
    /// The kernel's driver.
    #[schema(example = "nvidia")]
    driver: Option<String>,
    /// What programs open to encode and decode with it.
    #[schema(example = "/dev/dri/renderD128")]
    device: Option<String>,
}

pub(super) fn read() -> Vec<Gpu> {
    let mut gpus = nvidia(Path::new("/proc/driver/nvidia/gpus"));
    let named = !gpus.is_empty();
    let others = render_nodes(Path::new("/sys/class/drm"));
    // Those have a node, too, which says less.
    gpus.extend(
        others
            .into_iter()
            .filter(|gpu| !named || gpu.driver.as_deref() != Some("nvidia")),
    );
    gpus.truncate(MAX_GPUS);
    gpus
}

fn nvidia(folder: &Path) -> Vec<Gpu> {
    let gpu = |folder: &Path| {
        let information = fs::read_to_string(folder.join("information")).ok()?;
        let field = |name: &str| {
            let rest = information
                .lines()
                .find_map(|line| line.strip_prefix(name))?;
            Some(rest.trim().to_owned())
        };
        Some(Gpu {
            name: field("Model:")?,
            driver: Some("nvidia".to_owned()),
            device: field("Device Minor:").map(|minor| format!("/dev/nvidia{minor}")),
        })
    };
    children(folder)
        .iter()
        .filter_map(|path| gpu(path))
        .collect()
}

fn render_nodes(folder: &Path) -> Vec<Gpu> {
    let gpu = |path: &Path| {
        let name = path.file_name()?.to_str()?;
        if !name.starts_with("renderD") {
            return None;
        }
        let number = |file| text(path.join("device").join(file));
        let driver = fs::read_link(path.join("device/driver")).ok();
        let driver = driver.and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
        let of_pci = number("vendor").zip(number("device"));
        Some(Gpu {
            name: match of_pci {
                Some((vendor, device)) => format!("PCI {vendor}:{device}"),
                None => driver.clone().unwrap_or_else(|| name.to_owned()),
            },
            driver,
            device: Some(format!("/dev/dri/{name}")),
        })
    };
    children(folder)
        .iter()
        .filter_map(|path| gpu(path))
        .collect()
}

fn children(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_processor_are_found_by_their_files() {
        let dir = tempfile::tempdir().unwrap();
        let card = dir.path().join("0000:01:00.0");
        fs::create_dir(&card).unwrap();
        let information = "Model: \t\t NVIDIA L4\nIRQ:   \t\t 7\nDevice Minor: \t 0\n";
        fs::write(card.join("information"), information).unwrap();
        let [gpu] = &nvidia(dir.path())[..] else {
            panic!("one processor")
        };
        assert_eq!(
            (gpu.name.as_str(), gpu.device.as_deref()),
            ("NVIDIA L4", Some("/dev/nvidia0"))
        );

        let dir = tempfile::tempdir().unwrap();
        for name in ["card0", "renderD128", "version"] {
            fs::create_dir_all(dir.path().join(name).join("device")).unwrap();
        }
        let device = dir.path().join("renderD128/device");
        fs::write(device.join("vendor"), "0x8086\n").unwrap();
        fs::write(device.join("device"), "0x56a0\n").unwrap();
        std::os::unix::fs::symlink("/sys/bus/pci/drivers/i915", device.join("driver")).unwrap();
        let [gpu] = &render_nodes(dir.path())[..] else {
            panic!("one processor")
        };
        assert_eq!(
            (gpu.name.as_str(), gpu.driver.as_deref()),
            ("PCI 0x8086:0x56a0", Some("i915"))
        );
        assert!(nvidia(Path::new("/nowhere")).is_empty());
    }
}
