//! The routing of a stream that no plugin decides for, or whose plugin has never answered.

use crate::state::{BLACK, FROZEN};
use model::Protocol;
use model::routing::{Plan, PlannedOutput, RoutingState, Source};

/// A source whose last packet is older than this is dead; the hub announces silence after
/// the same time.
const SILENT_MS: u64 = 1_000;

/// Every output the operator enabled, over every protocol, from the source that works.
///
/// The source on air stays while it delivers, else the first in the operator's order that
/// does takes over; a slate only while there is no other, wherever it stands. It goes back only when the new one dies: a source that comes and goes does
/// not make the picture come and go.
pub fn plan(state: &RoutingState) -> Plan {
    let enabled = state
        .outputs
        .iter()
        .filter(|output| output.declared && output.enabled);
    let outputs = enabled.map(|output| PlannedOutput {
        name: output.name.clone(),
        ..PlannedOutput::default()
    });
    let (on_air, reason) = choose(&state.sources);
    Plan {
        on_air: on_air.map(|source| source.id.clone()),
        outputs: outputs.collect(),
        reason: reason.to_owned(),
        ..Plan::default()
    }
}

/// Whether media comes from it now, with something to see.
pub fn delivers(source: &Source) -> bool {
    let is_seen = ![FROZEN, BLACK]
        .iter()
        .any(|wrong| source.attributes.contains_key(*wrong));
    is_seen && source.connected && source.packet_age_ms.is_some_and(|age| age <= SILENT_MS)
}

fn choose(sources: &[Source]) -> (Option<&Source>, &'static str) {
    let is_slate = |source: &&Source| source.protocol == Protocol::Slate.as_str();
    let delivering = || sources.iter().filter(|source| delivers(source));
    let on_air = sources.iter().find(|source| source.on_air);
    let stays = on_air.filter(|source| delivers(source) && !is_slate(source));
    if stays.is_some() {
        return (stays, "built-in: the source on air delivers");
    }
    match delivering().find(|source| !is_slate(source)) {
        Some(source) => (Some(source), "built-in: the first source that delivers"),
        None => match delivering().next() {
            Some(slate) => (Some(slate), "built-in: no source delivers but the slate"),
            None => (on_air, "built-in: no source delivers"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::routing::OutputState;

    fn source(id: &str, on_air: bool, packet_age_ms: Option<u64>) -> Source {
        let connected = packet_age_ms.is_some();
        Source {
            id: id.to_owned(),
            connected,
            on_air,
            packet_age_ms,
            ..Source::default()
        }
    }

    fn on_air(sources: Vec<Source>) -> Option<String> {
        plan(&RoutingState {
            sources,
            ..RoutingState::default()
        })
        .on_air
    }

    #[test]
    fn the_first_source_that_delivers_goes_on_air() {
        assert_eq!(on_air(vec![]), None);
        let dead = source("a", false, None);
        assert_eq!(on_air(vec![dead.clone()]), None);
        let silent = source("b", false, Some(1_001));
        let lively = source("c", false, Some(40));
        let later = source("d", false, Some(0));
        assert_eq!(
            on_air(vec![dead, silent, lively, later]).as_deref(),
            Some("c")
        );
    }

    #[test]
    fn it_fails_over_when_the_source_on_air_dies_and_not_back_when_it_returns() {
        let sources = |main: Option<u64>, spare_on_air: bool| {
            vec![
                source("main", !spare_on_air, main),
                source("spare", spare_on_air, Some(10)),
            ]
        };
        assert_eq!(on_air(sources(Some(10), false)).as_deref(), Some("main"));
        assert_eq!(
            on_air(sources(Some(5_000), false)).as_deref(),
            Some("spare")
        );
        assert_eq!(on_air(sources(Some(10), true)).as_deref(), Some("spare"));
    }

    #[test]
    fn a_slate_and_pictures_with_nothing_to_see_give_way_to_whatever_delivers() {
        let slate = |on_air| Source {
            protocol: "slate".into(),
            ..source("slate", on_air, Some(10))
        };
        let live = |on_air| source("live", on_air, Some(10));
        let frozen = |on_air| Source {
            attributes: [(FROZEN.to_owned(), "true".to_owned())].into(),
            ..live(on_air)
        };
        assert_eq!(
            on_air(vec![slate(true), live(false)]).as_deref(),
            Some("live")
        );
        assert_eq!(
            on_air(vec![slate(false), live(true)]).as_deref(),
            Some("live")
        );
        assert_eq!(
            on_air(vec![slate(false), frozen(true)]).as_deref(),
            Some("slate")
        );
        assert_eq!(on_air(vec![frozen(true)]).as_deref(), Some("live"));
    }

    #[test]
    fn a_dead_source_stays_on_air_while_there_is_no_other() {
        let sources = vec![
            source("main", true, Some(9_000)),
            source("spare", false, None),
        ];
        assert_eq!(on_air(sources).as_deref(), Some("main"));
    }

    #[test]
    fn exactly_the_declared_and_enabled_outputs_run() {
        let output = |name: &str, declared, enabled| OutputState {
            name: name.to_owned(),
            declared,
            enabled,
            ..OutputState::default()
        };
        let outputs = vec![
            output("wanted", true, true),
            output("disabled", true, false),
            output("of-an-earlier-plan", false, true),
        ];
        let plan = plan(&RoutingState {
            outputs,
            ..RoutingState::default()
        });
        let names: Vec<_> = plan
            .outputs
            .iter()
            .map(|output| output.name.as_str())
            .collect();
        assert_eq!(names, ["wanted"]);
        assert!(plan.serves("hls"));
    }
}
