//! The newest poster of each stream that somebody asked for one of.

use super::picture::{PosterError, jpeg, key_frame};
use bytes::Bytes;
use ffmpeg::Job;
use hub::Stream;
use link::Context;
use model::StreamName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Semaphore;

/// How posters are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// One is good for so long, 1 s to 1 h.
    pub every: Duration,
    /// At most so wide, pixels, 64 to 1920.
    pub width: u32,
    /// Streams whose poster is kept, 1 to 10000; a poster has some 40 KB, and never more than
    /// 2 MiB.
    pub max_streams: usize,
    /// FFmpegs at once, 1 to 16.
    pub max_processes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(10),
            width: 640,
            max_streams: 256,
            max_processes: 2,
        }
    }
}

/// One picture of a stream.
#[derive(Debug, Clone)]
pub struct Poster {
    /// A JPEG file.
    pub jpeg: Bytes,
    /// When it was made.
    pub made: SystemTime,
}

/// The posters of a host; clones are the same.
#[derive(Clone)]
pub struct Posters(Arc<Inner>);

struct Inner {
    context: Context,
    settings: Settings,
    places: Semaphore,
    kept: Mutex<HashMap<StreamName, Arc<Kept>>>,
}

struct Kept {
    stream: Weak<Stream>,
    asked: Mutex<Instant>,
    /// Held while one is made, so that those who ask meanwhile share it.
    newest: tokio::sync::Mutex<Option<(Poster, Instant)>>,
}

impl Posters {
    /// None yet.
    pub fn new(context: &Context, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            context: context.clone(),
            settings,
            places: Semaphore::new(settings.max_processes.max(1)),
            kept: Mutex::default(),
        }))
    }

    /// The newest poster of a stream, made anew if it is not good any more. Where that fails, the
    /// one before is better than none.
    ///
    /// # Errors
    /// There is no such stream, or it shows nothing that a picture could be made of.
    pub async fn get(&self, name: &StreamName) -> Result<Poster, PosterError> {
        let Some(stream) = self.0.context.registry().get(name.as_str()) else {
            self.0.kept.lock().remove(name);
            return Err(PosterError::UnknownStream(name.clone()));
        };
        let kept = self.of(&stream);
        let mut newest = kept.newest.lock().await;
        if let Some((poster, at)) = &*newest
            && at.elapsed() < self.0.settings.every
        {
            return Ok(poster.clone());
        }
        match (self.make(&stream).await, &*newest) {
            (Ok(poster), _) => {
                *newest = Some((poster.clone(), Instant::now()));
                Ok(poster)
            }
            (Err(_), Some((before, _))) => Ok(before.clone()),
            (Err(error), None) => Err(error),
        }
    }

    async fn make(&self, stream: &Arc<Stream>) -> Result<Poster, PosterError> {
        let frame = key_frame(stream).await?;
        // It is never closed.
        let _place = self.0.places.acquire().await.ok();
        let children = self.0.context.children();
        let job = Job::new(children, "poster", stream.name().as_str());
        let jpeg = jpeg(job, frame, self.0.settings.width).await?;
        let made = SystemTime::now();
        Ok(Poster { jpeg, made })
    }

    /// Its place; that of the stream least asked for is given away where there are too many.
    fn of(&self, stream: &Arc<Stream>) -> Arc<Kept> {
        let now = Instant::now();
        let mut all = self.0.kept.lock();
        if let Some(kept) = all.get(stream.name()).filter(|it| it.is_of(stream)) {
            *kept.asked.lock() = now;
            return kept.clone();
        }
        all.retain(|_, kept| kept.stream.strong_count() > 0);
        if all.len() >= self.0.settings.max_streams.max(1) {
            let oldest = all.iter().min_by_key(|(_, kept)| *kept.asked.lock());
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.and_then(|name| all.remove(&name));
        }
        let kept = Arc::new(Kept {
            stream: Arc::downgrade(stream),
            asked: Mutex::new(now),
            newest: tokio::sync::Mutex::new(None),
        });
        all.insert(stream.name().clone(), kept.clone());
        kept
    }
}

impl Kept {
    /// Another stream may have taken the name.
    fn is_of(&self, stream: &Arc<Stream>) -> bool {
        std::ptr::eq(self.stream.as_ptr(), Arc::as_ptr(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub::Registry;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn no_more_are_kept_than_may_be_and_those_asked_for_stay() {
        let registry = Registry::new(hub::Settings::default());
        let context = Context::new(registry, CancellationToken::new(), Default::default());
        let settings = Settings {
            max_streams: 2,
            ..Settings::default()
        };
        let posters = Posters::new(&context, settings);
        let stream = |name: &str| {
            let name = name.parse().unwrap();
            context.registry().declare(&name, None).unwrap()
        };
        let ask = |name: &str| posters.of(&stream(name));
        let (first, _) = (ask("a"), ask("b"));
        assert!(Arc::ptr_eq(&first, &ask("a")));
        ask("c");
        let mut names: Vec<_> = posters
            .0
            .kept
            .lock()
            .keys()
            .map(ToString::to_string)
            .collect();
        names.sort();
        assert_eq!(names, ["a", "c"]);
        context.registry().withdraw(&"a".parse().unwrap());
        assert!(
            !Arc::ptr_eq(&first, &ask("a")),
            "another stream of that name"
        );
    }
}
