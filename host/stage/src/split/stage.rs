//! The stage itself.

use super::region::{filters, shows_anything};
use crate::branches::{self, Branch, End, From, Intake, Outlets, Plan, Shape, Sound, shape_of};
use crate::hardware::Profiles;
use ffmpeg::Job;
use link::{Context, Dial, LinkError, LinkHandle, Session, Wiring, folder};
use model::StreamName;
use model::split::{Region, SplitSource, SplitSpec};
use std::time::{Duration, Instant};

/// It may make nothing of what it is given for so long.
const STALL: Duration = Duration::from_secs(5);

/// Its pace is measured over so long; as for renditions.
const WINDOW: Duration = Duration::from_secs(8);

/// What FFmpeg says of channels that nobody named: it cannot mix them, but take two of them.
const UNKNOWN_CHANNELS: &str = "Rematrix is needed";

/// Fills a stream for each region until stopped. They are made and taken back with this link; one
/// that is there already is fed by a source called as the wiring's label. The link ends with the
/// wiring's stream: that which is split, or for a file any that is there as long.
///
/// `spec` has no faults ([`SplitSpec::faults`]).
pub fn start(wiring: Wiring, spec: SplitSpec, profiles: &Profiles) -> LinkHandle {
    let context = wiring.context.clone();
    let peer = spec.from.to_string();
    let outlets = Outlets::new(context.registry(), wiring.label.clone(), peer);
    let split = Split {
        context,
        branches: spec.regions.iter().map(branch).collect(),
        spec,
        profiles: profiles.clone(),
        outlets,
        began: None,
        sound: Sound::Mixed,
    };
    link::spawn(wiring, split)
}

struct Split {
    context: Context,
    spec: SplitSpec,
    branches: Vec<Branch>,
    profiles: Profiles,
    outlets: Outlets,
    /// When a file was first begun.
    began: Option<Instant>,
    /// Of a file.
    sound: Sound,
}

impl Dial for Split {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let regions = self.spec.regions.iter();
        let names: Vec<_> = regions.map(|region| region.stream.clone()).collect();
        self.outlets.set(&names)?;
        match self.spec.from.clone() {
            SplitSource::Stream(name) => self.split_stream(&name, session).await,
            SplitSource::File(path) => self.split_file(&path, session).await,
        }
    }
}

impl Split {
    async fn split_stream(
        &mut self,
        name: &StreamName,
        session: &Session,
    ) -> Result<(), LinkError> {
        let stream = self.context.registry().get(name.as_str());
        let stream = stream.ok_or_else(|| {
            LinkError::Passing(format!("no stream is called {name} at the moment"))
        })?;
        let mut seen = stream.profile();
        loop {
            let shape = tokio::select! {
                shape = shape_of(&stream, &mut seen) => shape?,
                () = session.cancelled().cancelled() => return Ok(()),
            };
            self.check(shape)?;
            let is_other = |now: &Option<_>| now.as_ref().and_then(Shape::of) != Some(shape);
            let changed = async {
                if seen.wait_for(is_other).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let intake = Intake::Stream(&stream);
            let end = self.run(From::Stream, shape.sound, intake, session, changed);
            if end.await? == End::Cancelled {
                return Ok(());
            }
        }
    }

    async fn split_file(&mut self, path: &str, session: &Session) -> Result<(), LinkError> {
        let file = folder::open(&self.context, path).await?;
        let begin = self.began.get_or_insert_with(Instant::now).elapsed();
        let (from, intake) = (From::File { begin }, Intake::File(file));
        let never = std::future::pending();
        let ended = self.run(from, self.sound, intake, session, never).await;
        if let Err(LinkError::Ffmpeg(error)) = &ended
            && error.to_string().contains(UNKNOWN_CHANNELS)
        {
            self.sound = Sound::FirstTwo;
        }
        ended.map(|_| ())
    }

    async fn run(
        &mut self,
        from: From,
        sound: Sound,
        intake: Intake<'_>,
        session: &Session,
        changed: impl Future<Output = ()>,
    ) -> Result<End, LinkError> {
        let engine = self.profiles.choose(self.spec.hardware).await.engine;
        let plan = Plan {
            from,
            sound,
            engine,
            vaapi_device: self.profiles.vaapi_device(),
            key_frame_ms: self.spec.key_frame_ms,
            audio: self.spec.audio,
            branches: &self.branches,
        };
        let of = self.spec.from.to_string();
        let job = Job::new(self.context.children(), "split", of);
        let child = branches::prepare(job.watched(STALL).paced(WINDOW), &plan)?;
        branches::run(child, intake, &mut self.outlets, session, changed).await
    }

    /// Parts that are fine by themselves may be too small for this very picture.
    fn check(&self, shape: Shape) -> Result<(), LinkError> {
        let size = (shape.width, shape.height);
        let mut regions = self.spec.regions.iter();
        match regions.find(|region| !shows_anything(region, size)) {
            None => Ok(()),
            Some(region) => Err(LinkError::Misconfigured {
                what: format!(
                    "region {}: its part of a picture of {}x{} is less than 2 by 2 pixels",
                    region.stream, shape.width, shape.height
                ),
                remedy: "give it a larger part",
            }),
        }
    }
}

fn branch(region: &Region) -> Branch {
    Branch {
        filters: filters(region),
        video_kbps: region.video_kbps,
        audio: region.audio,
    }
}
