//! Uploads that are not finished: how many there may be, and what they will take.

mod upload;

pub(crate) use upload::{Fate, Note, Upload};

use crate::error::Error;
use crate::settings::Settings;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long it is known what became of an upload, for clients who did not hear.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// Of so many.
const MAX_REMEMBERED: usize = 256;

/// All unfinished uploads, and what became of the last ones.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<HashMap<String, Arc<Upload>>>);

impl Uploads {
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Upload>> {
        self.0.lock().get(id).cloned()
    }

    /// Lets an upload in, if there is room for it: on the disk, of which so much is free, beside
    /// what the others will take, and among their number.
    pub(crate) fn enter(
        &self,
        upload: Upload,
        free: u64,
        settings: &Settings,
    ) -> Result<Arc<Upload>, Error> {
        let mut held = self.0.lock();
        let unfinished = || held.values().filter(|held| held.is_unfinished());
        if unfinished().count() >= settings.max_unfinished {
            return Err(Error::TooMany {
                what: "unfinished uploads",
                limit: settings.max_unfinished as u64,
            });
        }
        let announced: u64 = unfinished().map(|held| held.bytes()).sum();
        if announced.saturating_add(upload.bytes()) > settings.max_unfinished_bytes {
            return Err(Error::TooMany {
                what: "bytes of unfinished uploads, this one among them,",
                limit: settings.max_unfinished_bytes,
            });
        }
        let to_come: u64 = unfinished().map(|held| held.to_come()).sum();
        let free = free.saturating_sub(to_come);
        if free.saturating_sub(upload.to_come()) < settings.keep_free_bytes {
            return Err(Error::NoSpace {
                free,
                kept: settings.keep_free_bytes,
            });
        }
        let upload = Arc::new(upload);
        held.insert(upload.id.clone(), upload.clone());
        Ok(upload)
    }

    /// Takes over what a host before this one left.
    pub(crate) fn adopt(&self, upload: Upload) {
        self.0.lock().insert(upload.id.clone(), Arc::new(upload));
    }

    pub(crate) fn remove(&self, id: &str) {
        self.0.lock().remove(id);
    }

    /// Those that are all there, and no videos yet.
    pub(crate) fn whole(&self) -> Vec<Arc<Upload>> {
        let held = self.0.lock();
        let whole = |upload: &&Arc<Upload>| upload.is_unfinished() && upload.to_come() == 0;
        held.values().filter(whole).cloned().collect()
    }

    /// Those that nobody went on with for too long; each has to be taken away. What became of
    /// others is forgotten in time.
    pub(crate) fn expired(&self, now: SystemTime, expires: Duration) -> Vec<Arc<Upload>> {
        let mut held = self.0.lock();
        let idle = |upload: &Upload| now.duration_since(upload.touched()).unwrap_or_default();
        let mut done: Vec<_> = held.values().filter(|held| !held.is_unfinished()).collect();
        done.sort_by_key(|upload| idle(upload));
        let keep = |(rank, upload): (usize, &&Arc<Upload>)| {
            (rank >= MAX_REMEMBERED || idle(upload) > REMEMBERED).then(|| upload.id.clone())
        };
        let forgotten: Vec<String> = done.iter().enumerate().filter_map(keep).collect();
        for id in forgotten {
            held.remove(&id);
        }
        let unfinished = held.values().filter(|held| held.is_unfinished());
        let expired = unfinished.filter(|upload| idle(upload) > expires);
        expired.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(id: &str, length: u64) -> Upload {
        let note = Note {
            length,
            metadata: String::new(),
        };
        Upload::new(id.to_owned(), note, 0, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn number_size_and_disk_are_bounded_with_what_is_still_to_come() {
        let settings = Settings {
            max_unfinished: 2,
            max_unfinished_bytes: 100,
            keep_free_bytes: 50,
            ..Settings::default()
        };
        let uploads = Uploads::default();
        let enter = |id, length, free| uploads.enter(upload(id, length), free, &settings);
        let first = enter("a", 60, 120).unwrap();
        let full = enter("b", 30, 120).unwrap_err();
        assert!(matches!(full, Error::NoSpace { free: 60, .. }), "{full}");
        let large = enter("b", 41, 1_000).unwrap_err();
        assert!(
            matches!(large, Error::TooMany { limit: 100, .. }),
            "{large}"
        );
        enter("b", 40, 1_000).unwrap();
        let many = enter("c", 0, 1_000).unwrap_err();
        assert!(matches!(many, Error::TooMany { limit: 2, .. }), "{many}");
        first.end(Fate::Refused("no".to_owned()));
        enter("c", 60, 1_000).unwrap();
    }

    #[test]
    fn uploads_expire_and_what_became_of_them_is_forgotten() {
        let uploads = Uploads::default();
        let settings = Settings::default();
        for id in ["a", "b"] {
            uploads.enter(upload(id, 1), u64::MAX, &settings).unwrap();
        }
        uploads
            .get("a")
            .unwrap()
            .end(Fate::Done("a.mp4".to_owned()));
        let soon = SystemTime::now();
        let expires = Duration::from_secs(60);
        let expired = |now| uploads.expired(now, expires);
        assert_eq!(expired(SystemTime::UNIX_EPOCH).len(), 0);
        let ids: Vec<_> = expired(soon).iter().map(|it| it.id.clone()).collect();
        assert_eq!(ids, ["b"]);
        assert!(uploads.get("a").is_some(), "ended just now");
        expired(soon + REMEMBERED * 2);
        assert!(uploads.get("a").is_none());
    }
}
