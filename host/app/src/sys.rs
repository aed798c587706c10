//! The system calls that neither std nor tokio wraps.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;

/// Soft and hard limit of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimit {
    /// What holds now.
    pub soft: u64,
    /// How far it may be raised.
    pub hard: u64,
}

/// Descriptors that the table is made large enough for at the start.
const TABLE: u64 = 65_536;

/// The limit of open files (getrlimit(2)).
pub(crate) fn file_limit() -> io::Result<FileLimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place for the kernel to write to for the whole call.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } {
        0 => Ok(FileLimit {
            soft: limit.rlim_cur,
            hard: limit.rlim_max,
        }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Raises the soft limit of open files to the hard one and grows the descriptor table once.
///
/// To be called before any thread is started: a process with several threads that grows its
/// table waits in the kernel for an RCU grace period, inside `socket` or `accept`; seconds
/// have been seen.
pub fn prepare_descriptors() -> io::Result<FileLimit> {
    let FileLimit { hard, .. } = file_limit()?;
    let wanted = libc::rlimit {
        rlim_cur: hard,
        rlim_max: hard,
    };
    // SAFETY: `wanted` is initialised and outlives the call, which only reads it.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let highest =
        libc::c_int::try_from(hard.min(TABLE).saturating_sub(1)).unwrap_or(libc::c_int::MAX);
    let any = std::fs::File::open("/dev/null")?;
    // SAFETY: `any` is an open descriptor; F_DUPFD_CLOEXEC makes a new one and touches no
    // memory of ours.
    let high = unsafe { libc::fcntl(any.as_raw_fd(), libc::F_DUPFD_CLOEXEC, highest) };
    if high < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `high` was made by the call above and is owned by nobody else.
    unsafe { libc::close(high) };
    file_limit()
}

/// A file that may not grow (setrlimit(2), `RLIMIT_FSIZE`) is an error for whoever writes it, as a
/// full disk is, and not the end of the process.
pub fn survive_file_limit() {
    // SAFETY: no handler is installed; SIGXFSZ is a signal that may be ignored.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// From this size on a block of memory is the system's again as soon as it is freed.
#[cfg(target_env = "gnu")]
const LARGE_BLOCK: libc::c_int = 64 << 10;

/// Has glibc give large blocks back at once (mallopt(3), `M_MMAP_THRESHOLD`).
///
/// Left alone it raises that size to that of the largest block it saw freed, a key frame for
/// example. Such blocks then leave gaps that smaller ones never quite fill: a stream RTMP to RTMP
/// took 3.1 MB, and takes 2.8 MB so. Other C libraries have no such habit.
pub fn prepare_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number within the allocator; any value is allowed, and other threads are not
    // there yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BLOCK);
    }
}

/// The offset of local time from UTC at a Unix time, in minutes, east positive; 0 if the
/// system does not say.
pub(crate) fn utc_offset_minutes(unix_s: u64) -> i32 {
    let Ok(at) = libc::time_t::try_from(unix_s) else {
        return 0;
    };
    // SAFETY: `tm` is plain data for which all zeros is a value.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to valid, distinct locals for the whole call; localtime_r
    // keeps neither.
    if unsafe { libc::localtime_r(&raw const at, &raw mut local) }.is_null() {
        return 0;
    }
    i32::try_from(local.tm_gmtoff / 60).unwrap_or(0)
}

/// Makes a command's process a group of its own that dies with the thread that starts it:
/// nothing outlives this host, even if it is killed.
pub(crate) fn tie_to_parent(command: &mut tokio::process::Command) {
    command.process_group(0).kill_on_drop(true);
    let parent = libc::pid_t::try_from(std::process::id()).unwrap_or(0);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl and
    // getppid are, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before the line above took effect.
            if libc::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

/// Sends a signal to a process group.
pub(crate) fn signal_group(leader: u32, signal: libc::c_int) -> io::Result<()> {
    let group = libc::pid_t::try_from(leader).map_err(io::Error::other)?;
    // SAFETY: killpg takes plain numbers.
    match unsafe { libc::killpg(group, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether a socket takes an option of the UDP level (udp(7): `UDP_SEGMENT`, `UDP_GRO`).
pub(crate) fn takes_udp_option(socket: &std::net::UdpSocket, option: libc::c_int) -> bool {
    let value: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(4);
    // SAFETY: the pointer and size describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            option,
            (&raw const value).cast(),
            size,
        )
    };
    result == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_of_files_is_raised_to_the_hard_one() {
        let limit = prepare_descriptors().unwrap();
        assert_eq!(limit.soft, limit.hard);
    }

    #[test]
    fn offsets_are_within_what_the_world_uses() {
        assert!((-720..=840).contains(&utc_offset_minutes(1_700_000_000)));
    }

    #[tokio::test]
    async fn a_signalled_group_takes_its_children_with_it() {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "sleep 1000 & wait"]);
        tie_to_parent(&mut command);
        let mut child = command.spawn().unwrap();
        signal_group(child.id().unwrap(), libc::SIGKILL).unwrap();
        assert!(!child.wait().await.unwrap().success());
    }
}
