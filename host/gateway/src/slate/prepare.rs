//! From a file in the media folder to a [`Clip`].

use super::cache::{self, Key};
use super::clip::Clip;
use super::recipe::{Hearing, Kind, Recipe};
use super::{Settings, Slates};
use crate::context::Context;
use bytes::{Bytes, BytesMut};
use ffmpeg::Job;
use link::{LinkError, folder};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::SystemTime;

/// What one slate may come to: it is held in memory while its input is there.
const MAX_BYTES: usize = 128 << 20;

/// A file to be prepared.
struct Ingredient {
    file: File,
    kind: Kind,
    bytes: u64,
    modified: SystemTime,
}

/// Prepares a file by a recipe, or finds it prepared.
///
/// # Errors
/// There is no such file, it is too large, or FFmpeg makes nothing of it: then with its words.
pub(super) async fn prepare(
    context: &Context,
    path: &str,
    recipe: &Recipe,
) -> Result<Arc<Clip>, LinkError> {
    let slates = context.slates();
    let settings = slates.settings();
    let ingredient = look_at(folder::open(context, path).await?, path).await?;
    if ingredient.bytes > settings.file_bytes {
        return Err(LinkError::Passing(format!(
            "{path} has {} bytes; a slate may have {}",
            ingredient.bytes, settings.file_bytes
        )));
    }
    let hearings: &[Hearing] = match (ingredient.kind, recipe.sound) {
        (Kind::Clip, Some(_)) => &[Hearing::Own, Hearing::Silence],
        _ => &[Hearing::Silence],
    };
    let arguments = recipe.arguments(ingredient.kind, Hearing::Own, settings.clip);
    let key = Key::of(path, ingredient.bytes, ingredient.modified, &arguments);
    if let Some(clip) = kept(&settings, &key, recipe).await {
        return Ok(clip);
    }
    let _turn = turn(slates).await;
    // Another input may have had it prepared meanwhile.
    if let Some(clip) = kept(&settings, &key, recipe).await {
        return Ok(clip);
    }
    tracing::info!(slate = path, "is being prepared");
    let failed = |why: String| LinkError::Passing(format!("cannot show {path} as a slate: {why}"));
    let mut why = String::new();
    for hearing in hearings {
        let arguments = recipe.arguments(ingredient.kind, *hearing, settings.clip);
        let file = ingredient.file.try_clone();
        let file = file.map_err(LinkError::io(format!("cannot read {path}")))?;
        let job = Job::new(context.children(), "slate", path);
        let cooking = tokio::time::timeout(settings.timeout, encode(job, arguments, file));
        match cooking.await {
            Ok(Ok(ts)) => {
                let clip = Clip::of_ts(recipe, ts.clone());
                let clip = clip.map_err(|error| failed(error.to_string()))?;
                cache::put(&settings, &key, ts).await;
                return Ok(Arc::new(clip));
            }
            // A clip may have no sound of its own: the next try tells.
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => {
                let seconds = settings.timeout.as_secs();
                return Err(failed(format!("FFmpeg took more than {seconds} s")));
            }
        }
    }
    Err(failed(why))
}

async fn look_at(file: File, path: &str) -> Result<Ingredient, LinkError> {
    let looking = tokio::task::spawn_blocking(move || {
        let about = file.metadata()?;
        let mut head = [0; 12];
        let read = file.read_at(&mut head, 0)?;
        io::Result::Ok(Ingredient {
            kind: Kind::of(head.get(..read).unwrap_or_default()),
            bytes: about.len(),
            modified: about.modified()?,
            file,
        })
    });
    let looked = looking
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    looked.map_err(LinkError::io(format!("cannot read {path}")))
}

async fn kept(settings: &Settings, key: &Key, recipe: &Recipe) -> Option<Arc<Clip>> {
    let ts = cache::get(settings, key).await?;
    // What was spoilt on disk is made anew.
    Clip::of_ts(recipe, ts).ok().map(Arc::new)
}

/// The semaphore is never closed.
async fn turn(slates: &Slates) -> Option<tokio::sync::SemaphorePermit<'_>> {
    slates.kitchen.acquire().await.ok()
}

async fn encode(job: Job, arguments: Vec<String>, file: File) -> Result<Bytes, LinkError> {
    let mut ffmpeg = job.start(arguments, Stdio::from(file))?;
    let mut made = BytesMut::new();
    let doing = "cannot read what ffmpeg makes";
    while ffmpeg.read(&mut made).await.map_err(LinkError::io(doing))? > 0 {
        if made.len() > MAX_BYTES {
            return Err(LinkError::Passing(format!(
                "it comes to more than {} MiB; use a shorter clip",
                MAX_BYTES >> 20
            )));
        }
    }
    ffmpeg.finish().await?;
    Ok(made.freeze())
}
