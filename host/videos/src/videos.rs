//! All videos of a host.

use crate::error::{Error, OpenError};
use crate::index::{Entry, Index, Page, State, Video, keep_fresh};
use crate::probe::Unfit;
use crate::settings::Settings;
use crate::shelf::{Key, Shelf, Stamp, blocking};
use crate::thumbnail::{self, Thumbnail};
use crate::tus;
use crate::uploads::{Note, Upload, Uploads};
use aws_lc_rs::rand;
use futures_util::future::BoxFuture;
use link::Context;
use model::endpoint;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Files that FFmpeg looks at, at a time.
const MAX_LOOKS: usize = 2;

/// Requests that wait for a picture to be made.
const MAX_WAITING: usize = 32;

/// Unfinished uploads are looked through this often.
const TIDY: Duration = Duration::from_secs(30);

/// What plays a video, if anything does: asked before one is deleted, with its path below the
/// media folder.
pub type InUse = Arc<dyn Fn(String) -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// All videos of a host; cloning is a reference count.
#[derive(Clone)]
pub struct Videos(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) context: Context,
    pub(crate) settings: Settings,
    pub(crate) shelf: Shelf,
    pub(crate) index: Index,
    pub(crate) uploads: Uploads,
    in_use: InUse,
    looks: Semaphore,
    waiting: Semaphore,
}

impl Videos {
    /// Those of the media folder, which is looked through from now on.
    ///
    /// # Errors
    /// There is no media folder, or it cannot be written to.
    pub async fn open(
        context: &Context,
        settings: Settings,
        in_use: InUse,
    ) -> Result<Self, OpenError> {
        let folder = context.media().ok_or(OpenError::NoFolder)?.to_owned();
        let shown = folder.display().to_string();
        let preparing = blocking(move || {
            let shelf = Shelf::prepare(folder)?;
            let uploads = Uploads::default();
            adopt(&shelf, &uploads)?;
            Ok((shelf, uploads))
        });
        let (shelf, uploads) = preparing.await.map_err(|source| OpenError::Folder {
            folder: shown,
            source,
        })?;
        let inner = Arc::new(Inner {
            context: context.clone(),
            settings,
            shelf,
            index: Index::default(),
            uploads,
            in_use,
            looks: Semaphore::new(MAX_LOOKS),
            waiting: Semaphore::new(MAX_WAITING),
        });
        context.tasks().spawn(keep_fresh(inner.clone()));
        context.tasks().spawn(keep_tidy(inner.clone()));
        Ok(Self(inner))
    }

    /// Videos by name: those after the one given, at most so many.
    pub fn page(&self, after: Option<&str>, limit: usize) -> Page {
        self.0.index.page(after, limit)
    }

    /// One video, by its path below the media folder.
    pub fn get(&self, name: &str) -> Option<Video> {
        let entry = self.0.index.get(name)?;
        Some(Video::of(name, &entry))
    }

    /// Takes a video away.
    ///
    /// # Errors
    /// There is none, or something plays it.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let unknown = || Error::UnknownVideo(name.to_owned());
        endpoint::File::below(name).map_err(|_| unknown())?;
        // Only what is listed: the media folder may hold other things.
        self.0.index.get(name).ok_or_else(unknown)?;
        if let Some(user) = (self.0.in_use)(name.to_owned()).await {
            let name = name.to_owned();
            return Err(Error::InUse { name, user });
        }
        let (shelf, doomed) = (self.0.shelf.clone(), name.to_owned());
        let removed = blocking(move || shelf.remove(&doomed)).await;
        self.0.index.remove(name);
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unknown()),
            removed => {
                removed.map_err(Error::io("cannot delete the video"))?;
                tracing::info!(video = name, "deleted");
                Ok(())
            }
        }
    }

    /// The picture of a video; made now, if it was not yet.
    ///
    /// # Errors
    /// There is no such video, or no picture of it.
    pub async fn thumbnail(&self, name: &str) -> Result<Thumbnail, Error> {
        let unknown = || Error::UnknownVideo(name.to_owned());
        let entry = self.0.index.get(name).ok_or_else(unknown)?;
        let no_picture = |why: &str| Error::NoPicture {
            name: name.to_owned(),
            why: why.to_owned(),
        };
        let about = match (&entry.state, &entry.no_picture) {
            (State::Ready(_), Some(why)) | (State::Unfit(why), _) => return Err(no_picture(why)),
            (State::Ready(about), None) => about,
            _ => return Err(no_picture("it was not looked at yet; try again")),
        };
        let key = Key::of(name, &entry.stamp);
        if let Some(kept) = self.0.kept_picture(&key).await {
            return Ok(kept);
        }
        let waiting = self.0.waiting.try_acquire();
        let _waiting = waiting.map_err(|_| Error::TooMany {
            what: "requests that wait for a picture",
            limit: MAX_WAITING as u64,
        })?;
        let _turn = self.0.turn().await;
        // Another request may have had it made meanwhile.
        if let Some(kept) = self.0.kept_picture(&key).await {
            return Ok(kept);
        }
        let (shelf, wanted) = (self.0.shelf.clone(), name.to_owned());
        let file = blocking(move || shelf.open(&wanted)).await;
        let file = file.map_err(|_| unknown())?;
        match thumbnail::make(&file, about).await {
            Ok(jpeg) => {
                self.0.keep_picture(&key, &jpeg).await;
                let tag = key.as_str().to_owned();
                Ok(Thumbnail { tag, jpeg })
            }
            Err(Error::Unfit(Unfit::NoPicture(why))) => {
                self.0.index.no_picture(name, &entry.stamp, why.clone());
                Err(no_picture(&why))
            }
            Err(error) => Err(error),
        }
    }
}

impl Inner {
    /// Leave to have FFmpeg look at a file. The semaphore is never closed.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.looks.acquire().await.ok()
    }

    async fn kept_picture(&self, key: &Key) -> Option<Thumbnail> {
        let (shelf, wanted) = (self.shelf.clone(), key.clone());
        let kept = blocking(move || Ok(shelf.thumbnail(&wanted))).await;
        let jpeg = kept.ok().flatten()?.into();
        let tag = key.as_str().to_owned();
        Some(Thumbnail { tag, jpeg })
    }

    /// One that cannot be kept is made again.
    pub(crate) async fn keep_picture(&self, key: &Key, jpeg: &bytes::Bytes) {
        let (shelf, key, jpeg) = (self.shelf.clone(), key.clone(), jpeg.clone());
        let kept = blocking(move || shelf.keep_thumbnail(&key, &jpeg)).await;
        if let Err(error) = kept {
            tracing::debug!("a thumbnail is not kept: {error}");
        }
    }

    /// Lists a video that was just taken.
    pub(crate) fn list(&self, name: &str, entry: Entry) -> Video {
        let video = Video::of(name, &entry);
        self.index.put(name, entry);
        video
    }

    /// Lets an upload in, if there is room for it.
    pub(crate) async fn admit(&self, note: Note) -> Result<Arc<Upload>, Error> {
        if note.length > self.settings.max_bytes {
            return Err(Error::TooLarge {
                limit: self.settings.max_bytes,
            });
        }
        let shelf = self.shelf.clone();
        let free = blocking(move || shelf.free_bytes()).await;
        let free = free.map_err(Error::io("cannot tell how full the disk is"))?;
        let upload = Upload::new(random_id()?, note, 0, SystemTime::now());
        self.uploads.enter(upload, free, &self.settings)
    }

    /// Takes an upload's file away. What became of it stays known.
    pub(crate) async fn discard(&self, id: &str) {
        let (shelf, id) = (self.shelf.clone(), id.to_owned());
        if let Err(error) = blocking(move || shelf.remove_upload(&id)).await {
            tracing::warn!(code = "videos-io", "cannot take away an upload: {error}");
        }
    }
}

fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Error::Io {
        doing: "cannot make an id",
        source: io::Error::other("the system has no random numbers"),
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Goes on with the uploads that a host before this one left, and takes away what cannot be gone
/// on with.
fn adopt(shelf: &Shelf, uploads: &Uploads) -> io::Result<()> {
    for (id, note) in shelf.left_over()? {
        let note = note.and_then(|note| serde_json::from_slice::<Note>(&note).ok());
        let file = shelf.open_upload(&id).and_then(|file| stamp_of(&file));
        match (note, file) {
            (Some(note), Ok(stamp)) if stamp.bytes <= note.length => {
                uploads.adopt(Upload::new(id, note, stamp.bytes, stamp.modified));
            }
            // A note goes with its upload.
            (None, _) if id.ends_with(".json") => {}
            _ => shelf.remove_upload(&id)?,
        }
    }
    Ok(())
}

fn stamp_of(file: &std::fs::File) -> io::Result<Stamp> {
    Ok(Stamp::of(&rustix::fs::fstat(file)?))
}

/// Finishes uploads that are whole, and takes away those that nobody goes on with, until the host shuts down.
async fn keep_tidy(inner: Arc<Inner>) {
    let every = TIDY.min(inner.settings.expires);
    loop {
        for upload in inner.uploads.whole() {
            tokio::select! {
                () = tus::settle(&inner, &upload) => {}
                () = inner.context.shutdown().cancelled() => return,
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = inner.context.shutdown().cancelled() => return,
        }
        let expired = inner
            .uploads
            .expired(SystemTime::now(), inner.settings.expires);
        for upload in expired {
            if !upload.is_busy() {
                inner.uploads.remove(&upload.id);
                inner.discard(&upload.id).await;
            }
        }
    }
}
