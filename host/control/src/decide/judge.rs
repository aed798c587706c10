//! What becomes of an answer: whether it can be used, and what holds if not.

use super::bindings::Binding;
use super::{Asking, DecidedBy, Failure};
use crate::builtin;
use model::auth::Verdict;
use model::layout::{Arrangement, Scene};
use model::selection::{Clip, Library};
use model::{Answer, Question, StreamName};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A policy that fails over and over in the same way is told of this often.
const REMIND: Duration = Duration::from_secs(60);

/// Ways in which policies fail that are remembered.
const MAX_REMEMBERED: usize = 1_000;

/// An answer after judgement.
pub(super) struct Judged {
    pub(super) answer: Option<Arc<Answer>>,
    pub(super) decided_by: DecidedBy,
    pub(super) error: Option<Failure>,
    pub(super) refused: Vec<String>,
}

/// Judges what a policy said, and finds what holds instead if it cannot be used.
pub(super) fn judge(result: Result<Answer, Failure>, asking: &Asking) -> Judged {
    let mut refused = Vec::new();
    let usable = result.and_then(|answer| usable(answer, asking, &mut refused));
    match usable {
        Ok(answer) => Judged {
            answer: Some(Arc::new(answer)),
            decided_by: DecidedBy::Plugin,
            error: None,
            refused,
        },
        Err(failure) => {
            let (answer, decided_by) = instead(asking, &failure);
            Judged {
                answer,
                decided_by,
                error: Some(failure),
                refused,
            }
        }
    }
}

/// What holds when a policy failed: the failure policy of each kind.
fn instead(asking: &Asking, failure: &Failure) -> (Option<Arc<Answer>>, DecidedBy) {
    if let Question::Auth(_) = &*asking.question {
        let verdict = Verdict::deny(format!("the policy failed: {}", failure.message));
        return (Some(Arc::new(Answer::Auth(verdict))), DecidedBy::Denied);
    }
    match &asking.last_good {
        Some(last_good) => (Some(last_good.clone()), DecidedBy::LastGood),
        None => (built_in(asking).map(Arc::new), DecidedBy::BuiltIn),
    }
}

/// What the host decides by itself.
pub(super) fn built_in(asking: &Asking) -> Option<Answer> {
    Some(match &*asking.question {
        Question::Routing(state) => Answer::Routing(builtin::routing::plan(state)),
        Question::Selection(request) => {
            let library = asking.library.as_deref()?;
            Answer::Selection(builtin::selection::clip(request, library)?)
        }
        Question::Layout(scene) => Answer::Layout(builtin::layout::arrangement(scene)),
        Question::Auth(_) => Answer::Auth(Verdict::allow("built-in: no policy is bound")),
    })
}

/// The answer as it can be made true; what of it cannot is told in `refused`. Bounds that
/// `wit/` names were checked by the plugin plane; here is what only the host can know. A routing
/// plan is understood by the actor, which knows the stream.
fn usable(answer: Answer, asking: &Asking, refused: &mut Vec<String>) -> Result<Answer, Failure> {
    match (answer, &*asking.question) {
        (Answer::Routing(plan), Question::Routing(_)) => Ok(Answer::Routing(plan)),
        (Answer::Selection(clip), Question::Selection(_)) => {
            playable(&clip, asking.library.as_deref())?;
            Ok(Answer::Selection(clip))
        }
        (Answer::Layout(arrangement), Question::Layout(scene)) => {
            let arrangement = of_known_sources(arrangement, scene, refused);
            Ok(Answer::Layout(arrangement))
        }
        (Answer::Auth(verdict), Question::Auth(_)) => {
            if let Some(name) = &verdict.stream {
                let parsed = name.parse::<StreamName>();
                parsed.map_err(|error| unusable(format!("its name for the stream: {error}")))?;
            }
            Ok(Answer::Auth(verdict))
        }
        (answer, question) => Err(unusable(format!(
            "asked for {}, it answered with {}",
            question.kind(),
            answer.kind()
        ))),
    }
}

fn playable(clip: &Clip, library: Option<&dyn Library>) -> Result<(), Failure> {
    let id: String = clip.asset.chars().take(64).collect();
    let Some(asset) = library.and_then(|library| library.get(&clip.asset)) else {
        return Err(unusable(format!("no asset is called {id:?}")));
    };
    let end_ms = clip.end_ms.unwrap_or(asset.duration_ms);
    if clip.start_ms >= end_ms || end_ms > asset.duration_ms {
        return Err(unusable(format!(
            "{} to {end_ms} ms is no part of {id:?}, which has {} ms",
            clip.start_ms, asset.duration_ms
        )));
    }
    Ok(())
}

fn of_known_sources(
    mut arrangement: Arrangement,
    scene: &Scene,
    refused: &mut Vec<String>,
) -> Arrangement {
    let known: BTreeSet<&str> = scene.sources.iter().map(|it| it.id.as_str()).collect();
    let mut unknown = BTreeSet::new();
    arrangement.tiles.retain(|tile| {
        let is_known = known.contains(tile.source.as_str());
        if !is_known {
            unknown.insert(tile.source.chars().take(64).collect::<String>());
        }
        is_known
    });
    let lines = unknown
        .into_iter()
        .map(|id| format!("tile: no source is called {id:?}"));
    refused.extend(lines);
    arrangement
}

fn unusable(message: String) -> Failure {
    Failure::new("unusable", message)
}

/// Under which name a decision is logged: of auth that of the stream itself, where what was
/// asked for stands for it.
pub(super) fn subject(question: &Question, answer: Option<&Answer>) -> String {
    match answer {
        Some(Answer::Auth(Verdict {
            stream: Some(stream),
            ..
        })) => stream.clone(),
        _ => question.subject().to_owned(),
    }
}

/// Keeps a policy that fails all the time, in one way or in several by turns, from filling the log
/// of the host.
#[derive(Debug, Default)]
pub(super) struct Complaints(Mutex<HashMap<(String, &'static str), Told>>);

#[derive(Debug)]
struct Told {
    at: Instant,
    held_back: u64,
}

impl Complaints {
    /// `holds`: what decides instead; none if it was only tried.
    pub(super) fn tell(&self, policy: &Binding, failure: &Failure, holds: Option<DecidedBy>) {
        let what = policy.what();
        let Some(held_back) = self.admit(&what, failure.code, Instant::now()) else {
            return;
        };
        let instead = match holds {
            None => "it was only tried",
            Some(DecidedBy::LastGood) => "its last good decision stays in force",
            Some(DecidedBy::Denied) => "whoever asks is turned away",
            Some(DecidedBy::Plugin | DecidedBy::BuiltIn) => "the built-in policy decides",
        };
        tracing::warn!(
            plugin = %policy.spec.plugin, policy = %what, code = failure.code, held_back,
            "a policy failed: {}; {instead}", failure.message
        );
    }

    /// A stream's plan asks for what cannot be done.
    pub(super) fn tell_refused(&self, stream: &StreamName, refused: &[String]) {
        if let Some(held_back) = self.admit(stream.as_str(), "refused-plan", Instant::now()) {
            let refused = refused.join("; ");
            tracing::warn!(%stream, %refused, held_back, "part of the plan cannot be done");
        }
    }

    /// Whether to tell now, and how many were held back since the last time.
    fn admit(&self, what: &str, code: &'static str, now: Instant) -> Option<u64> {
        let mut told = self.0.lock();
        let fresh = Told {
            at: now,
            held_back: 0,
        };
        let Some(last) = told.get_mut(&(what.to_owned(), code)) else {
            if told.len() >= MAX_REMEMBERED {
                told.clear();
            }
            told.insert((what.to_owned(), code), fresh);
            return Some(0);
        };
        if now.saturating_duration_since(last.at) < REMIND {
            last.held_back += 1;
            return None;
        }
        Some(std::mem::replace(last, fresh).held_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::Cause;
    use model::Catalogue;
    use model::auth::{AuthAction, AuthRequest};
    use model::layout::{Rect, SceneSource, Tile};
    use model::routing::{Plan, RoutingState};
    use model::selection::{Asset, SelectionRequest};

    fn asking(question: Question) -> Asking {
        let asset = Asset {
            id: "a".into(),
            duration_ms: 10_000,
            ..Asset::default()
        };
        Asking {
            question: Arc::new(question),
            cause: Cause::Asked,
            library: Some(Arc::new(Catalogue::new([asset]))),
            last_good: None,
        }
    }

    fn selection() -> Asking {
        asking(Question::Selection(SelectionRequest::default()))
    }

    fn auth() -> Asking {
        asking(Question::Auth(AuthRequest {
            action: AuthAction::Read,
            protocol: "hls".into(),
            stream: "a".into(),
            peer_ip: [127, 0, 0, 1].into(),
            peer_port: 1,
            user: None,
            token: None,
            query: vec![],
            now_unix_ms: 0,
            renewal: false,
            attributes: Default::default(),
        }))
    }

    fn failed() -> Result<Answer, Failure> {
        Err(Failure::new("trap", "boom"))
    }

    #[test]
    fn each_kind_fails_in_its_own_way() {
        let routing = || asking(Question::Routing(RoutingState::default()));
        let judged = judge(failed(), &routing());
        assert_eq!(judged.decided_by, DecidedBy::BuiltIn);
        let good = Arc::new(Answer::Routing(Plan {
            reason: "good".into(),
            ..Plan::default()
        }));
        let kept = Asking {
            last_good: Some(good.clone()),
            ..routing()
        };
        let judged = judge(failed(), &kept);
        assert_eq!(
            (judged.decided_by, judged.answer),
            (DecidedBy::LastGood, Some(good))
        );

        let judged = judge(failed(), &selection());
        let Some(Answer::Selection(clip)) = judged.answer.as_deref() else {
            panic!()
        };
        assert_eq!(
            (judged.decided_by, clip.asset.as_str()),
            (DecidedBy::BuiltIn, "a")
        );

        let judged = judge(failed(), &auth());
        let Some(Answer::Auth(verdict)) = judged.answer.as_deref() else {
            panic!()
        };
        assert_eq!(
            (judged.decided_by, verdict.allow),
            (DecidedBy::Denied, false)
        );
    }

    #[test]
    fn clips_that_are_not_there_are_not_played() {
        let clip = |asset: &str, start_ms, end_ms| {
            let asset = asset.to_owned();
            Answer::Selection(Clip {
                asset,
                start_ms,
                end_ms,
                ..Clip::default()
            })
        };
        for good in [clip("a", 0, None), clip("a", 9_000, Some(10_000))] {
            assert_eq!(judge(Ok(good), &selection()).error, None);
        }
        for bad in [
            clip("b", 0, None),
            clip("a", 10_000, None),
            clip("a", 0, Some(10_001)),
            clip("a", 5, Some(5)),
        ] {
            let judged = judge(Ok(bad.clone()), &selection());
            assert_eq!(judged.error.map(|it| it.code), Some("unusable"), "{bad:?}");
        }
    }

    #[test]
    fn tiles_of_unknown_sources_are_left_out_and_told() {
        let tile = |source: &str| Tile {
            source: source.into(),
            part: Rect::WHOLE,
            area: Rect::WHOLE,
            z: 0,
            rotation: 0,
            alpha: 1.0,
            border: None,
            attributes: Default::default(),
        };
        let scene = Scene {
            sources: vec![SceneSource {
                id: "a".into(),
                ..SceneSource::default()
            }],
            ..Scene::default()
        };
        let answer = Answer::Layout(Arrangement {
            tiles: vec![tile("ghost"), tile("a"), tile("ghost")],
            ..Arrangement::default()
        });
        let judged = judge(Ok(answer), &asking(Question::Layout(scene)));
        let Some(Answer::Layout(arrangement)) = judged.answer.as_deref() else {
            panic!()
        };
        assert_eq!((arrangement.tiles.len(), judged.refused.len()), (1, 1));
        assert_eq!(judged.decided_by, DecidedBy::Plugin);
    }

    #[test]
    fn an_answer_of_another_kind_and_a_name_that_is_none_are_failures() {
        let odd = Answer::Auth(Verdict {
            stream: Some("../etc".into()),
            ..Verdict::allow("")
        });
        assert!(judge(Ok(odd), &auth()).error.is_some());
        let other = Answer::Routing(Plan::default());
        assert!(judge(Ok(other), &auth()).error.is_some());
        let key = Answer::Auth(Verdict {
            stream: Some("live/a".into()),
            ..Verdict::allow("")
        });
        assert_eq!(subject(&auth().question, Some(&key)), "live/a");
    }

    #[test]
    fn each_way_in_which_a_policy_fails_is_told_of_once_a_minute() {
        let complaints = Complaints::default();
        let t0 = Instant::now();
        for code in ["trap", "deadline"] {
            assert_eq!(complaints.admit("p", code, t0), Some(0));
        }
        // By turns, as a policy does that wants to be told of each time.
        for _ in 0..9 {
            assert_eq!(complaints.admit("p", "trap", t0), None);
            assert_eq!(complaints.admit("p", "deadline", t0), None);
        }
        assert_eq!(complaints.admit("q", "trap", t0), Some(0));
        assert_eq!(complaints.admit("p", "trap", t0 + REMIND), Some(9));
        assert_eq!(complaints.admit("p", "deadline", t0 + REMIND), Some(9));
        assert_eq!(complaints.admit("p", "trap", t0 + 2 * REMIND), Some(0));
    }
}
