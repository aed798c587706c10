//! nginx: with libnginx-mod-rtmp, and as a server of files.

use super::{Process, RtmpServer, free_port, until_listening};
use crate::machine;
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Debian's nginx with libnginx-mod-rtmp, one worker.
pub(crate) struct Nginx {
    process: Process,
    rtmp: SocketAddr,
    http: SocketAddr,
    folder: TempDir,
}

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

impl Nginx {
    /// Starts it and waits until it listens.
    pub(crate) fn start() -> Result<Self> {
        if !Path::new(MODULE).is_file() {
            bail!("{MODULE} is missing; install libnginx-mod-rtmp, or run `make setup-test`");
        }
        let folder = TempDir::new()?;
        let [rtmp, http] = [free_port()?, free_port()?];
        // As its documentation has it for live streams; the chunk size is its own default.
        let config = format!(
            "load_module {MODULE};\ndaemon off;\nworker_processes 1;\npid nginx.pid;\n\
             error_log stderr crit;\nevents {{ worker_connections 4096; }}\n\
             rtmp {{ access_log off; server {{ listen {rtmp}; application live {{ live on; }} }} }}\n\
             http {{ access_log off; keepalive_requests 1000000; \
             server {{ listen {http}; root files; default_type application/json; }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"]);
        let server = Self {
            process: Process::start(&mut command)?,
            rtmp,
            http,
            folder,
        };
        until_listening(rtmp)?;
        Ok(server)
    }

    /// Where it serves files.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// Serves this under `/NAME`.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<SocketAddr> {
        let files = self.folder.path().join("files");
        std::fs::create_dir_all(&files)?;
        std::fs::write(files.join(name), bytes)?;
        Ok(self.http)
    }
}

impl RtmpServer for Nginx {
    fn name(&self) -> &'static str {
        "nginx-rtmp"
    }

    fn rtmp(&self) -> SocketAddr {
        self.rtmp
    }

    fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.process.pid())
    }
}
