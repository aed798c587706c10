//! Splices (ANSI/SCTE 35) beside the parts of a stream, as playlists and manifests tell of them.

use crate::Ticks90k;
use crate::codec::splice::Direction;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Breaks that are listed at once; more are told only by a source that means no good.
const MOST: usize = 32;

/// Bytes of all sections that are listed: every viewer fetches them, in twice as many digits.
const MOST_BYTES: usize = 16 << 10;

/// One splice point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// Which way it leads.
    pub direction: Direction,
    /// Its number, if it has one.
    pub event: Option<u32>,
    /// The event of that number is called off.
    pub cancelled: bool,
    /// Presentation time as parts count it, in 1/90000 s.
    pub time: Ticks90k,
    /// When that is, by the host's clock.
    pub at: SystemTime,
    /// How long the break is meant to last.
    pub duration: Option<Ticks90k>,
    /// The whole `splice_info_section`.
    pub section: Bytes,
}

/// A splice point, and the one back that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Like no other's in the life of a stream; letters, digits and `-`.
    pub id: String,
    /// The same, as a number.
    pub number: u64,
    /// Where it begins.
    pub begins: Cue,
    /// Where it has ended.
    pub ends: Option<Cue>,
}

/// The breaks that fall into a window. Cloning costs a reference count for each.
#[derive(Debug, Clone, Default)]
pub struct Cues {
    list: Vec<Arc<Break>>,
    /// All there ever were.
    told: u64,
}

impl Cues {
    /// Takes the next one; false if it says nothing new, as most do: splices are announced
    /// several times.
    pub fn push(&mut self, cue: &Cue) -> bool {
        if cue.cancelled {
            let before = self.list.len();
            self.list
                .retain(|it| it.ends.is_some() || it.begins.event != cue.event);
            return self.list.len() < before;
        }
        if self.list.iter().any(|known| known.tells(cue)) {
            return false;
        }
        let mut open = self.list.iter_mut().rev();
        if cue.direction == Direction::In
            && let Some(open) = open.find(|it| it.is_ended_by(cue))
        {
            Arc::make_mut(open).ends = Some(cue.clone());
        } else {
            self.told += 1;
            self.list.push(Arc::new(Break {
                id: id(cue, self.told),
                number: self.told,
                begins: cue.clone(),
                ends: None,
            }));
        }
        while self.list.len() > MOST || self.bytes() > MOST_BYTES {
            self.list.remove(0);
        }
        true
    }

    /// Lets go of what was over by then. What has no end yet stays.
    pub fn forget(&mut self, by: SystemTime) {
        self.list
            .retain(|it| it.end().is_none_or(|(_, end)| end >= by));
    }

    /// In the order they were announced.
    pub fn iter(&self) -> impl Iterator<Item = &Break> {
        self.list.iter().map(|it| &**it)
    }

    fn bytes(&self) -> usize {
        let sections = self.list.iter().map(|it| {
            it.begins.section.len() + it.ends.as_ref().map_or(0, |ends| ends.section.len())
        });
        sections.sum()
    }
}

impl Break {
    /// Media time and date of its end, as far as that is known; of what is no break, its begin.
    pub fn end(&self) -> Option<(Ticks90k, SystemTime)> {
        if let Some(ends) = &self.ends {
            return Some((ends.time, ends.at));
        }
        let begins = &self.begins;
        let lasts = match begins.duration {
            Some(lasts) => lasts,
            None if begins.direction == Direction::Out => return None,
            None => Ticks90k::ZERO,
        };
        let at = begins.at.checked_add(lasts.as_duration())?;
        Some((begins.time + lasts, at))
    }

    /// Whether `cue` says what is known already. A splice that is made at once has no time by
    /// which its repetitions could be told.
    fn tells(&self, cue: &Cue) -> bool {
        let said = |known: &Cue| {
            let same = known.direction == cue.direction && known.event == cue.event;
            same && (known.time == cue.time || known.section == cue.section)
        };
        said(&self.begins) || self.ends.as_ref().is_some_and(said)
    }

    fn is_ended_by(&self, cue: &Cue) -> bool {
        self.begins.direction == Direction::Out
            && self.ends.is_none()
            && self.begins.event == cue.event
            && self.begins.time <= cue.time
    }
}

fn id(cue: &Cue, number: u64) -> String {
    let since = cue.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let event = cue.event.unwrap_or_default();
    format!("splice-{event:08x}-{}-{number}", since.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cue(direction: Direction, event: u32, seconds: i64) -> Cue {
        Cue {
            direction,
            event: Some(event),
            cancelled: false,
            time: Ticks90k(seconds * 90_000),
            at: UNIX_EPOCH + Duration::from_secs(seconds as u64),
            duration: None,
            section: Bytes::from(format!("{direction:?} {event} {seconds}")),
        }
    }

    #[test]
    fn a_break_is_one_however_often_it_is_announced_and_goes_when_it_is_over() {
        let mut cues = Cues::default();
        assert!(cues.push(&cue(Direction::Out, 7, 10)));
        assert!(!cues.push(&cue(Direction::Out, 7, 10)));
        cues.forget(UNIX_EPOCH + Duration::from_secs(1000));
        assert_eq!(cues.iter().count(), 1, "it has not ended");
        assert!(cues.push(&cue(Direction::In, 7, 40)));
        assert!(!cues.push(&cue(Direction::In, 7, 40)));
        let only: Vec<_> = cues.iter().collect();
        assert_eq!(only.len(), 1);
        assert_eq!(only[0].id, "splice-00000007-10000-1");
        assert!(only[0].ends.is_some());
        cues.forget(UNIX_EPOCH + Duration::from_secs(41));
        assert_eq!(cues.iter().count(), 0);
    }

    #[test]
    fn what_is_called_off_goes_and_a_flood_drives_out_the_oldest() {
        let mut cues = Cues::default();
        cues.push(&cue(Direction::Out, 7, 10));
        cues.push(&Cue {
            cancelled: true,
            ..cue(Direction::Other, 7, 5)
        });
        assert_eq!(cues.iter().count(), 0);
        for event in 0..1000 {
            cues.push(&Cue {
                section: vec![event as u8; 4093].into(),
                ..cue(Direction::Out, event, 10)
            });
        }
        assert_eq!(cues.iter().count(), 4);
        assert_eq!(cues.iter().last().unwrap().begins.event, Some(999));
    }
}
