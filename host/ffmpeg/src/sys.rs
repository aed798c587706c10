//! The system calls about processes that neither std nor tokio wraps.

#![allow(unsafe_code)]

use std::io;

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

#[cfg(test)]
mod tests {
    use super::*;

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
