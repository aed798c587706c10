//! Deciding: which policy is asked, what becomes of its answer, and what holds when there is none.
//!
//! ```text
//!  question ─▶ bindings: who decides, who is tried beside ─▶ plugin ─▶ judge ─▶ ruling ─▶ log
//!                 (snapshot, no lock)                          │         │
//!                                             deadline, limits ┘         └ last good, built-in, deny
//! ```
//!
//! [`Decider`] is a service beside the actor, cheap to clone: gateways ask it without waiting for
//! the actor's turn. Nothing here makes an answer true; whoever asked does, and then has it
//! logged with what it changed.
//!
//! | kind | an answer that does not come, or cannot be used |
//! |---|---|
//! | routing, layout | the last good one holds, else the built-in policy |
//! | selection | the clip not played for longest |
//! | auth | no |
//!
//! An answer that is late is no answer: until [`Settings::answer_limit`] nothing changes, and
//! then what failed calls leave in force.

mod beside;
mod bindings;
mod door;
mod judge;
mod tally;
mod trial;

pub(crate) use bindings::accepted;
pub use bindings::{Binding, Bindings, Deciding};
pub use door::ApiRequest;
pub use tally::{Comparison, Difference};
pub use trial::Trial;

use crate::diff::Change;
use crate::log::{Decision, Filter, Found, History, HistoryFigures, Log, Totals};
use crate::router::Cause;
use arc_swap::ArcSwap;
use model::layout::{Arrangement, Scene};
use model::selection::{Clip, Library, SelectionRequest};
use model::{Answer, Label, PolicyKind, PolicySpec, Question};
use plugin::{Bound, Call, CallError, Mode, Plugins, Tape};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Comparisons at the same time; more are skipped and counted.
const MAX_BESIDE: usize = 16;

/// How decisions are made and kept.
#[derive(Clone)]
pub struct Settings {
    /// Whether secrets stay in what is shown and kept of decisions.
    pub keep_secrets: bool,
    /// Where decisions outlive memory; none: they do not.
    pub history: Option<Arc<dyn History>>,
    /// How long an answer is waited for, whatever the plugin's own limits are.
    pub answer_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_secrets: false,
            history: None,
            answer_limit: Duration::from_secs(5),
        }
    }
}

/// Who made a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The policy's plugin.
    Plugin,
    /// It failed, and what it last decided stays.
    LastGood,
    /// The host itself: no policy is bound, or it failed and nothing good is left of it.
    BuiltIn,
    /// It failed, and so nobody is let in.
    Denied,
}

/// Why a policy's own answer does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Stable short name: that of [`CallError::code`], `late`, or `unusable`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Whether the answer did not come in time.
    pub fn is_late(&self) -> bool {
        matches!(self.code, "late" | "deadline" | "busy")
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// A question on its way.
#[derive(Clone)]
pub struct Asking {
    /// What is asked.
    pub question: Arc<Question>,
    /// What brought it up.
    pub cause: Cause,
    /// The clips to choose from; of a selection.
    pub library: Option<Arc<dyn Library>>,
    /// What the policy last decided, if it is still in force.
    pub last_good: Option<Arc<Answer>>,
}

/// A decision, before anything is done about it.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// What was asked.
    pub question: Arc<Question>,
    /// What brought it up.
    pub cause: Cause,
    /// What is to hold; none: there was nothing to choose from.
    pub answer: Option<Arc<Answer>>,
    /// Who made it.
    pub decided_by: DecidedBy,
    /// The policy that was asked; none: the built-in one.
    pub policy: Option<Arc<Binding>>,
    /// The author's version of its plugin.
    pub version: String,
    /// SHA-256 of the component, hexadecimal.
    pub hash: Option<String>,
    /// Why the policy's own answer does not hold.
    pub error: Option<Failure>,
    /// What of the answer cannot be done.
    pub refused: Vec<String>,
    /// What else the policy's answer came from.
    pub tape: Tape,
    /// From the question to the answer; 0 for the host itself.
    pub took: Duration,
}

/// Makes decisions; clones share one service.
#[derive(Clone)]
pub struct Decider(Arc<Inner>);

struct Inner {
    plugins: Plugins,
    settings: Settings,
    bindings: ArcSwap<Bindings>,
    log: Log,
    complaints: judge::Complaints,
    /// Comparisons under way.
    tasks: TaskTracker,
    places: Arc<Semaphore>,
}

impl Decider {
    /// Bound to nothing yet.
    pub fn new(plugins: Plugins, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            plugins,
            log: Log::new(settings.keep_secrets, settings.history.clone()),
            settings,
            bindings: ArcSwap::default(),
            complaints: judge::Complaints::default(),
            tasks: TaskTracker::new(),
            places: Arc::new(Semaphore::new(MAX_BESIDE)),
        }))
    }

    /// From now on these policies decide, which were checked. `replaced`: a plugin that is
    /// another one now.
    pub(crate) fn bind(&self, policies: &[PolicySpec], replaced: Option<&Label>) {
        let before = self.0.bindings.load();
        let bindings = Bindings::new(&self.0.plugins, policies, &before, replaced);
        self.0.bindings.store(Arc::new(bindings));
    }

    /// The policies that decide now.
    pub fn bindings(&self) -> Arc<Bindings> {
        self.0.bindings.load_full()
    }

    /// Who decides on a subject now.
    pub fn deciding(&self, kind: PolicyKind, subject: &str) -> Deciding {
        self.0.bindings.load().deciding(kind, subject)
    }

    /// Asks whoever decides, and whoever is tried beside. Counted, not logged: see
    /// [`Decider::record`].
    pub async fn decide(&self, asking: Asking) -> Ruling {
        let deciding = self.deciding(asking.question.kind(), asking.question.subject());
        self.ask(deciding, asking).await
    }

    pub(crate) async fn ask(&self, deciding: Deciding, asking: Asking) -> Ruling {
        let ruling = match deciding.decides {
            Some(policy) => self.call(policy, &asking, Mode::Live).await,
            None => Self::built_in(&asking),
        };
        self.0.log.count(
            ruling.question.kind(),
            micros(ruling.took),
            ruling.error.as_ref(),
        );
        if let Some(beside) = deciding.beside {
            self.compare(beside, &asking, &ruling);
        }
        ruling
    }

    /// The host's own decision. Nobody is asked.
    fn built_in(asking: &Asking) -> Ruling {
        let answer = judge::built_in(asking);
        Ruling {
            question: asking.question.clone(),
            cause: asking.cause,
            answer: answer.map(Arc::new),
            decided_by: DecidedBy::BuiltIn,
            policy: None,
            version: String::new(),
            hash: None,
            error: None,
            refused: Vec::new(),
            tape: Tape::default(),
            took: Duration::ZERO,
        }
    }

    /// Asks one policy, and judges what it says.
    async fn call(&self, policy: Arc<Binding>, asking: &Asking, mode: Mode) -> Ruling {
        let (began, is_live) = (Instant::now(), matches!(mode, Mode::Live));
        let called = self.outcome(&policy, asking, mode);
        let (result, version, hash, tape) =
            match tokio::time::timeout(self.0.settings.answer_limit, called).await {
                Ok(called) => called,
                Err(_) => {
                    let limit = self.0.settings.answer_limit.as_millis();
                    let late = Failure::new("late", format!("no answer within {limit} ms"));
                    (Err(late), String::new(), None, Tape::default())
                }
            };
        let judged = judge::judge(result, asking);
        if let Some(failure) = &judged.error {
            let holds = is_live.then_some(judged.decided_by);
            self.0.complaints.tell(&policy, failure, holds);
        }
        Ruling {
            question: asking.question.clone(),
            cause: asking.cause,
            answer: judged.answer,
            decided_by: judged.decided_by,
            policy: Some(policy),
            version,
            hash,
            error: judged.error,
            refused: judged.refused,
            tape,
            took: began.elapsed(),
        }
    }

    async fn outcome(
        &self,
        policy: &Binding,
        asking: &Asking,
        mode: Mode,
    ) -> (Result<Answer, Failure>, String, Option<String>, Tape) {
        let plugin = self.0.plugins.get(policy.spec.plugin.as_str());
        let Some((plugin, config)) = plugin.zip(policy.config.as_ref()) else {
            let name = &policy.spec.plugin;
            let gone = format!("plugin {name} is not installed any more");
            let gone = Err(Failure::new("missing", gone));
            return (gone, String::new(), None, Tape::default());
        };
        let call = Call {
            question: &asking.question,
            config,
            library: asking.library.clone(),
            mode,
        };
        let outcome = plugin.decide(call).await;
        (
            outcome.result.map_err(Failure::from),
            outcome.version,
            outcome.hash.map(|hash| hash.to_string()),
            outcome.tape,
        )
    }

    /// Writes a decision to the log, with what it changed and what of it could not be done.
    pub fn record(&self, ruling: Ruling, changes: Vec<Change>, mut refused: Vec<String>) {
        let mut all = ruling.refused;
        all.append(&mut refused);
        self.0.log.push(Decision {
            id: 0,
            at_unix_ms: ruling.question.now_unix_ms(),
            stream: judge::subject(&ruling.question, ruling.answer.as_deref()),
            cause: ruling.cause,
            decided_by: ruling.decided_by,
            policy: ruling.policy,
            version: ruling.version,
            hash: ruling.hash,
            question: ruling.question,
            answer: ruling.answer,
            error: ruling.error,
            duration_us: micros(ruling.took),
            tape: ruling.tape,
            changes,
            refused: all,
        });
    }

    /// Which clip a channel plays next; none if its library is empty. Logged.
    pub async fn select(
        &self,
        request: SelectionRequest,
        library: Arc<dyn Library>,
    ) -> Option<Clip> {
        let ruling = self
            .decide(Asking {
                question: Arc::new(Question::Selection(request)),
                cause: Cause::Asked,
                library: Some(library),
                last_good: None,
            })
            .await;
        let clip = match ruling.answer.as_deref() {
            Some(Answer::Selection(clip)) => Some(clip.clone()),
            _ => None,
        };
        self.record(ruling, Vec::new(), Vec::new());
        clip
    }

    /// Where the pictures of a composite stand. Logged if they stand otherwise than they did, or
    /// if the policy failed.
    pub async fn arrange(&self, scene: Scene) -> Arrangement {
        let before = scene.tiles.clone();
        let asked_before = scene.since_unix_ms > 0;
        let ruling = self
            .decide(Asking {
                // What is in force stays if the policy fails.
                last_good: asked_before.then(|| {
                    Arc::new(Answer::Layout(Arrangement {
                        tiles: scene.tiles.clone(),
                        reason: "the last good arrangement".to_owned(),
                        ..Arrangement::default()
                    }))
                }),
                question: Arc::new(Question::Layout(scene)),
                cause: Cause::Asked,
                library: None,
            })
            .await;
        let arrangement = match ruling.answer.as_deref() {
            Some(Answer::Layout(arrangement)) => arrangement.clone(),
            // Judged to be of the question's kind.
            _ => Arrangement::default(),
        };
        if ruling.error.is_some() || !asked_before || arrangement.tiles != before {
            self.record(ruling, Vec::new(), Vec::new());
        }
        arrangement
    }

    /// The policies a plugin is bound by, with decisions for a new version to make again.
    pub fn bound(&self, plugin: &str) -> Vec<Bound> {
        let bindings = self.0.bindings.load();
        let bound = bindings.of_plugin(plugin);
        bound.map(|binding| self.0.log.bound(binding)).collect()
    }

    /// Logged decisions that are in memory, oldest first.
    pub fn recent(&self, filter: &Filter) -> Vec<Arc<Decision>> {
        self.0.log.recent(filter)
    }

    /// Logged decisions as lines of JSON without secrets, those of the history included.
    pub async fn find(&self, filter: &Filter) -> Found {
        self.0.log.find(filter).await
    }

    /// Counts of a kind's decisions.
    pub fn totals(&self, kind: PolicyKind) -> Totals {
        self.0.log.totals(kind)
    }

    /// How the history fares, if there is one.
    pub fn history(&self) -> Option<HistoryFigures> {
        self.0.log.history()
    }

    /// What came of trying a shadow or a canary; none of an active policy. Without secrets.
    pub fn comparison(binding: &Binding) -> Option<Comparison> {
        beside::comparison(binding)
    }

    /// Waits for comparisons under way; they are bounded by the policies' deadlines.
    pub(crate) async fn close(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
