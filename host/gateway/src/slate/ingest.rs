//! Media in: a slate, over and over, from the moment its input is there.

use super::clip::{Clip, Player};
use super::prepare::prepare;
use super::recipe::Recipe;
use crate::context::Context;
use hub::{Source, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use media::Ticks90k;
use media::profile::Profile;
use model::{Label, Protocol, endpoint};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Frames are pushed as they have come due, so often.
const BEAT: Duration = Duration::from_millis(40);
/// Further behind, for example after the machine slept, what was missed is left out.
const LATE: Duration = Duration::from_secs(2);
/// What a stream is coded with comes in pieces, first the pictures, then the sound.
const SETTLING: Duration = Duration::from_millis(500);
/// However often a publisher changes its mind, no slate is prepared more often.
const AT_MOST_EVERY: Duration = Duration::from_secs(5);

/// Feeds source `id` of the stream from the picture or the clip, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::File) -> LinkHandle {
    let dial = Ingest {
        context: context.clone(),
        stream: wiring.stream.clone(),
        id: wiring.label.clone(),
        path: endpoint.path,
    };
    link::spawn(wiring, dial)
}

struct Ingest {
    context: Context,
    stream: Arc<Stream>,
    id: Label,
    path: String,
}

/// What is shown was prepared by this recipe, then.
struct Shown {
    profiles: watch::Receiver<Option<Profile>>,
    recipe: Recipe,
    /// When it was last prepared anew.
    renewed: Option<Instant>,
}

impl Dial for Ingest {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        tokio::select! {
            ended = self.show(session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        }
    }
}

impl Ingest {
    /// Ends only with an error.
    async fn show(&self, session: &Session) -> Result<(), LinkError> {
        let mut profiles = self.stream.profile();
        let recipe = Recipe::like(*profiles.borrow_and_update());
        let clip = prepare(&self.context, &self.path, &recipe).await?;
        let peer = Some(self.path.clone());
        let mut source = self
            .stream
            .connect_source(&self.id, Protocol::Slate, peer)?;
        let counters = self.context.counters().of(Protocol::Slate);
        counters.connections.add(1);
        session.live();
        let mut shown = Shown {
            profiles,
            recipe,
            renewed: None,
        };
        let (mut player, mut began) = (Player::new(clip), Instant::now());
        loop {
            let clip = tokio::select! {
                clip = self.renewed(&mut shown) => clip,
                never = play(&mut player, &mut began, &mut source, session) => match never {},
            };
            player.follow(clip);
        }
    }

    /// Waits until the stream is another and a slate like it is there. Until then, and if it
    /// cannot be made, the one that is there is better than none.
    async fn renewed(&self, shown: &mut Shown) -> Arc<Clip> {
        loop {
            if shown.profiles.changed().await.is_err() {
                // The stream is gone, which ends the session.
                std::future::pending().await
            }
            let earliest = shown.renewed.map(|then| then + AT_MOST_EVERY);
            let settled = Instant::now() + SETTLING;
            tokio::time::sleep_until(earliest.map_or(settled, |then| then.max(settled))).await;
            let recipe = Recipe::like(*shown.profiles.borrow_and_update());
            if recipe == shown.recipe {
                continue;
            }
            shown.renewed = Some(Instant::now());
            match prepare(&self.context, &self.path, &recipe).await {
                Ok(clip) => {
                    shown.recipe = recipe;
                    return clip;
                }
                Err(error) => {
                    let (stream, source) = (self.stream.name(), &self.id);
                    tracing::warn!(%stream, %source, %error, "the slate stays as it was");
                }
            }
        }
    }
}

enum Never {}

/// Pushes frames as they come due.
async fn play(
    player: &mut Player,
    began: &mut Instant,
    source: &mut Source,
    session: &Session,
) -> Never {
    let mut frames = Vec::new();
    loop {
        let due = *began + player.due().as_duration();
        let late = due.elapsed();
        if late > LATE {
            *began += late;
        }
        let now = ticks(began.elapsed());
        while player.due() <= now
            && let Some(frame) = player.next()
        {
            session.moved(frame.payload.len());
            frames.push(frame);
        }
        source.push_frames(frames.drain(..));
        tokio::time::sleep(BEAT).await;
    }
}

fn ticks(since: Duration) -> Ticks90k {
    Ticks90k(i64::try_from(since.as_micros() * 9 / 100).unwrap_or(i64::MAX))
}
