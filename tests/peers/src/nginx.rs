//! nginx with Debian's modules for RTMP and TLS, in a folder of its own.

use crate::peer::Peer;
use crate::ports;
use crate::wait::until;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where Debian puts the modules.
const MODULES: &str = "/usr/lib/nginx/modules";

/// An RTMP server with the application `live`, also under TLS, and a web server that files can be
/// put to.
#[derive(Debug)]
pub struct Nginx {
    rtmp: u16,
    rtmps: u16,
    http: u16,
    _peer: Peer,
    folder: TempDir,
}

impl Nginx {
    /// Starts one. Its certificate is for `localhost`, and vouches for itself.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub fn start() -> Self {
        for module in ["ngx_rtmp_module.so", "ngx_stream_module.so"] {
            let there = Path::new(MODULES).join(module).exists();
            assert!(there, "nginx's {module} is needed (make setup-test)");
        }
        let folder = tempfile::tempdir().expect("a folder");
        // Its workers, of another user, write there.
        let web = folder.path().join("web");
        fs::create_dir(&web).expect("a folder");
        make_certificate(folder.path());
        let (rtmp, rtmps, http) = (ports::free(), ports::free(), ports::free());
        let config = format!(
            "load_module {MODULES}/ngx_rtmp_module.so;\nload_module {MODULES}/ngx_stream_module.so;\n\
             daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/error.log;\nevents {{}}\n\
             rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{ live on; }} }} }}\n\
             stream {{ server {{ listen 127.0.0.1:{rtmps} ssl; proxy_pass 127.0.0.1:{rtmp}; \
             ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem; }} }}\n\
             http {{ access_log {0}/access.log; client_body_temp_path {0}/body; \
             client_max_body_size 100m; server {{ listen 127.0.0.1:{http}; root {0}/web; \
             location / {{ dav_methods PUT DELETE; create_full_put_path on; }} \
             location /closed/ {{ return 403; }} }} }}\n",
            folder.path().display(),
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config).expect("a file");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).arg("-p").arg(folder.path());
        // Its way to the compiled-in log, before it has read its configuration.
        command.args(["-e", "stderr"]).stdout(Stdio::null());
        let peer = Peer::spawn(&mut command);
        for port in [rtmp, rtmps, http] {
            until("nginx listens", || {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
        }
        Self {
            rtmp,
            rtmps,
            http,
            _peer: peer,
            folder,
        }
    }

    /// A stream of its application.
    pub fn url(&self, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{name}", self.rtmp)
    }

    /// The same under TLS.
    pub fn tls_url(&self, name: &str) -> String {
        format!("rtmps://localhost:{}/live/{name}", self.rtmps)
    }

    /// The certificate that vouches for it.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// A file of its web server, which takes PUT and DELETE but below `closed/`.
    pub fn web_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.http)
    }

    /// The same file on disk.
    pub fn web_file(&self, path: &str) -> PathBuf {
        self.folder.path().join("web").join(path)
    }
}

fn make_certificate(folder: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
    ]);
    openssl.args([
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]);
    // Without it the certificate may sign others only, and is no server's.
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder);
    let made = openssl
        .output()
        .expect("openssl is needed (make setup-test)");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}
