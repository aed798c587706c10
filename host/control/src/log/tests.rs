use super::*;
use crate::decide::Bindings;
use model::auth::{AuthAction, AuthRequest, Verdict};
use model::history::{Line, Query};
use model::routing::{OutputState, Plan, PlannedOutput, RoutingState};
use serde_json::json;
use std::pin::Pin;

fn decision(question: Question, answer: Answer) -> Decision {
    Decision {
        id: 0,
        at_unix_ms: 1,
        stream: question.subject().to_owned(),
        cause: Cause::Tick,
        decided_by: DecidedBy::BuiltIn,
        policy: None,
        version: String::new(),
        hash: None,
        question: Arc::new(question),
        answer: Some(Arc::new(answer)),
        error: None,
        duration_us: 0,
        tape: Tape::default(),
        changes: vec![],
        refused: vec![],
    }
}

fn routing(stream: &str, failed: bool) -> Decision {
    let state = RoutingState {
        stream: stream.into(),
        ..RoutingState::default()
    };
    let error = failed.then(|| Failure::new("trap", "boom"));
    let plain = decision(Question::Routing(state), Answer::Routing(Plan::default()));
    Decision { error, ..plain }
}

fn auth(request: AuthRequest, verdict: Verdict) -> Decision {
    decision(Question::Auth(request), Answer::Auth(verdict))
}

fn request(stream: &str) -> AuthRequest {
    AuthRequest {
        action: AuthAction::Publish,
        protocol: "srt".into(),
        stream: stream.into(),
        peer_ip: [127, 0, 0, 1].into(),
        peer_port: 1,
        user: Some("joe".into()),
        token: Some("hunter2".into()),
        query: vec![
            ("x".into(), "hunter2".into()),
            ("apiKey".into(), "swordfish".into()),
            ("quality".into(), "high".into()),
        ],
        now_unix_ms: 1,
        renewal: false,
        attributes: Default::default(),
    }
}

fn log() -> Log {
    Log::new(false, None)
}

fn ids(log: &Log, filter: Filter) -> Vec<u64> {
    log.recent(&filter).iter().map(|it| it.id).collect()
}

#[test]
fn the_ring_forgets_the_oldest_of_its_kind_only() {
    let log = log();
    log.push(auth(request("a"), Verdict::deny("")));
    for _ in 0..ring::MAX_DECISIONS + 5 {
        log.push(routing("a", false));
    }
    let last = Filter {
        limit: Some(2),
        ..Filter::default()
    };
    assert_eq!(ids(&log, last), [1005, 1006]);
    assert_eq!(ids(&log, Filter::default())[..2], [1, 7]);
    assert_eq!(log.totals(PolicyKind::Routing).logged, 1005);
}

#[test]
fn large_questions_are_bounded_in_bytes() {
    let log = log();
    for _ in 0..20 {
        let plan = Plan {
            reason: "x".repeat(1 << 20),
            ..Plan::default()
        };
        let large = Decision {
            answer: Some(Arc::new(Answer::Routing(plan))),
            ..routing("a", false)
        };
        log.push(large);
    }
    let kept = ids(&log, Filter::default());
    assert!((7..9).contains(&kept.len()), "{kept:?}");
}

#[test]
fn decisions_are_found_by_kind_stream_failure_and_place() {
    let log = log();
    log.push(routing("a", false));
    log.push(routing("b", false));
    log.push(routing("a", true));
    log.push(auth(request("a"), Verdict::allow("")));
    let all = Filter::default;
    let stream = Some("a".to_owned());
    let kind = Some(PolicyKind::Auth);
    let cases = [
        (Filter { stream, ..all() }, vec![1, 3, 4]),
        (Filter { kind, ..all() }, vec![4]),
        (
            Filter {
                failed: true,
                ..all()
            },
            vec![3],
        ),
        (
            Filter {
                after: Some(2),
                ..all()
            },
            vec![3, 4],
        ),
        (
            Filter {
                after: Some(1),
                limit: Some(1),
                ..all()
            },
            vec![2],
        ),
        (
            Filter {
                limit: Some(1),
                ..all()
            },
            vec![4],
        ),
        (
            Filter {
                plugin: Some("x".parse().unwrap()),
                ..all()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&log, filter.clone()), expected, "{filter:?}");
    }
}

#[test]
fn secrets_leave_the_process_only_if_the_operator_says_so() {
    let secret = "srt://h:1?passphrase=hunter2hunter2";
    let mut routed = routing("a", false);
    let state = RoutingState {
        outputs: vec![OutputState {
            url: secret.into(),
            ..OutputState::default()
        }],
        ..RoutingState::default()
    };
    let plan = Plan {
        outputs: vec![PlannedOutput {
            url: Some(secret.into()),
            params: [("passphrase".to_owned(), "hunter2hunter2".to_owned())].into(),
            ..PlannedOutput::default()
        }],
        ..Plan::default()
    };
    routed.question = Arc::new(Question::Routing(state));
    routed.answer = Some(Arc::new(Answer::Routing(plan)));
    let verdict = Verdict {
        stream: Some("live/cam1".into()),
        ..Verdict::allow("")
    };
    let by_key = auth(request("hunter2"), verdict);
    for decision in [routed, by_key] {
        let shown = decision.json(false);
        assert!(
            !shown.contains("hunter2") && !shown.contains("swordfish"),
            "{shown}"
        );
        assert!(decision.json(true).contains("hunter2"));
        serde_json::from_str::<serde_json::Value>(&shown).unwrap();
    }
    let shown = auth(request("a"), Verdict::deny("")).json(false);
    let told: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let input = &told["question"]["input"];
    assert_eq!(input["token"], "sha256:f52fbd32");
    assert_eq!(input["query"][0][1], input["token"]);
    assert_eq!(input["query"][2][1], "high");
    assert_eq!(
        (&input["user"], &input["stream"]),
        (&json!("joe"), &json!("a"))
    );
}

#[test]
fn configurations_lose_passwords_and_those_of_auth_all() {
    let config = json!({"webhook": {"api_token": "hunter2", "n": 1},
        "rules": [{"url": "srt://h:1?passphrase=hunter2hunter2"}]});
    let hidden = secrets::hide_config(PolicyKind::Routing, &config);
    assert!(!hidden.to_string().contains("hunter2"), "{hidden}");
    assert_eq!(hidden["webhook"]["n"], 1);
    assert_eq!(secrets::hide_config(PolicyKind::Auth, &config), json!(null));
}

#[tokio::test]
async fn what_memory_let_go_comes_from_the_history_without_gap_or_repetition() {
    let history = Arc::new(Memory::default());
    let log = Log::new(false, Some(history.clone()));
    for n in 0..1_200 {
        let stream = if n % 2 == 0 { "a" } else { "b" };
        log.push(routing(stream, false));
        log.push(auth(request("a"), Verdict::deny("")));
    }
    let find = async |filter: Filter| {
        let found = log.find(&filter).await;
        assert_eq!(found.history_error, None);
        let id = |line: &String| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["id"].as_u64().unwrap()
        };
        found.lines.iter().map(id).collect::<Vec<_>>()
    };
    let all: Vec<u64> = (101..=2_500).collect();
    assert_eq!(find(Filter::default()).await, all);
    let page = Filter {
        after: Some(390),
        limit: Some(30),
        ..Filter::default()
    };
    assert_eq!(find(page).await, (391..=420).collect::<Vec<_>>());
    let newest = Filter {
        limit: Some(2_100),
        ..Filter::default()
    };
    assert_eq!(find(newest).await, (401..=2_500).collect::<Vec<_>>());
    let of_b = Filter {
        stream: Some("b".into()),
        ..Filter::default()
    };
    assert_eq!(find(of_b).await.len(), 600);
    let asked = history.asked.load(Ordering::Relaxed);
    let recent = Filter {
        limit: Some(10),
        ..Filter::default()
    };
    assert_eq!(find(recent).await, (2_491..=2_500).collect::<Vec<_>>());
    assert_eq!(
        history.asked.load(Ordering::Relaxed),
        asked,
        "not asked for these"
    );
}

/// A history that is a list.
#[derive(Default)]
struct Memory {
    lines: Mutex<Vec<(Query, u64, String)>>,
    asked: AtomicU64,
}

impl History for Memory {
    fn next_id(&self) -> u64 {
        101
    }

    fn keep(&self, line: Line) {
        let about = Query {
            stream: Some(line.stream),
            ..Query::default()
        };
        self.lines.lock().push((about, line.id, (line.json)()));
    }

    fn find(
        &self,
        query: Query,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send + '_>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let lines = self.lines.lock();
        let fits = |(about, id, _): &&(Query, u64, String)| {
            query.before.is_none_or(|before| *id < before)
                && query.after.is_none_or(|after| *id > after)
                && (query.stream.is_none() || query.stream == about.stream)
        };
        let mut found: Vec<_> = lines.iter().filter(fits).map(|it| it.2.clone()).collect();
        match query.after {
            Some(_) => found.truncate(query.limit),
            None => drop(found.drain(..found.len().saturating_sub(query.limit))),
        }
        Box::pin(std::future::ready(Ok(found)))
    }

    fn figures(&self) -> Figures {
        Figures::default()
    }
}

#[test]
fn only_what_a_plugin_itself_decided_under_this_configuration_is_made_again() {
    let bind = |config: serde_json::Value| {
        let spec = json!([{"kind": "routing", "plugin": "p", "config": config}]);
        let specs: Vec<model::PolicySpec> = serde_json::from_value(spec).unwrap();
        Bindings::unchecked(&specs).list()[0].clone()
    };
    let (now, before) = (bind(json!({"a": 1})), bind(json!({"a": 2})));
    let log = log();
    let by = |policy: &Arc<Binding>, decided_by: DecidedBy| Decision {
        policy: Some(policy.clone()),
        decided_by,
        ..routing("a", false)
    };
    log.push(by(&now, DecidedBy::Plugin));
    log.push(by(&before, DecidedBy::Plugin));
    log.push(by(&now, DecidedBy::LastGood));
    log.push(by(&now, DecidedBy::Plugin));
    let bound = log.bound(&now);
    let ids: Vec<_> = bound.recorded.iter().map(|it| it.id).collect();
    assert_eq!(
        (bound.what.as_str(), ids),
        ("policy routing for *", vec![1, 4])
    );
    let many = Arc::clone(&now);
    for _ in 0..100 {
        log.push(by(&many, DecidedBy::Plugin));
    }
    assert_eq!(log.bound(&now).recorded.len(), REPLAYED);
}
