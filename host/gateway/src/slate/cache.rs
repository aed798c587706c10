//! Prepared slates on disk, found by what they were made of. A cache that fails costs time only.

use super::Settings;
use bytes::Bytes;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

/// What files here begin with; others are let be.
const PREFIX: &str = "slate-";

/// The name of a prepared slate: the file it was made of, as it was then, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(path: &str, bytes: u64, modified: SystemTime, arguments: &[String]) -> Self {
        // Twice, since 64 bits alone are few to stand for a content.
        let half = |seed: u64| {
            let mut hasher = DefaultHasher::new();
            (seed, path, bytes, modified, arguments).hash(&mut hasher);
            hasher.finish()
        };
        Self(format!("{PREFIX}{:016x}{:016x}.ts", half(1), half(2)))
    }
}

/// What was kept under that name.
pub(super) async fn get(settings: &Settings, key: &Key) -> Option<Bytes> {
    let path = settings.cache.as_ref()?.join(&key.0);
    let reading = tokio::task::spawn_blocking(move || {
        let found = fs::read(&path)?;
        // What is used is not the oldest.
        File::options()
            .append(true)
            .open(&path)?
            .set_modified(SystemTime::now())?;
        io::Result::Ok(found)
    });
    let found = reading.await.ok()?;
    found.ok().map(Bytes::from)
}

/// Keeps it, and removes the oldest beyond what may be kept.
pub(super) async fn put(settings: &Settings, key: &Key, slate: Bytes) {
    let Some(folder) = settings.cache.clone() else {
        return;
    };
    let (name, bound) = (key.0.clone(), settings.cache_bytes);
    let shown = folder.display().to_string();
    let writing = tokio::task::spawn_blocking(move || {
        fs::create_dir_all(&folder)?;
        // Never seen half: it gets its name when it is whole.
        let part = folder.join(format!("{name}.part"));
        let mut file = File::create(&part)?;
        file.write_all(&slate)?;
        file.sync_all()?;
        fs::rename(&part, folder.join(&name))?;
        evict(&folder, bound)
    });
    let written = writing
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    if let Err(error) = written {
        tracing::warn!(folder = shown, %error, "a prepared slate cannot be kept");
    }
}

fn evict(folder: &Path, bound: u64) -> io::Result<()> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let about = entry.metadata()?;
        if ours && about.is_file() {
            kept.push((about.modified()?, about.len(), entry.path()));
        }
    }
    kept.sort();
    let mut total: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in kept {
        if total <= bound {
            break;
        }
        fs::remove_file(path)?;
        total -= bytes;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_found_again_and_the_oldest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            cache: Some(folder.path().join("slates")),
            cache_bytes: 250,
            ..Settings::default()
        };
        let key = |name: &str| Key::of(name, 1, SystemTime::UNIX_EPOCH, &[]);
        let slate = Bytes::from(vec![7; 100]);
        fs::create_dir(folder.path().join("slates")).unwrap();
        let other = folder.path().join("slates/other");
        fs::write(&other, vec![0; 1_000]).unwrap();
        for (age, name) in [(3, "a"), (2, "b")] {
            put(&settings, &key(name), slate.clone()).await;
            let path = folder.path().join("slates").join(key(name).0);
            let then = SystemTime::now() - std::time::Duration::from_secs(age * 100);
            File::options()
                .append(true)
                .open(path)
                .unwrap()
                .set_modified(then)
                .unwrap();
        }
        assert_eq!(get(&settings, &key("a")).await, Some(slate.clone()), "used");
        put(&settings, &key("c"), slate.clone()).await;
        assert_eq!(get(&settings, &key("b")).await, None, "the oldest");
        assert_eq!(get(&settings, &key("a")).await, Some(slate.clone()));
        assert_eq!(get(&settings, &key("c")).await, Some(slate));
        assert!(other.exists(), "what is not ours is let be");
    }

    #[test]
    fn another_file_or_another_encoding_is_another_slate() {
        let now = SystemTime::UNIX_EPOCH;
        let key = Key::of("a", 1, now, &[]);
        let later = now + std::time::Duration::from_nanos(1);
        let args = ["x".to_owned()];
        for other in [
            Key::of("b", 1, now, &[]),
            Key::of("a", 2, now, &[]),
            Key::of("a", 1, later, &[]),
            Key::of("a", 1, now, &args),
        ] {
            assert_ne!(key, other);
        }
    }
}
