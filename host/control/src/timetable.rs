//! What the schedules of all outputs say now, and when to look again.
//!
//! The actor looks whenever it wakes, which is often enough to see a clock that was set; looking
//! costs a comparison as long as nothing is due.

use crate::desired::Desired;
use crate::schedule::Standing;
use model::{Label, StreamName};
use std::collections::{BTreeMap, BTreeSet};

/// What was found when it was last looked.
#[derive(Debug, Default)]
pub(crate) struct Timetable {
    outputs: BTreeMap<StreamName, BTreeMap<Label, Standing>>,
    /// Until when all of that holds, Unix seconds.
    due: Option<i64>,
    /// When it was found.
    looked: i64,
}

impl Timetable {
    /// Whether it has to be looked at now: something is due, or the clock was set back.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        let set_back = now < self.looked && !self.outputs.is_empty();
        set_back || self.due.is_some_and(|due| due <= now)
    }

    /// When something is due, Unix seconds.
    pub(crate) const fn due(&self) -> Option<i64> {
        self.due
    }

    /// Looks at every schedule of a document; returns the streams with an output that is wanted
    /// now and was not, or the other way round.
    pub(crate) fn look(&mut self, desired: &Desired, now: i64) -> BTreeSet<StreamName> {
        let before = std::mem::take(&mut self.outputs);
        let mut turned = BTreeSet::new();
        for (stream, input) in desired.inputs() {
            for output in &input.outputs {
                let Some(schedule) = &output.schedule else {
                    continue;
                };
                let standing = schedule.at(now);
                let was = before.get(stream).and_then(|all| all.get(&output.name));
                if was.is_none_or(|was| was.on != standing.on) {
                    turned.insert(stream.clone());
                }
                let all = self.outputs.entry(stream.clone()).or_default();
                all.insert(output.name.clone(), standing);
            }
        }
        let all = self.outputs.values().flat_map(BTreeMap::values);
        self.due = all.filter_map(|standing| standing.until).min();
        self.looked = now;
        turned
    }

    /// What the schedule of an output says; none if it has none.
    pub(crate) fn of(&self, stream: &StreamName, output: &Label) -> Option<Standing> {
        self.outputs.get(stream)?.get(output).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::Rules;
    use model::Site;
    use serde_json::json;

    fn desired(schedule: serde_json::Value) -> Desired {
        let mut output = json!({"name": "x", "url": "udp://127.0.0.1:1"});
        output["schedule"] = schedule;
        let site = json!({"inputs": [{"name": "a", "outputs": [output]}]});
        let site: Site = serde_json::from_value(site).unwrap();
        Desired::check(site, &Rules::default(), &Site::default(), |_| Ok(())).unwrap()
    }

    #[test]
    fn a_stream_turns_when_its_output_does_and_when_the_clock_is_set_back() {
        let hour =
            json!({"windows": [{"start": "1970-01-01T01:00:00Z", "stop": "1970-01-01T02:00:00Z"}]});
        let desired = desired(hour);
        let (stream, output) = ("a".parse().unwrap(), "x".parse().unwrap());
        let mut table = Timetable::default();
        let mut steps = Vec::new();
        for now in [0, 1_800, 3_600, 5_000, 7_200, 5_000, 0] {
            let turned = match table.is_due(now) || now == 0 {
                true => table.look(&desired, now).len(),
                false => 0,
            };
            let on = table.of(&stream, &output).is_some_and(|it| it.on);
            steps.push((now, on, turned, table.due()));
        }
        let expected = [
            (0, false, 1, Some(3_600)),
            (1_800, false, 0, Some(3_600)),
            (3_600, true, 1, Some(7_200)),
            (5_000, true, 0, Some(7_200)),
            (7_200, false, 1, None),
            (5_000, true, 1, Some(7_200)),
            (0, false, 1, Some(3_600)),
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn without_schedules_nothing_is_ever_due() {
        let mut table = Timetable::default();
        assert!(table.look(&Desired::default(), 100).is_empty());
        assert!(!table.is_due(0) && !table.is_due(i64::MAX));
    }
}
