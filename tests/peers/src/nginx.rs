//! nginx with Debian's libnginx-mod-rtmp, in a folder of its own.

use crate::peer::Peer;
use crate::ports;
use crate::wait::until;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// An RTMP server with the application `live`.
#[derive(Debug)]
pub struct Nginx {
    port: u16,
    _peer: Peer,
    _folder: TempDir,
}

impl Nginx {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub fn start() -> Self {
        assert!(
            Path::new(MODULE).exists(),
            "libnginx-mod-rtmp is needed (make setup-test)"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let port = ports::free();
        let config = format!(
            "load_module {MODULE};\ndaemon off;\nmaster_process off;\npid {0}/pid;\n\
             error_log {0}/error.log;\nevents {{}}\nrtmp {{ server {{ listen 127.0.0.1:{port}; \
             application live {{ live on; }} }} }}\n",
            folder.path().display(),
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config).expect("a file");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).arg("-p").arg(folder.path());
        // Its way to the compiled-in log, before it has read its configuration.
        command.args(["-e", "stderr"]).stdout(Stdio::null());
        let peer = Peer::spawn(&mut command);
        until("nginx listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            port,
            _peer: peer,
            _folder: folder,
        }
    }

    /// A stream of its application.
    pub fn url(&self, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{name}", self.port)
    }
}
