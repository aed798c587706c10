//! Which engine works here: each has to encode a few pictures before it is trusted.

use super::Engine;
use bytes::BytesMut;
use ffmpeg::{Census, Job, QUIET, words};
use model::encode::Hardware;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// What a trial may take. Drivers need seconds to begin.
const TRIAL: Duration = Duration::from_secs(10);

/// How engines are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The device of VA-API.
    pub vaapi_device: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            vaapi_device: "/dev/dri/renderD128".to_owned(),
        }
    }
}

/// The engines of this machine; clones share what their trials told.
#[derive(Debug, Clone)]
pub struct Profiles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    census: Census,
    settings: Settings,
    nvidia: OnceCell<Result<(), String>>,
    vaapi: OnceCell<Result<(), String>>,
}

/// What encodes, and what was to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As the operator said.
    pub wanted: Hardware,
    /// What it came to.
    pub engine: Engine,
    /// Those that would have been preferred.
    pub passed_over: Vec<PassedOver>,
}

/// An engine that does not work here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Which.
    pub engine: Engine,
    /// What FFmpeg said about it.
    pub why: String,
}

impl Profiles {
    /// Engines are tried when they are first wanted, once; their children are listed in `census`.
    pub fn new(census: &Census, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            census: census.clone(),
            settings,
            nvidia: OnceCell::new(),
            vaapi: OnceCell::new(),
        }))
    }

    /// The device of VA-API.
    pub fn vaapi_device(&self) -> &str {
        &self.0.settings.vaapi_device
    }

    /// The best that is wanted and works; else the processor, which all machines have.
    pub async fn choose(&self, wanted: Hardware) -> Choice {
        let preferred: &[Engine] = match wanted {
            Hardware::Auto => &[Engine::Nvidia, Engine::Vaapi],
            Hardware::Cpu => &[],
            Hardware::Nvidia => &[Engine::Nvidia],
            Hardware::Vaapi => &[Engine::Vaapi],
        };
        let mut passed_over = Vec::new();
        for &engine in preferred {
            match self.trial_of(engine).await {
                Ok(()) => {
                    return Choice {
                        wanted,
                        engine,
                        passed_over,
                    };
                }
                Err(why) => passed_over.push(PassedOver { engine, why }),
            }
        }
        Choice {
            wanted,
            engine: Engine::Cpu,
            passed_over,
        }
    }

    async fn trial_of(&self, engine: Engine) -> Result<(), String> {
        let inner = &self.0;
        let kept = match engine {
            Engine::Cpu => return Ok(()),
            Engine::Nvidia => &inner.nvidia,
            Engine::Vaapi => &inner.vaapi,
        };
        let trial = || async {
            let tried = attempt(&inner.census, engine, &inner.settings.vaapi_device).await;
            match &tried {
                Ok(()) => tracing::info!(%engine, "encodes on this machine"),
                Err(why) => tracing::info!(%engine, "does not encode on this machine: {why}"),
            }
            tried
        };
        kept.get_or_init(trial).await.clone()
    }
}

/// Encodes a few pictures; why that failed.
async fn attempt(census: &Census, engine: Engine, vaapi_device: &str) -> Result<(), String> {
    let encoding = async {
        let job = Job::new(census, "trial", engine.as_str());
        let mut ffmpeg = job.start(arguments(engine, vaapi_device), Stdio::null())?;
        let mut made = BytesMut::new();
        while matches!(ffmpeg.read(&mut made).await, Ok(1..)) {}
        ffmpeg.finish().await.map(|()| made.len())
    };
    match tokio::time::timeout(TRIAL, encoding).await {
        Ok(Ok(1..)) => Ok(()),
        Ok(Ok(_)) => Err("it made nothing".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it took more than {} s", TRIAL.as_secs())),
    }
}

fn arguments(engine: Engine, vaapi_device: &str) -> Vec<String> {
    let mut all: Vec<String> = words(QUIET).collect();
    all.extend(engine.device(vaapi_device));
    all.extend(words(
        "-f lavfi -i testsrc2=size=320x240:rate=30 -frames:v 5 -vf",
    ));
    all.push(engine.upload().to_owned());
    all.extend(engine.encoder(500));
    all.extend(words("-f h264 pipe:1"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_a_few_pictures_through_the_very_encoder() {
        assert_eq!(
            arguments(Engine::Vaapi, "/dev/dri/x").join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -vaapi_device /dev/dri/x \
             -f lavfi -i testsrc2=size=320x240:rate=30 -frames:v 5 -vf format=nv12,hwupload \
             -c:v h264_vaapi -profile:v high -bf 0 -rc_mode VBR -g 3000 -b:v 500k -maxrate 550k \
             -bufsize 750k -f h264 pipe:1"
        );
    }

    #[tokio::test]
    async fn the_processor_passes_its_trial() {
        attempt(&Census::default(), Engine::Cpu, "").await.unwrap();
    }

    #[tokio::test]
    async fn what_does_not_work_is_passed_over_with_its_reason_and_tried_once() {
        let settings = Settings {
            vaapi_device: "/dev/null".to_owned(),
        };
        let profiles = Profiles::new(&Census::default(), settings);
        let choice = profiles.choose(Hardware::Vaapi).await;
        assert_eq!(choice.engine, Engine::Cpu);
        assert_eq!(choice.passed_over[0].engine, Engine::Vaapi);
        let why = &choice.passed_over[0].why;
        assert!(why.contains("no device that works"), "{why}");
        assert!(profiles.0.vaapi.initialized() && !profiles.0.nvidia.initialized());
        assert_eq!(profiles.choose(Hardware::Vaapi).await, choice);

        let plain = profiles.choose(Hardware::Cpu).await;
        assert_eq!((plain.engine, plain.passed_over.len()), (Engine::Cpu, 0));
    }
}
