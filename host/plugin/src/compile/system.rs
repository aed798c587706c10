//! The calls that Rust cannot check: system limits, and loading native code.
#![allow(unsafe_code)]

use std::io;
use wasmtime::Engine;
use wasmtime::component::Component as Code;

/// Bytes of writable memory that compiling may take.
const MEMORY_BYTES: libc::rlim_t = 2 << 30;
/// Processor seconds that compiling may take.
const CPU_SECONDS: libc::rlim_t = 120;

/// Lowest priority, bounded memory and time, and no life beyond the parent's.
pub(super) fn become_background() -> io::Result<()> {
    limit(libc::RLIMIT_DATA, MEMORY_BYTES)?;
    limit(libc::RLIMIT_CPU, CPU_SECONDS)?;
    limit(libc::RLIMIT_CORE, 0)?;
    // SAFETY: both calls take plain integers and touch no memory of ours.
    let result = unsafe {
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setpriority(libc::PRIO_PROCESS, 0, 19)
    };
    check(result)
}

fn limit(resource: libc::__rlimit_resource_t, most: libc::rlim_t) -> io::Result<()> {
    let mut now = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `now` is a valid rlimit for the whole call.
    check(unsafe { libc::getrlimit(resource, &raw mut now) })?;
    let most = most.min(now.rlim_max);
    let wanted = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: `wanted` is a valid rlimit for the whole call.
    check(unsafe { libc::setrlimit(resource, &raw const wanted) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

/// Loads native code that the cache vouches for.
pub(super) fn load(engine: &Engine, native: &[u8]) -> wasmtime::Result<Code> {
    // SAFETY: the bytes are the output of this host's own compiler, from a folder that only its
    // user can write to, checked against their sum; wasmtime itself checks that version and
    // settings match.
    unsafe { Code::deserialize(engine, native) }
}
