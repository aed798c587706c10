//! Where a decoder leaves what it makes and the compositor takes it.

use super::clock::Rate;
use super::intake::{Intake, Kinds, Sample};
use parking_lot::Mutex;
use raster::Picture;
use std::sync::Arc;

/// Of one source. Its lock is held while pointers are moved.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Held>);

#[derive(Debug, Default)]
enum Held {
    /// Nothing has come yet.
    #[default]
    Nothing,
    /// From a decoder.
    Moving(Box<Intake>),
    /// An image.
    Still(Arc<Picture>),
}

impl Slot {
    /// Another decoder begins.
    pub(super) fn begin(&self, rate: Rate, kinds: Kinds) {
        *self.0.lock() = Held::Moving(Box::new(Intake::new(rate, kinds)));
    }

    /// Shows one picture from now on.
    pub(super) fn hold(&self, picture: Picture) {
        *self.0.lock() = Held::Still(Arc::new(picture));
    }

    pub(super) fn push_picture(&self, picture: Picture) {
        if let Held::Moving(intake) = &mut *self.0.lock() {
            intake.push_picture(picture);
        }
    }

    pub(super) fn push_sound(&self, samples: &[Sample]) {
        if let Held::Moving(intake) = &mut *self.0.lock() {
            intake.push_sound(samples.iter().copied());
        }
    }

    /// A used picture of that size.
    pub(super) fn blank(&self, width: u32, height: u32) -> Option<Picture> {
        match &mut *self.0.lock() {
            Held::Moving(intake) => intake.blank(width, height),
            _ => None,
        }
    }

    /// Gives back what is not shown any more.
    pub(super) fn recycle(&self, picture: Arc<Picture>) {
        if let Held::Moving(intake) = &mut *self.0.lock() {
            intake.recycle(picture);
        }
    }

    /// See [`Intake::take`]. Also whether it has sound at all.
    pub(super) fn take(
        &self,
        count: usize,
        samples: &mut Vec<Sample>,
    ) -> (bool, Option<Arc<Picture>>, bool) {
        match &mut *self.0.lock() {
            Held::Moving(intake) => {
                let (new, picture) = intake.take(count, samples);
                (new, picture, intake.kinds().sound)
            }
            held => {
                samples.clear();
                samples.resize(count, [0; 2]);
                match held {
                    Held::Still(picture) => (true, Some(picture.clone()), false),
                    _ => (false, None, false),
                }
            }
        }
    }
}
