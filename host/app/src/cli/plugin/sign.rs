//! `pointsman plugin keygen`, `sign` and `verify`: minisign signatures.

use anyhow::{Context, ensure};
use clap::Args;
use plugin::{Hash, TrustedKeys, signature};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const KEYGEN_HELP: &str = "\
Writes NAME.key, which stays with you, and NAME.pub, which operators trust:

  [plugins]
  trusted_keys = [\"the second line of NAME.pub\"]

A host that trusts any key takes only what one of them signed. The files are those of
minisign (https://jedisct1.github.io/minisign/), whose own tool takes and makes them, too.";

/// What to make.
#[derive(Debug, Args)]
#[command(after_help = KEYGEN_HELP)]
pub struct KeygenArgs {
    /// Names the files, a folder before it if need be.
    #[arg(default_value = "pointsman")]
    name: PathBuf,
    /// A file whose first line protects the secret key; signing then needs it, too.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What to sign.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The component.
    file: PathBuf,
    /// The secret key: NAME.key of `pointsman plugin keygen`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file whose first line protects the key, if one does.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Signed with it and shown to operators; left out, the file's name and SHA-256.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

/// What to check.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The component.
    file: PathBuf,
    /// A public key: NAME.pub, or its second line.
    #[arg(long, value_name = "FILE|KEY", required = true)]
    key: Vec<String>,
    /// The signature, if not in FILE.wasm.minisig.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
}

impl KeygenArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (secret, public) = (
            with_suffix(&self.name, ".key"),
            with_suffix(&self.name, ".pub"),
        );
        for file in [&secret, &public] {
            ensure!(
                !file.exists(),
                "{} is there already; choose another name",
                file.display()
            );
        }
        let keys = signature::generate(password(self.password_file.as_deref())?)?;
        let mut options = fs::OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&secret);
        let written = file.and_then(|mut file| file.write_all(keys.secret.as_bytes()));
        written.with_context(|| format!("cannot write {}", secret.display()))?;
        write(&public, &keys.public)?;
        println!(
            "{}: keep it to yourself\n{}: give it to operators, for trusted_keys in [plugins]:\n  {}",
            secret.display(),
            public.display(),
            keys.public.lines().nth(1).unwrap_or_default()
        );
        Ok(())
    }
}

impl SignArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let bytes = read(&self.file)?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let default = || format!("{name} sha256 {}", Hash::of(&bytes));
        let comment = self.comment.unwrap_or_else(default);
        let key = read_text(&self.key)?;
        let password = password(self.password_file.as_deref())?;
        let signed = signature::sign(&key, password, &bytes, &comment)
            .with_context(|| format!("{} does not sign; has it a password?", self.key.display()))?;
        let output = beside(&self.file);
        write(&output, &signed)?;
        println!("{}: signed, {comment:?}", output.display());
        Ok(())
    }
}

impl VerifyArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let bytes = read(&self.file)?;
        let signature = self.signature.unwrap_or_else(|| beside(&self.file));
        let signature = read_text(&signature)?;
        let keys: Vec<String> = self
            .key
            .iter()
            .map(|key| public_key(key))
            .collect::<Result<_, _>>()?;
        let trusted = TrustedKeys::parse(keys.iter().map(String::as_str))?;
        let comment = trusted.verify(&bytes, &signature)?;
        println!("{}: good signature, {comment:?}", self.file.display());
        Ok(())
    }
}

/// Where a component's signature is.
pub(super) fn beside(component: &Path) -> PathBuf {
    with_suffix(component, ".minisig")
}

/// A key as it stands, or the text of its file.
fn public_key(key: &str) -> anyhow::Result<String> {
    let path = Path::new(key);
    if path.exists() {
        read_text(path)
    } else {
        Ok(key.to_owned())
    }
}

fn password(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else { return Ok(None) };
    let text = read_text(file)?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(
        !line.is_empty(),
        "the first line of {} is empty; it is the password",
        file.display()
    );
    Ok(Some(line.to_owned()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn keygen(name: &Path, password_file: Option<PathBuf>) -> anyhow::Result<()> {
        let name = name.to_owned();
        KeygenArgs {
            name,
            password_file,
        }
        .run()
    }

    fn sign(file: &Path, key: &Path, password_file: Option<PathBuf>) -> anyhow::Result<()> {
        let (file, key) = (file.to_owned(), with_suffix(key, ".key"));
        SignArgs {
            file,
            key,
            password_file,
            comment: None,
        }
        .run()
    }

    fn verify(file: &Path, key: &Path) -> anyhow::Result<()> {
        let key = vec![with_suffix(key, ".pub").display().to_string()];
        VerifyArgs {
            file: file.to_owned(),
            key,
            signature: None,
        }
        .run()
    }

    #[test]
    fn what_was_signed_verifies_with_its_key_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        keygen(&ours, None).unwrap();
        keygen(&theirs, None).unwrap();
        let mode = fs::metadata(with_suffix(&ours, ".key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            keygen(&ours, None)
                .unwrap_err()
                .to_string()
                .contains("there already")
        );
        let file = dir.path().join("p.wasm");
        fs::write(&file, b"component").unwrap();
        assert!(
            verify(&file, &ours)
                .unwrap_err()
                .to_string()
                .contains("p.wasm.minisig")
        );
        sign(&file, &ours, None).unwrap();
        verify(&file, &ours).unwrap();
        assert!(verify(&file, &theirs).is_err());
        fs::write(&file, b"another").unwrap();
        assert!(verify(&file, &ours).is_err());
    }

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let (key, password) = (dir.path().join("k"), dir.path().join("password"));
        fs::write(&password, "frozen points\nnot this\n").unwrap();
        keygen(&key, Some(password.clone())).unwrap();
        let file = dir.path().join("p.wasm");
        fs::write(&file, b"component").unwrap();
        let without = sign(&file, &key, None).unwrap_err();
        assert!(
            without.to_string().contains("has it a password?"),
            "{without}"
        );
        sign(&file, &key, Some(password)).unwrap();
        verify(&file, &key).unwrap();
    }
}
