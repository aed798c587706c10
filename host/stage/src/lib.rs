//! Streams made of streams by FFmpeg: encode, composite, split, thumbnail.

#![forbid(unsafe_code)]

mod branches;
pub mod composite;
pub mod encode;
pub mod hardware;
pub mod split;
pub mod thumbnail;

use composite::Composites;
use hardware::Profiles;
use thumbnail::Posters;

/// How stages are made.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How composites are.
    pub composite: composite::Settings,
    /// What encodes.
    pub hardware: hardware::Settings,
    /// How posters are.
    pub posters: thumbnail::Settings,
}

/// What the stages of a host share; cloning is a reference count.
#[derive(Clone)]
pub struct Stages {
    /// The composites there are.
    pub composites: Composites,
    /// What encodes on this machine.
    pub profiles: Profiles,
    /// Pictures of streams.
    pub posters: Posters,
}

impl Stages {
    /// For the streams of that context.
    pub fn new(context: &link::Context, settings: Settings) -> Self {
        let composites = Composites::default();
        composites.configure(settings.composite);
        Self {
            composites,
            profiles: Profiles::new(context.children(), settings.hardware),
            posters: Posters::new(context, settings.posters),
        }
    }
}
