//! The compiling child, seen from both sides.

use super::system;
use crate::engine::code_config;
use crate::error::InstallError;
use crate::log::cut;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use wasmtime::Engine;

/// Exit status that blames the component; any other failure is the compiler's own.
const BLAMES_COMPONENT: u8 = 2;
/// What is read of the child's complaint, bytes.
const COMPLAINT_BYTES: u64 = 8 << 10;

/// The whole of the compiling child: reads a component, writes native code.
///
/// Call it from the host binary's hidden subcommand and return what it returns. It takes the
/// lowest priority and limits itself before it looks at the input.
pub fn compile_main(input: &Path, output: &Path) -> ExitCode {
    if let Err(error) = system::become_background() {
        eprintln!("cannot limit the compiling process: {error}");
        return ExitCode::FAILURE;
    }
    // One thread: the other processors belong to the media.
    let mut config = code_config();
    config.parallel_compilation(false);
    let compiled = std::fs::read(input)
        .map_err(|error| (1, format!("{}: {error}", input.display())))
        .and_then(|bytes| {
            let engine = Engine::new(&config).map_err(|error| (1, format!("{error:#}")))?;
            let native = engine.precompile_component(&bytes);
            native.map_err(|error| (BLAMES_COMPONENT, format!("{error:#}")))
        })
        .and_then(|native| {
            let written = std::fs::write(output, native);
            written.map_err(|error| (1, format!("{}: {error}", output.display())))
        });
    match compiled {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, complaint)) => {
            eprintln!("{complaint}");
            ExitCode::from(code)
        }
    }
}

/// Has the child compile; it is killed at the time limit, or when this future is dropped.
pub(super) async fn compile(
    program: &Path,
    args: &[OsString],
    bytes: &[u8],
    dir: &Path,
    timeout: Duration,
) -> Result<Vec<u8>, InstallError> {
    let failed = |error: io::Error| InstallError::Compiler {
        reason: format!("{}: {error}", program.display()),
    };
    let desk = tempfile::Builder::new()
        .prefix("job-")
        .tempdir_in(dir)
        .map_err(failed)?;
    let (input, output) = (desk.path().join("in.wasm"), desk.path().join("out.cwasm"));
    tokio::fs::write(&input, bytes).await.map_err(failed)?;
    let mut child = Command::new(program)
        .args(args)
        .args([&input, &output])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut complaint = Vec::new();
    let run = async {
        if let Some(stderr) = child.stderr.take() {
            stderr
                .take(COMPLAINT_BYTES)
                .read_to_end(&mut complaint)
                .await?;
        }
        child.wait().await
    };
    let Ok(status) = tokio::time::timeout(timeout, run).await else {
        let _ = child.kill().await;
        return Err(InstallError::CompileTimeout {
            seconds: timeout.as_secs(),
        });
    };
    let status = status.map_err(failed)?;
    let reason = cut(String::from_utf8_lossy(&complaint).trim().to_owned(), 2_048);
    match status.code() {
        Some(0) => tokio::fs::read(&output).await.map_err(failed),
        Some(code) if code == i32::from(BLAMES_COMPONENT) => {
            Err(InstallError::DoesNotCompile { reason })
        }
        _ => Err(InstallError::Compiler {
            reason: format!("{status}: {reason}"),
        }),
    }
}
