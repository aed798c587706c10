//! The windows of streams that are watched as CMAF, shared by HLS and DASH.
//!
//! One task a stream in demand reads its parts and keeps one [`media::cmaf::Window`] a rendition.
//! What viewers wait for is a [`View`]: made once a part, its playlists written once and shared.
//! Who waits costs its connection and a wake-up.

mod cipher;
mod keeper;
mod settings;
mod view;

pub(crate) use cipher::{Cipher, Keyring, NoRandomness};
use settings::Plan;

pub use settings::Settings;
pub(crate) use view::{Board, View};

use crate::Context;
use crate::audience::{self, Guest, Problem, Sessions};
use crate::hls::first_sequence;
use hub::{Stream, Viewer};
use media::cmaf::RenditionName;
use model::{HlsSpec, Protocol, Refusal, StreamName};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// The windows of all streams in demand, and how they are to be.
#[derive(Default)]
pub struct Packages {
    present: Mutex<HashMap<StreamName, Arc<Package>>>,
    /// The lowest media sequence number that no window has used; as for transport streams.
    next_sequence: AtomicU64,
    plan: watch::Sender<Plan>,
    keyring: Keyring,
}

/// One stream's windows.
pub(crate) struct Package {
    stream: Arc<Stream>,
    settings: Settings,
    pub(crate) sessions: Sessions,
    /// Ends when the task does.
    board: watch::Receiver<Arc<Board>>,
    origin: OnceLock<SystemTime>,
}

impl Packages {
    /// Says how windows are to be. One that is kept otherwise is begun anew when it is asked for
    /// next, so that a stream that is to be encrypted is, also for who watches it already.
    pub fn configure(&self, usual: Settings) {
        self.plan.send_modify(|plan| plan.usual = usual);
    }

    /// Says what differs for some streams, and for these only.
    pub fn distinguish(&self, own: HashMap<StreamName, HlsSpec>) {
        self.plan.send_modify(|plan| plan.own = own);
    }

    /// Where the keys of encrypted segments come from.
    pub(crate) const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Refuses what is not encrypted of a stream that is to be, over HLS.
    pub(crate) fn check_clear(&self, stream: &StreamName) -> Result<(), Problem> {
        match self.settings(stream).key_rotation {
            Some(_) => Err(Problem::Encrypted),
            None => Ok(()),
        }
    }

    /// Waits until a stream is to be encrypted over HLS: what is sent of it in the clear ends then.
    pub(crate) async fn until_encrypted(&self, stream: &StreamName) {
        let mut plan = self.plan.subscribe();
        let is_encrypted = |plan: &Plan| plan.of(stream).key_rotation.is_some();
        // It cannot fail: the sender is this.
        let _ = plan.wait_for(is_encrypted).await;
    }

    /// How the windows of a stream are to be.
    pub fn settings(&self, stream: &StreamName) -> Settings {
        self.plan.borrow().of(stream)
    }

    /// The package asked for, and the viewer who asks; a new one is let in by the hub first.
    pub(crate) fn seat(
        &self,
        context: &Context,
        protocol: Protocol,
        guest: &Guest,
    ) -> Result<(Arc<Package>, Arc<Viewer>), Refusal> {
        let (now, key, pass) = (Instant::now(), guest.key, &guest.pass);
        let stream = context.registry().get(pass.stream().as_str());
        let let_in = || audience::let_in(context, protocol, pass);
        // Of a stream that has ended, those who watched may still see the end.
        if let Some(package) = self.find(pass.stream(), stream.as_ref()) {
            let viewer = package.sessions.viewer(key, now, let_in)?;
            return Ok((package, viewer));
        }
        let viewer = let_in()?;
        let package = self.open(context, viewer.stream());
        let viewer = package.sessions.viewer(key, now, || Ok(viewer))?;
        Ok((package, viewer))
    }

    /// The package under that name, if it is of that stream; or of one that has ended, if there
    /// is none now.
    fn find(&self, name: &StreamName, stream: Option<&Arc<Stream>>) -> Option<Arc<Package>> {
        let present = self.present.lock();
        let wanted = self.settings(name);
        let package = present.get(name).filter(|it| it.shows(stream, wanted))?;
        Some(package.clone())
    }

    /// The package of a stream; begun if it has none.
    fn open(&self, context: &Context, stream: &Arc<Stream>) -> Arc<Package> {
        let mut present = self.present.lock();
        let settings = self.settings(stream.name());
        let kept = present.get(stream.name());
        if let Some(package) = kept.filter(|it| it.shows(Some(stream), settings)) {
            return package.clone();
        }
        let (show, board) = watch::channel(Arc::new(Board::default()));
        let package = Arc::new(Package {
            stream: stream.clone(),
            settings,
            sessions: Sessions::default(),
            board,
            origin: OnceLock::new(),
        });
        present.insert(stream.name().clone(), package.clone());
        let (context, kept) = (context.clone(), package.clone());
        let first = first_sequence().max(self.next_sequence.load(Ordering::Relaxed));
        context.clone().tasks().spawn(async move {
            tokio::select! {
                () = keeper::keep(&context, &kept, first, show) => {}
                () = context.shutdown().cancelled() => {}
            }
            context.packages().forget(&kept);
        });
        package
    }

    fn used(&self, next_sequence: u64) {
        self.next_sequence
            .fetch_max(next_sequence, Ordering::Relaxed);
    }

    fn forget(&self, package: &Arc<Package>) {
        let mut present = self.present.lock();
        let held = present.get(package.stream.name());
        if held.is_some_and(|held| Arc::ptr_eq(held, package)) {
            present.remove(package.stream.name());
        }
    }
}

impl Package {
    /// What there is now.
    pub(crate) fn board(&self) -> Arc<Board> {
        self.board.borrow().clone()
    }

    /// Waits until there is something to begin with; `None` if it does not come in time, or the
    /// stream ends before.
    pub(crate) async fn ready(&self, patience: Duration) -> Option<Arc<Board>> {
        let mut board = self.board.clone();
        let ready = board.wait_for(|board| board.ready);
        let board = tokio::time::timeout(patience, ready).await.ok()?.ok()?;
        Some(board.clone())
    }

    /// Waits until a rendition is as `until` wants it; `None` if that does not come in time.
    pub(crate) async fn view(
        &self,
        name: RenditionName,
        patience: Duration,
        until: impl FnMut(&Arc<View>) -> bool,
    ) -> Option<Arc<View>> {
        let mut views = self.follow(name)?;
        let view = views.wait_for(until);
        let view = tokio::time::timeout(patience, view).await.ok()?.ok()?;
        Some(view.clone())
    }

    /// The key of a rendition under that number, if one of the segments held is under it.
    pub(crate) fn key(
        &self,
        context: &Context,
        name: RenditionName,
        number: u64,
    ) -> Option<[u8; 16]> {
        let rotation = self.settings.keys()?;
        let view = self.board().shelf(name)?.view();
        let (oldest, newest) = view.window.held()?;
        let held = rotation.key_of(oldest)..=rotation.key_of(newest);
        let keyring = context.packages().keyring();
        let cipher = keyring
            .cipher(self.stream.name(), Some(name), rotation)
            .ok()?;
        held.contains(&number).then(|| cipher.key(number))
    }

    /// A rendition as it goes on.
    pub(crate) fn follow(&self, name: RenditionName) -> Option<watch::Receiver<Arc<View>>> {
        Some(self.board().shelf(name)?.follow())
    }

    /// When media time zero was, as it was judged first: a manifest must not change its mind.
    /// `None` before the first segment.
    pub(crate) fn origin(&self) -> Option<SystemTime> {
        if let Some(known) = self.origin.get() {
            return Some(*known);
        }
        let views = self.board().views();
        let origin = views
            .iter()
            .find_map(|view| media::dash::origin(&view.window))?;
        Some(*self.origin.get_or_init(|| origin))
    }

    /// Whether it is kept still, as it is wanted, and of this stream (or any, if there is none now).
    fn shows(&self, stream: Option<&Arc<Stream>>, wanted: Settings) -> bool {
        self.board.has_changed().is_ok()
            && self.settings == wanted
            && stream.is_none_or(|stream| Arc::ptr_eq(&self.stream, stream))
    }
}
