//! Starting libsrt, and its log.

use crate::{Error, ffi};
use libc::{c_char, c_int, c_void};
use std::ffi::CStr;
use std::panic::catch_unwind;
use std::sync::OnceLock;

/// Proof that libsrt has been started; sockets and epoll sets are made from one.
///
/// Started once and kept for the life of the process: libsrt's own destructors clean up at
/// exit (`CUDTUnited::~CUDTUnited`), while an explicit `srt_cleanup` would close sockets
/// under their owners.
#[derive(Debug, Clone, Copy)]
pub struct Library(());

/// How serious a line of libsrt's log is (syslog's levels, as libsrt has them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The library cannot go on.
    Fatal = libc::LOG_CRIT as isize,
    /// Unexpected, or garbage from a peer.
    Error = libc::LOG_ERR as isize,
    /// Expected, and possibly harmful.
    Warning = libc::LOG_WARNING as isize,
    /// Rare and normal.
    Note = libc::LOG_NOTICE as isize,
}

/// Receives libsrt's log lines, in libsrt's threads: it must be quick.
pub type LogHandler = fn(Severity, &str);

static STARTED: OnceLock<Result<Library, Error>> = OnceLock::new();
static LOG_HANDLER: OnceLock<LogHandler> = OnceLock::new();

impl Library {
    /// Starts libsrt unless it runs already. The first caller's `log` gets its log from
    /// `level` up; nothing goes to stderr.
    ///
    /// # Errors
    /// When libsrt cannot start its housekeeping thread.
    pub fn start(level: Severity, log: LogHandler) -> Result<Self, Error> {
        *STARTED.get_or_init(|| {
            let _ = LOG_HANDLER.set(log);
            // SAFETY: these take plain values; the handler is a function that lives for
            // ever and uses no opaque pointer. STARTED lets one thread through.
            unsafe {
                ffi::srt_setloghandler(std::ptr::null_mut(), Some(on_log));
                ffi::srt_setlogflags(
                    ffi::SRT_LOGF_DISABLE_TIME
                        | ffi::SRT_LOGF_DISABLE_THREADNAME
                        | ffi::SRT_LOGF_DISABLE_SEVERITY
                        | ffi::SRT_LOGF_DISABLE_EOL,
                );
                ffi::srt_setloglevel(level as c_int);
                Error::check("srt_startup", ffi::srt_startup())?;
            }
            Ok(Self(()))
        })
    }

    /// The version linked at run time: major, minor, patch.
    pub fn version(self) -> (u8, u8, u8) {
        // SAFETY: takes nothing and only reads a constant.
        let [patch, minor, major, _] = unsafe { ffi::srt_getversion() }.to_le_bytes();
        (major, minor, patch)
    }
}

unsafe extern "C" fn on_log(
    _opaque: *mut c_void,
    level: c_int,
    _file: *const c_char,
    _line: c_int,
    _area: *const c_char,
    message: *const c_char,
) {
    let Some(handler) = LOG_HANDLER.get() else {
        return;
    };
    if message.is_null() {
        return;
    }
    let severity = match level {
        ..=libc::LOG_CRIT => Severity::Fatal,
        libc::LOG_ERR => Severity::Error,
        libc::LOG_WARNING => Severity::Warning,
        _ => Severity::Note,
    };
    // SAFETY: libsrt passes a NUL-terminated string that lives until the handler returns.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    // A panic must not unwind into C++; what it said has gone to the panic hook.
    let _ = catch_unwind(|| handler(severity, message.trim_end()));
}
