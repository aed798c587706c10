//! Changes of the document: kept before they are made, made as a whole or not at all, and there
//! again after a restart.

use crate::bench::Bench;
use control::{Archive, ControlError, Expect, Restored, Tag};
use model::{InputSpec, OutputSpec, Site, SourceSpec};
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;

/// Keeps documents in memory, as long as it is whole.
#[derive(Default)]
struct Shelf {
    kept: Mutex<Vec<Site>>,
    broken: Mutex<Option<String>>,
}

impl Archive for Shelf {
    fn keep<'a>(
        &'a self,
        site: &'a Site,
        _log: &'a [model::audit::Entry],
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(why) = self.broken.lock().unwrap().clone() {
                return Err(why);
            }
            self.kept.lock().unwrap().push(site.clone());
            Ok(())
        })
    }
}

async fn bench() -> (Bench, Arc<Shelf>) {
    let shelf = Arc::<Shelf>::default();
    let bench = Bench::keeping(Default::default(), Some(shelf.clone())).await;
    (bench, shelf)
}

fn input(document: Value) -> InputSpec {
    serde_json::from_value(document).unwrap()
}

fn output(name: &str, port: u16) -> OutputSpec {
    let url = format!("udp://127.0.0.1:{port}");
    serde_json::from_value(json!({"name": name, "url": url})).unwrap()
}

#[tokio::test]
async fn a_change_is_kept_before_it_is_made_and_one_that_cannot_be_kept_is_not_made() {
    let (bench, shelf) = bench().await;
    let control = &bench.control;
    let declared = control.add_input(input(json!({"name": "cam", "sources": [{"type": "udp"}]})));
    let declared = declared.await.unwrap();
    let kept = shelf.kept.lock().unwrap().last().unwrap().inputs.clone();
    assert_eq!(kept, std::slice::from_ref(&declared));
    let SourceSpec::Udp { address, .. } = &declared.sources[0] else {
        panic!("a UDP source")
    };
    assert!(
        address.starts_with("127.0.0.1:50"),
        "what is kept has its port: {address}"
    );

    *shelf.broken.lock().unwrap() = Some("the disk is full".to_owned());
    let refused = control.add_input(input(json!({"name": "more"}))).await;
    assert!(
        matches!(&refused, Err(ControlError::NotKept(why)) if why == "the disk is full"),
        "{refused:?}"
    );
    assert_eq!(control.inputs(), [declared]);
    assert!(bench.view("more").await.is_none());

    *shelf.broken.lock().unwrap() = None;
    control
        .add_input(input(json!({"name": "more"})))
        .await
        .unwrap();
    bench.until("more", "come into being", |_| true).await;
    bench.stop().await;
}

#[tokio::test]
async fn only_who_saw_the_newest_state_may_change_it_if_he_asks_so() {
    let (bench, _) = bench().await;
    let control = &bench.control;
    let name: model::StreamName = "cam".parse().unwrap();
    let seen = control
        .add_input(input(json!({"name": "cam"})))
        .await
        .unwrap();
    let expect = || Expect::OneOf(vec![Tag::of(&seen)]);
    let label = |value: &'static str| {
        move |input: &mut InputSpec| {
            input.labels.insert("room".to_owned(), value.to_owned());
            Ok(())
        }
    };
    control
        .edit_input(name.clone(), expect(), label("1"))
        .await
        .unwrap();
    let late = control.edit_input(name.clone(), expect(), label("2")).await;
    assert!(
        matches!(late, Err(ControlError::ChangedMeanwhile(_))),
        "{late:?}"
    );
    let gone = control.remove_input(name.clone(), expect()).await;
    assert!(
        matches!(gone, Err(ControlError::ChangedMeanwhile(_))),
        "{gone:?}"
    );
    assert_eq!(control.input(&name).unwrap().labels["room"], "1");
    bench.stop().await;
}

#[tokio::test]
async fn many_change_at_once_and_no_change_is_lost() {
    let (bench, shelf) = bench().await;
    bench
        .control
        .add_input(input(json!({"name": "cam"})))
        .await
        .unwrap();
    let adding = (0..20).map(|number| {
        let control = bench.control.clone();
        tokio::spawn(async move {
            let output = output(&format!("out-{number}"), 9_000 + number);
            control.add_output("cam".parse().unwrap(), output).await
        })
    });
    for added in adding.collect::<Vec<_>>() {
        added.await.unwrap().unwrap();
    }
    let beyond = bench
        .control
        .add_output("cam".parse().unwrap(), output("one-more", 9_999))
        .await;
    let refused = beyond.unwrap_err().to_string();
    assert!(refused.contains("outputs_per_input"), "{refused}");
    assert_eq!(
        shelf.kept.lock().unwrap().last().unwrap().inputs[0]
            .outputs
            .len(),
        20
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_touched_and_touches_nothing() {
    let (bench, shelf) = bench().await;
    bench.apply(json!({"inputs": [{"name": "cam", "outputs": [{"name": "a", "url": "udp://127.0.0.1:9001"}]}]})).await;
    let kept = shelf.kept.lock().unwrap().len();
    let site: Site = serde_json::from_value(json!({"inputs": [{"name": "other"}]})).unwrap();
    let tried = bench
        .control
        .try_apply(site, Expect::Anything)
        .await
        .unwrap();
    let told: Vec<_> = tried.touched.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["- input cam", "+ input other"]);
    assert_eq!(shelf.kept.lock().unwrap().len(), kept);
    assert!(bench.view("cam").await.is_some());
    bench.stop().await;
}

#[tokio::test]
async fn a_host_comes_back_with_what_was_left_and_what_its_file_says_anew() {
    let (bench, shelf) = bench().await;
    let site = |document: Value| serde_json::from_value::<Site>(document).unwrap();
    let restored = Restored {
        base: site(json!({"inputs": [{"name": "file", "labels": {"was": "so"}}]})),
        file: site(json!({"inputs": [{"name": "file", "labels": {"is": "so"}}]})),
        kept: site(json!({"inputs": [
            {"name": "file", "labels": {"was": "so"}, "outputs": [{"name": "added", "url": "udp://127.0.0.1:9001"}]},
            {"name": "added", "sources": [{"type": "udp", "address": "127.0.0.1:5042"}]},
        ]})),
    };
    let restoration = bench.control.restore(restored).await.unwrap();
    assert_eq!(restoration.left_out, []);
    let inputs = bench.control.inputs();
    assert_eq!(inputs[0].labels.keys().collect::<Vec<_>>(), ["is"]);
    assert_eq!(inputs[0].outputs[0].name.as_str(), "added");
    assert_eq!(inputs[1].name.as_str(), "added");
    assert_eq!(shelf.kept.lock().unwrap().last().unwrap().inputs, inputs);
    bench.stop().await;
}

#[tokio::test]
async fn what_the_file_stands_against_is_left_out_and_stays_in_the_archive() {
    let (bench, shelf) = bench().await;
    let site = |document: Value| serde_json::from_value::<Site>(document).unwrap();
    let at = |name: &str| json!({"name": name, "sources": [{"type": "udp", "address": "127.0.0.1:5042"}]});
    let restored = Restored {
        base: Site::default(),
        file: site(json!({"inputs": [at("file")]})),
        kept: site(json!({"inputs": [at("added"), {"name": "other"}],
            "policies": [{"kind": "routing", "plugin": "gone"}]})),
    };
    let restoration = bench.control.restore(restored.clone()).await.unwrap();
    let items: Vec<_> = restoration
        .left_out
        .iter()
        .map(|fault| fault.item.as_str())
        .collect();
    assert_eq!(items, ["input added", "policy routing for *"]);
    let names: Vec<_> = bench
        .control
        .inputs()
        .into_iter()
        .map(|it| it.name.to_string())
        .collect();
    assert_eq!(names, ["file", "other"]);
    assert!(
        shelf.kept.lock().unwrap().is_empty(),
        "what was kept is not overwritten"
    );

    // An output that clashes with one of the file, in an input of the file: the file alone holds.
    let listens = |name: &str| json!({"name": name, "url": "srt://127.0.0.1:5043?mode=listener"});
    let crowded = Restored {
        base: site(json!({"inputs": [{"name": "file"}]})),
        file: site(json!({"inputs": [{"name": "file", "outputs": [listens("mine")]}]})),
        kept: site(json!({"inputs": [{"name": "file", "outputs": [listens("added")]}]})),
    };
    let restoration = bench.control.restore(crowded.clone()).await.unwrap();
    assert_eq!(restoration.left_out.len(), 1, "{restoration:?}");
    assert_eq!(*bench.control.site(), crowded.file);
    assert!(shelf.kept.lock().unwrap().is_empty());

    let faulty = Restored {
        file: site(json!({"inputs": [at("a"), at("b")]})),
        ..restored
    };
    let refused = bench.control.restore(faulty).await;
    assert!(
        matches!(refused, Err(ControlError::Invalid(_))),
        "{refused:?}"
    );
    bench.stop().await;
}
