//! Components on their author's desk: fixtures and replays, through the real engine.

use crate::forge::{Misfit, asks};
use model::{Answer, Question};
use plugin::routing::sample_state;
use plugin::{Desk, Fixture, Tape};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn desk(misfit: Misfit<'_>, counts_fuel: bool) -> (Desk, TempDir) {
    desk_of(misfit.forge(), counts_fuel).await
}

async fn desk_of(component: Vec<u8>, counts_fuel: bool) -> (Desk, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("misfit.wasm");
    std::fs::write(&file, component).unwrap();
    (Desk::open(&file, counts_fuel).await.unwrap(), folder)
}

fn fixture(expect: Value) -> Fixture {
    let question = json!({ "kind": "routing", "input": { "stream": "live/a" } });
    Fixture::parse(&json!({ "question": question, "expect": expect }).to_string()).unwrap()
}

#[tokio::test]
async fn a_fixture_is_judged_by_what_the_component_answers() {
    let (desk, _folder) = desk(Misfit::default(), false).await;
    let right = fixture(json!({ "output": {} }));
    let outcome = desk.ask(&right).await.unwrap();
    assert_eq!(right.judge(&outcome.result), [""; 0]);
    assert_eq!((outcome.fuel, outcome.memory_bytes), (None, 2 * 65_536));
    let wrong = fixture(json!({ "output": { "on_air": "main" } }));
    let told = wrong.judge(&outcome.result);
    assert_eq!(told, [r#"on_air: expected "main", got null"#]);
    let config = json!({ "question": { "kind": "auth", "input": {} }, "expect": { "output": {} } });
    let other = Fixture::parse(&config.to_string()).unwrap();
    let told = other.judge(&desk.ask(&other).await.unwrap().result);
    assert!(told[0].contains("no auth policy"), "{told:?}");
}

#[tokio::test]
async fn instructions_are_counted_where_it_is_asked_for() {
    let (plain, _folder) = desk(Misfit::default(), true).await;
    let longer = "(loop $on
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 10000))))";
    let (longer, _folder) = desk(
        Misfit {
            route: longer,
            ..Misfit::default()
        },
        true,
    )
    .await;
    let fixture = fixture(json!({ "output": {} }));
    let mut fuel = Vec::new();
    for desk in [&plain, &longer, &longer] {
        fuel.push(desk.ask(&fixture).await.unwrap().fuel.unwrap());
    }
    assert!(fuel[0] > 0 && fuel[1] > fuel[0] + 10_000, "{fuel:?}");
    assert_eq!(fuel[1], fuel[2]);
}

#[tokio::test]
async fn a_logged_decision_is_made_again_by_its_tape() {
    let (desk, _folder) = desk(Misfit::default(), false).await;
    let config = desk.config("the log", &json!({})).unwrap();
    let question = Question::Routing(sample_state());
    let tape = Tape {
        seed: 7,
        ..Tape::default()
    };
    let outcome = desk.replay(&question, &config, tape).await;
    assert_eq!(
        outcome.result.unwrap(),
        Answer::Routing(model::routing::Plan::default())
    );
    assert_eq!(outcome.tape.seed, 7);
}

#[tokio::test]
async fn a_fixture_answers_the_requests_that_it_lists_and_no_other() {
    let (desk, _folder) = desk_of(asks("http://hook/"), false).await;
    let with = |http: Value| {
        let question = json!({ "kind": "routing", "input": {} });
        let fixture = json!({ "question": question, "http": http, "expect": { "output": {} } });
        Fixture::parse(&fixture.to_string()).unwrap()
    };
    for denied in [json!(null), json!([{ "url": "http://other/" }])] {
        let fixture = with(denied);
        let outcome = desk.ask(&fixture).await.unwrap();
        assert_eq!(fixture.judge(&outcome.result), [""; 0]);
    }
    let answered = with(json!([{ "url": "http://hook/", "status": 204 }]));
    let told = answered.judge(&desk.ask(&answered).await.unwrap().result);
    assert!(told[0].contains("trapped"), "{told:?}");
}
