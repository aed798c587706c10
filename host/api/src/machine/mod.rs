//! What the kernel says about this machine and this process (proc(5), sys(5), statvfs(3)).
//!
//! Reading it takes a millisecond, and a disk that hangs takes longer: it is read on a thread of
//! its own, and at most once a second however often it is asked for.

mod cpu;
mod disk;
mod gpu;
mod memory;
mod network;

pub(crate) use cpu::{Cpu, process_seconds};
pub(crate) use disk::Disk;
pub(crate) use gpu::Gpu;
pub(crate) use memory::{Memory, resident_bytes};
pub(crate) use network::Interface;

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// For how long a reading is good.
const FRESH: Duration = Duration::from_secs(1);

/// A disk that does not answer within this is left out.
const PATIENCE: Duration = Duration::from_secs(2);

/// The addresses of each interface, by its name (getifaddrs(3)).
pub type InterfaceAddresses = fn() -> Vec<(String, IpAddr)>;

/// The machine at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub(crate) hostname: Option<String>,
    pub(crate) kernel: Option<String>,
    pub(crate) cpu: Cpu,
    pub(crate) memory: Memory,
    pub(crate) disks: Vec<Disk>,
    pub(crate) network: Vec<Interface>,
    pub(crate) gpus: Vec<Gpu>,
    pub(crate) open_files: Option<u64>,
    pub(crate) max_open_files: Option<u64>,
}

/// Reads the machine.
pub(crate) struct Machine {
    addresses: InterfaceAddresses,
    folders: Arc<[(&'static str, PathBuf)]>,
    last: Mutex<Option<Last>>,
}

struct Last {
    at: Instant,
    reading: Arc<Reading>,
    cpu: cpu::Sample,
}

impl Machine {
    /// `folders`: whose disks are looked at, by what they are for.
    pub(crate) fn new(
        addresses: InterfaceAddresses,
        folders: Vec<(&'static str, PathBuf)>,
    ) -> Self {
        Self {
            addresses,
            folders: folders.into(),
            last: Mutex::new(None),
        }
    }

    /// It now, or less than a second ago.
    pub(crate) async fn read(&self) -> Arc<Reading> {
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| last.at.elapsed() < FRESH) {
            return last.reading.clone();
        }
        let sample = cpu::Sample::take();
        let before = last.as_ref().map(|last| last.cpu);
        let mut reading = self.look().await;
        reading.cpu = Cpu::between(before, sample);
        let reading = Arc::new(reading);
        *last = Some(Last {
            at: Instant::now(),
            reading: reading.clone(),
            cpu: sample,
        });
        reading
    }

    async fn look(&self) -> Reading {
        let folders = self.folders.clone();
        // One that hangs keeps its thread until the disk answers; the reading goes on without.
        let disks = tokio::task::spawn_blocking(move || disk::read(&folders));
        let addresses = self.addresses;
        let rest = tokio::task::spawn_blocking(move || Reading {
            hostname: text("/proc/sys/kernel/hostname"),
            kernel: text("/proc/sys/kernel/osrelease"),
            cpu: Cpu::default(),
            memory: Memory::read(),
            disks: Vec::new(),
            network: network::read(addresses()),
            gpus: gpu::read(),
            open_files: open_files(),
            max_open_files: max_open_files(),
        });
        let mut reading = rest.await.unwrap_or_default();
        let disks = tokio::time::timeout(PATIENCE, disks).await;
        reading.disks = disks.ok().and_then(Result::ok).unwrap_or_default();
        reading
    }
}

/// Files that this process has open.
pub(crate) fn open_files() -> Option<u64> {
    // The listing itself holds one of them.
    let count = fs::read_dir("/proc/self/fd")
        .ok()?
        .count()
        .saturating_sub(1);
    u64::try_from(count).ok()
}

fn max_open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A file of one line.
fn text(path: impl AsRef<Path>) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A file of one number.
fn number(path: impl AsRef<Path>) -> Option<u64> {
    text(path)?.parse().ok()
}

/// A line `NAME:  123 kB` of a file of such lines, in bytes.
fn kib(table: &str, name: &str) -> Option<u64> {
    let rest = table.lines().find_map(|line| line.strip_prefix(name))?;
    let kib = rest.strip_prefix(':')?.trim().strip_suffix("kB")?;
    kib.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_is_read_at_most_once_a_second() {
        let addresses: InterfaceAddresses =
            || vec![("lo".to_owned(), IpAddr::from([127, 0, 0, 1]))];
        let here = std::env::temp_dir();
        let machine = Machine::new(addresses, vec![("data_dir", here)]);
        let reading = machine.read().await;
        assert!(reading.hostname.is_some() && reading.kernel.is_some());
        assert!(reading.memory.total_bytes.unwrap() > 1 << 20);
        assert!(reading.disks[0].total_bytes >= reading.disks[0].free_bytes);
        let lo = reading.network.iter().find(|it| it.name == "lo").unwrap();
        assert_eq!(lo.addresses, [IpAddr::from([127, 0, 0, 1])]);
        assert!(reading.open_files.unwrap() < reading.max_open_files.unwrap());
        assert!(Arc::ptr_eq(&reading, &machine.read().await));
    }

    #[test]
    fn a_table_of_sizes_is_read_by_whole_names() {
        let table = "MemTotal:  16 kB\nMemTotalX: 1 kB\nVmRSS:\t    2 kB\n";
        assert_eq!(kib(table, "MemTotal"), Some(16 << 10));
        assert_eq!(kib(table, "VmRSS"), Some(2 << 10));
        assert_eq!(kib(table, "Mem"), None);
        assert_eq!(kib(table, "Nothing"), None);
    }
}
