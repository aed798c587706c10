//! The documented routes of smaller systems that people come from, one file each: thin adapters
//! over the same commands. Each is on or off by a key of `[compat]`.

mod distribution;
pub(crate) mod mjpeg;
pub(crate) mod wall;

use crate::app::Compat;
use crate::routes::Route;

/// Every route that is on.
pub(crate) fn table(on: Compat) -> impl Iterator<Item = Route> {
    let distribution = on.distribution.then(distribution::table);
    let mjpeg = on.mjpeg.then(mjpeg::table);
    let wall = on.wall.then(wall::table);
    let all = distribution.into_iter().flatten();
    let all = all.chain(mjpeg.into_iter().flatten());
    all.chain(wall.into_iter().flatten())
}

/// A name that a stream can have.
fn slug(name: &str) -> String {
    let usual = |c: char| c.is_ascii_alphanumeric() || "_.@-/".contains(c);
    let kept = name.trim().chars().map(|c| if usual(c) { c } else { '-' });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_name_keeps_what_a_stream_can_be_called() {
        assert_eq!(slug(" Main Stage "), "Main-Stage");
        assert_eq!(slug("Bühne/1"), "B-hne/1");
    }
}
