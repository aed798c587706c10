//! The stage itself: a link of the stream that is encoded.

use super::ladder::{Level, fit};
use crate::branches::{self, Branch, End, From, Intake, Outlets, Plan, Shape, shape_of};
use crate::hardware::Profiles;
use ffmpeg::Job;
use hub::Stream;
use link::{Context, Dial, LinkError, LinkHandle, Session, Wiring};
use model::encode::{EncodeSpec, rendition_name};
use std::sync::Arc;
use std::time::Duration;

/// It may make nothing of what it is given for so long.
const STALL: Duration = Duration::from_secs(5);

/// Its pace is measured over so long. Shorter than what wipes a link's slate
/// (`model::Retry::stable_after_ms`), so that a machine that cannot carry it tries ever less often.
const WINDOW: Duration = Duration::from_secs(8);

/// Makes renditions of the wiring's stream until stopped. They are streams beside it, made when its
/// size is known and taken back with this link; one of such a name that is there already is fed
/// by a source called as the wiring's label.
///
/// `spec` has no faults ([`EncodeSpec::faults`]).
pub fn start(wiring: Wiring, spec: EncodeSpec, profiles: &Profiles) -> LinkHandle {
    let (context, stream) = (wiring.context.clone(), wiring.stream.clone());
    let peer = stream.name().to_string();
    let outlets = Outlets::new(context.registry(), wiring.label.clone(), peer);
    let encode = Encode {
        context,
        stream,
        spec,
        profiles: profiles.clone(),
        outlets,
    };
    link::spawn(wiring, encode)
}

struct Encode {
    context: Context,
    stream: Arc<Stream>,
    spec: EncodeSpec,
    profiles: Profiles,
    outlets: Outlets,
}

impl Dial for Encode {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let mut seen = self.stream.profile();
        loop {
            let shape = tokio::select! {
                shape = shape_of(&self.stream, &mut seen) => shape?,
                () = session.cancelled().cancelled() => return Ok(()),
            };
            let is_other = |now: &Option<_>| now.as_ref().and_then(Shape::of) != Some(shape);
            let changed = async {
                // The stream lives as long as this; should it not, its packets end too.
                if seen.wait_for(is_other).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            match self.encode(shape, session, changed).await? {
                End::Changed => {}
                End::Cancelled => return Ok(()),
            }
        }
    }
}

impl Encode {
    /// One FFmpeg, for a stream of this shape.
    async fn encode(
        &mut self,
        shape: Shape,
        session: &Session,
        changed: impl Future<Output = ()>,
    ) -> Result<End, LinkError> {
        let size = (shape.width, shape.height);
        let levels = fit(&self.spec.wanted(), size, shape.sample_aspect);
        self.open(&levels)?;
        let engine = self.profiles.choose(self.spec.hardware).await.engine;
        let branches: Vec<_> = levels.iter().map(branch).collect();
        let plan = Plan {
            from: From::Stream,
            sound: shape.sound,
            engine,
            vaapi_device: self.profiles.vaapi_device(),
            key_frame_ms: self.spec.key_frame_ms,
            audio: self.spec.audio,
            branches: &branches,
        };
        let job = Job::new(
            self.context.children(),
            "encode",
            self.stream.name().as_str(),
        );
        let job = job.watched(STALL).paced(WINDOW);
        let child = branches::prepare(job, &plan)?;
        let intake = Intake::Stream(&self.stream);
        branches::run(child, intake, &mut self.outlets, session, changed).await
    }

    fn open(&mut self, levels: &[Level]) -> Result<(), LinkError> {
        let name = self.stream.name();
        let names = levels.iter().map(|level| rendition_name(name, &level.name));
        let names: Result<Vec<_>, _> = names.collect();
        let names = names.map_err(|error| LinkError::Misconfigured {
            what: format!("{name} cannot have renditions: {error}"),
            remedy: "give the stream or the rendition a shorter name",
        })?;
        self.outlets.set(&names)
    }
}

fn branch(level: &Level) -> Branch {
    Branch {
        filters: format!("scale={}:{}", level.width, level.height),
        video_kbps: level.video_kbps,
        audio: true,
    }
}
