//! The certificate that the HTTP server shows: the operator's, or one that this host makes for
//! itself.

use crate::config::Config;
use anyhow::{Context, Result};
use api::tls::{Files, Tls};
use rcgen::{CertificateParams, KeyPair};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// For how long a certificate of our own is good, and how long before its end it is made anew.
const LIFE: Duration = Duration::from_secs(397 * DAY);
const RENEWED: Duration = Duration::from_secs(30 * DAY);
const DAY: u64 = 24 * 3600;

/// The way to speak HTTPS, if the operator wants it.
pub(super) async fn open(config: &Config) -> Result<Option<Tls>> {
    let files = match (&config.api.certificate, &config.api.key) {
        (Some(certificate), Some(key)) => Files {
            certificate: certificate.clone(),
            key: key.clone(),
        },
        _ if config.api.self_signed => self_signed(&config.data_dir, config.api.listen)?,
        _ => return Ok(None),
    };
    let tls = Tls::open(files).await;
    Ok(Some(tls.context("[api] certificate and key")?))
}

/// The pair below `data_dir`, made if it is not there, names other addresses or nears its end.
fn self_signed(data_dir: &Path, listen: SocketAddr) -> Result<Files> {
    let dir = data_dir.join("tls");
    let files = Files {
        certificate: dir.join("certificate.pem"),
        key: dir.join("key.pem"),
    };
    let names = names(listen);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    if !is_good(&files, &names, now) {
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        make(&files, &names, now).with_context(|| {
            format!("cannot make a certificate of its own in {}", dir.display())
        })?;
        let certificate = files.certificate.display();
        tracing::info!(
            %certificate, names = names.join(" "),
            "made a certificate of its own; clients trust it if they are given it (curl --cacert, pointsman --ca)"
        );
    }
    Ok(files)
}

/// What this host is called by those who reach its listener.
fn names(listen: SocketAddr) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim().to_ascii_lowercase();
    let sound = |host: &str| {
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        !host.is_empty() && host.bytes().all(usual)
    };
    if sound(&host) {
        names.push(host);
    }
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The first line of the file says for whom and until when it is; readers of PEM skip it.
fn is_good(files: &Files, names: &[String], now: Duration) -> bool {
    let text = std::fs::read_to_string(&files.certificate).unwrap_or_default();
    let told = text.lines().next().and_then(|line| line.strip_prefix(TOLD));
    let until = told
        .and_then(|told| told.strip_prefix(&names.join(" ")))
        .and_then(|rest| rest.strip_prefix(" until "))
        .and_then(|until| until.parse().ok().map(Duration::from_secs));
    files.key.is_file() && until.is_some_and(|until| until > now + RENEWED)
}

const TOLD: &str = "# made by pointsman for ";

fn make(files: &Files, names: &[String], now: Duration) -> Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    // A clock that is a little behind ours still takes it.
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(Duration::from_secs(DAY));
    let until = now + LIFE;
    params.not_after = epoch + until;
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "pointsman");
    let certificate = params.self_signed(&key)?;
    // The key first: a pair that is half there is made anew.
    write(&files.key, &key.serialize_pem(), 0o600)?;
    let told = format!("{TOLD}{} until {}", names.join(" "), until.as_secs());
    write(
        &files.certificate,
        &format!("{told}\n{}", certificate.pem()),
        0o644,
    )
}

/// Replaces the file as a whole, with these permissions from the start.
fn write(file: &Path, text: &str, mode: u32) -> Result<()> {
    let new = file.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut options = std::fs::OpenOptions::new();
    let mut written = options.write(true).create_new(true).mode(mode).open(&new)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    std::fs::rename(&new, file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_certificate_is_kept_until_names_change_or_it_nears_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let read = |files: &Files| std::fs::read(&files.certificate).unwrap();
        let files = self_signed(dir.path(), "127.0.0.1:1".parse().unwrap()).unwrap();
        let first = read(&files);
        let mode = std::fs::metadata(&files.key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        self_signed(dir.path(), "127.0.0.1:2".parse().unwrap()).unwrap();
        assert_eq!(read(&files), first);
        self_signed(dir.path(), "192.0.2.7:1".parse().unwrap()).unwrap();
        assert_ne!(read(&files), first);

        let names = names("192.0.2.7:1".parse().unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let days = |days| now + Duration::from_secs(days * DAY);
        assert!(is_good(&files, &names, days(366)));
        assert!(!is_good(&files, &names, days(368)));
        std::fs::remove_file(&files.key).unwrap();
        assert!(!is_good(&files, &names, now), "without its key");
    }
}
