//! CMAF renditions over HLS: playlists that are waited for, segments and parts.

use super::directive::{DirectiveError, Directives, without_directives};
use super::serve::Service;
use crate::audience::{Guest, Problem, answer};
use crate::package::{Package, View};
use axum::response::Response;
use bytes::Bytes;
use media::cmaf::{File, FileName, RenditionName};
use model::Protocol;
use std::sync::Arc;
use std::time::Duration;

/// How long a first request waits for the first segments.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many target durations a request waits for what it asked for in advance.
const BLOCK_TARGETS: u32 = 3;

impl From<DirectiveError> for Problem {
    fn from(error: DirectiveError) -> Self {
        Self::Directive(error.to_string())
    }
}

impl Service {
    /// Answers for one file of the stream; without a name, for the multivariant playlist.
    pub(super) async fn answer_cmaf(
        &self,
        guest: &Guest,
        file: Option<FileName>,
        query: &str,
    ) -> Result<Response, Problem> {
        let directives = Directives::parse(query)?;
        let packages = self.context.packages();
        let (package, viewer) = packages.seat(&self.context, Protocol::Hls, guest)?;
        let pass_on = without_directives(query);
        let (response, bytes) = match file.map(|name| (name.rendition, name.file)) {
            None => {
                let playlist = self.multivariant(&package).await?;
                list(answer::with_query(playlist, &pass_on))
            }
            Some((name, File::Playlist)) => {
                let view = self.reload(&package, name, directives).await?;
                if view.window.has_ended() {
                    package.sessions.fetched(&guest.key, |it| it.end = true);
                }
                let playlist = view.playlist(directives.skip).ok_or(Problem::NoMedia)?;
                list(answer::with_query(playlist, &pass_on))
            }
            Some((name, File::Key(number))) => {
                let key = package.key(&self.context, name, number);
                (answer::key(key.ok_or(Problem::NoSuchFile)?), 16)
            }
            Some((name, File::Part(sequence, part))) => {
                let part = self.part(&package, name, sequence, part).await?;
                let bytes = part.len();
                (answer::media(part, name.video), bytes)
            }
            Some((name, file)) => whole(&package, name, file)?,
        };
        viewer.sent(bytes);
        guest.took(bytes);
        Ok(response)
    }

    async fn multivariant(&self, package: &Package) -> Result<Bytes, Problem> {
        let mut board = package.board();
        if !board.ready {
            let _place = self.wait()?;
            board = package.ready(PATIENCE).await.ok_or(Problem::NoMedia)?;
        }
        board.playlist().ok_or(Problem::NoMedia)
    }

    /// The rendition as soon as it is as the directives want it.
    async fn reload(
        &self,
        package: &Package,
        name: RenditionName,
        directives: Directives,
    ) -> Result<Arc<View>, Problem> {
        if !package.board().ready {
            let _place = self.wait()?;
            package.ready(PATIENCE).await.ok_or(Problem::NoMedia)?;
        }
        let view = shelf(package, name)?;
        directives.check(&view.window)?;
        let is_there = |view: &Arc<View>| {
            let there = |(sequence, part)| view.window.has(sequence, part);
            view.window.has_ended()
                || (view.window.is_ready() && directives.block.is_none_or(there))
        };
        if is_there(&view) {
            return Ok(view);
        }
        let _place = self.wait()?;
        let patience = patience(&view);
        let view = package.view(name, patience, is_there).await;
        view.ok_or(Problem::NoMedia)
    }

    /// One part; the one that is made next is waited for.
    async fn part(
        &self,
        package: &Package,
        name: RenditionName,
        sequence: u64,
        part: usize,
    ) -> Result<Bytes, Problem> {
        // Of an encrypted segment there is only the whole.
        if shelf(package, name)?.notes.keys.is_some() {
            return Err(Problem::NoSuchSegment);
        }
        let is_made =
            |view: &Arc<View>| view.window.has_ended() || view.window.has(sequence, Some(part));
        let mut view = shelf(package, name)?;
        if !is_made(&view) {
            if view.window.next_part() != (sequence, part) {
                return Err(Problem::NoSuchSegment);
            }
            let _place = self.wait()?;
            let patience = patience(&view);
            let made = package.view(name, patience, is_made).await;
            view = made.ok_or(Problem::NoSuchSegment)?;
        }
        let segment = view.window.get(sequence).ok_or(Problem::NoSuchSegment)?;
        let part = segment.parts.get(part).ok_or(Problem::NoSuchSegment)?;
        Ok(part.data.clone())
    }
}

fn list(playlist: Bytes) -> (Response, usize) {
    let bytes = playlist.len();
    (answer::playlist(playlist), bytes)
}

fn shelf(package: &Package, name: RenditionName) -> Result<Arc<View>, Problem> {
    let board = package.board();
    let shelf = board.shelf(name).ok_or(Problem::NoSuchFile)?;
    Ok(shelf.view())
}

/// An initialization segment, or a segment that is whole.
fn whole(package: &Package, name: RenditionName, file: File) -> Result<(Response, usize), Problem> {
    let view = shelf(package, name)?;
    match file {
        File::Init(map) => {
            let init = view.window.init(map).ok_or(Problem::NoSuchSegment)?.clone();
            let bytes = init.len();
            Ok((answer::media(init, name.video), bytes))
        }
        File::Segment(sequence) => {
            let segment = view.window.get(sequence).filter(|it| it.complete);
            let segment = segment.ok_or(Problem::NoSuchSegment)?;
            let parts = segment.parts.iter().map(|part| part.data.clone());
            let response = answer::pieces(parts.collect(), segment.bytes, name.video);
            Ok((response, segment.bytes))
        }
        File::Playlist | File::Part(..) | File::Key(_) => Err(Problem::NoSuchFile),
    }
}

fn patience(view: &View) -> Duration {
    BLOCK_TARGETS * Duration::from_secs(view.window.target_s().max(1))
}
