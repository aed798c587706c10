//! The system calls about processes that neither std nor tokio wraps.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

/// Makes a command's process a group of its own that dies with the thread that starts it:
/// nothing outlives this host, even if it is killed.
///
/// It gets `inherited` under the numbers they have here. They stay closed to every other child,
/// since only the copies that this one has are opened to what it executes.
pub(crate) fn tie_to_parent(command: &mut tokio::process::Command, inherited: Vec<RawFd>) {
    command.process_group(0).kill_on_drop(true);
    let parent = libc::pid_t::try_from(std::process::id()).unwrap_or(0);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl, getppid and
    // fcntl are, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            for &number in &inherited {
                if libc::fcntl(number, libc::F_SETFD, 0) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
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

/// Bounds what a command's process may take: its memory, and the time of a processor. It writes no
/// file and leaves no core dump.
pub(crate) fn confine(command: &mut tokio::process::Command, memory_bytes: u64, cpu_s: u64) {
    let limits = [
        (libc::RLIMIT_AS, memory_bytes),
        (libc::RLIMIT_CPU, cpu_s),
        (libc::RLIMIT_FSIZE, 0),
        (libc::RLIMIT_CORE, 0),
    ];
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; setrlimit is a plain
    // system call, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            for (what, most) in limits {
                let limit = libc::rlimit {
                    rlim_cur: most,
                    rlim_max: most,
                };
                if libc::setrlimit(what, &raw const limit) != 0 {
                    return Err(io::Error::last_os_error());
                }
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

/// The unit of processor time in `/proc` (proc(5)).
pub(crate) fn ticks_per_second() -> u64 {
    // SAFETY: sysconf takes and gives plain numbers.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100)
}

/// The unit of memory in `/proc`.
pub(crate) fn page_bytes() -> u64 {
    // SAFETY: sysconf takes and gives plain numbers.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4_096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signalled_group_takes_its_children_with_it() {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "sleep 1000 & wait"]);
        tie_to_parent(&mut command, Vec::new());
        let mut child = command.spawn().unwrap();
        signal_group(child.id().unwrap(), libc::SIGKILL).unwrap();
        assert!(!child.wait().await.unwrap().success());
    }
}
