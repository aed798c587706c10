//! What the kernel tells about processes (proc(5)).

use std::fs;

/// A process; its start time tells it from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its program's name, at most 15 characters.
    pub name: String,
    parent: u32,
    started_ticks: u64,
    zombie: bool,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything; fields are counted after it.
        let (head, tail) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = tail.split_whitespace().collect();
        Some(Self {
            pid,
            name: head.split_once('(')?.1.to_owned(),
            zombie: *fields.first()? == "Z",
            parent: fields.get(1)?.parse().ok()?,
            started_ticks: fields.get(19)?.parse().ok()?,
        })
    }

    /// Whether it still runs.
    pub fn lives(&self) -> bool {
        Self::read(self.pid)
            .is_some_and(|now| now.started_ticks == self.started_ticks && !now.zombie)
    }
}

/// Children of a process, their children, and so on.
pub fn descendants(of: u32) -> Vec<Process> {
    let pids = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let all: Vec<Process> = pids
        .filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
        .collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            parents.push(child.pid);
            found.push(child.clone());
        }
    }
    found
}

/// Resident memory in bytes; none if the process is gone.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Whether this is the superuser, whom VLC refuses to serve and Chromium not to sandbox.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
