//! What every derived lane is made by.

use std::time::SystemTime;

/// A pure converter from one form of a stream to another.
///
/// Never fails as a whole: what it cannot convert it leaves out and names in
/// [`Convert::complaints`], once.
pub trait Convert {
    /// The items it reads.
    type In;
    /// The items it makes.
    type Out;

    /// Takes one item, appends what it completes to `out`.
    fn convert(&mut self, now: SystemTime, item: &Self::In, out: &mut Vec<Self::Out>);

    /// What could not be converted since the last call, each said once in the converter's
    /// life, ready to be logged ("PID 0x103: stream type 0x86 (SCTE-35) has no place in Frames").
    fn complaints(&mut self) -> Vec<String> {
        Vec::new()
    }
}
