//! Who vouches for a component, and the steps on its way.

use crate::common::{fanout, open, plane, plane_with, variant};
use plugin::folder::{FolderEvent, watch};
use plugin::{Change, InstallError, Installed, Origin, Plugins, Step, signature};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

async fn install(
    plugins: &Plugins,
    bytes: &Arc<[u8]>,
    origin: Origin,
) -> Result<Installed, InstallError> {
    plugins
        .install(&"p".parse().unwrap(), Arc::clone(bytes), &origin, &[])
        .await
}

fn announced(sha256: &str) -> Origin {
    Origin {
        sha256: Some(sha256.to_owned()),
        signature: None,
    }
}

fn signed(signature: &str) -> Origin {
    Origin {
        sha256: None,
        signature: Some(signature.to_owned()),
    }
}

fn told(changes: &mut tokio::sync::broadcast::Receiver<Change>) -> Vec<Change> {
    std::iter::from_fn(|| changes.try_recv().ok()).collect()
}

#[tokio::test]
async fn other_bytes_than_announced_are_refused() {
    let (plugins, _dir) = plane().await;
    let bytes = fanout().await;
    let hash = plugin::Hash::of(&bytes);
    let refused = install(&plugins, &bytes, announced(&"0".repeat(64)))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "sha256-mismatch");
    assert!(refused.to_string().contains(hash.as_str()), "{refused}");
    install(&plugins, &bytes, announced(&hash.as_str().to_uppercase()))
        .await
        .unwrap();
}

#[tokio::test]
async fn once_a_key_is_trusted_only_what_it_signed_is_taken() {
    let (ours, theirs) = (
        signature::generate(None).unwrap(),
        signature::generate(None).unwrap(),
    );
    let trust = |settings: &mut plugin::Settings| settings.trusted_keys = vec![ours.public.clone()];
    let (plugins, dir) = plane_with(trust).await;
    let bytes = fanout().await;
    let unsigned = install(&plugins, &bytes, Origin::default())
        .await
        .unwrap_err();
    assert_eq!(unsigned.code(), "unsigned");
    let by_them = signature::sign(&theirs.secret, None, &bytes, "").unwrap();
    let of_other_bytes = signature::sign(&ours.secret, None, b"other", "").unwrap();
    for bad in [
        by_them.as_str(),
        of_other_bytes.as_str(),
        "no signature at all",
    ] {
        let refused = install(&plugins, &bytes, signed(bad)).await.unwrap_err();
        assert_eq!(refused.code(), "bad-signature", "{bad}");
    }
    let good = signature::sign(&ours.secret, None, &bytes, "fanout by us").unwrap();
    install(&plugins, &bytes, signed(&good)).await.unwrap();
    let version = plugins.list()[0].versions[0].clone();
    assert_eq!(version.signed.as_deref(), Some("fanout by us"));
    drop(plugins);

    // The signature is kept with it, so it comes up again; and not under other keys.
    assert!(open(&dir, trust).await.get("p").is_some());
    let mut settings = plugin::Settings::new(dir.path(), plugin::Compiler::InProcess);
    settings.trusted_keys = vec![theirs.public.clone()];
    let (_, failed) = Plugins::open(settings).await.unwrap();
    assert_eq!(failed[0].1.code(), "bad-signature");
}

#[tokio::test]
async fn a_trusted_key_that_is_none_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = plugin::Settings::new(dir.path(), plugin::Compiler::InProcess);
    settings.trusted_keys = vec!["my key".to_owned()];
    let error = Plugins::open(settings).await.err().unwrap().to_string();
    assert!(
        error.contains("my key") && error.contains("56 characters"),
        "{error}"
    );
}

#[tokio::test]
async fn every_step_of_an_installation_is_told_in_order() {
    let (plugins, _dir) = plane().await;
    let mut changes = plugins.subscribe();
    let bytes = fanout().await;
    let installed = install(&plugins, &bytes, Origin::default()).await.unwrap();
    let name = installed.name.clone();
    let steps = [
        Step::Verifying,
        Step::Compiling,
        Step::Inspecting,
        Step::Trying,
        Step::Validating,
        Step::Replaying,
        Step::Activating,
    ];
    let mut expected: Vec<_> = steps
        .map(|step| Change::Step {
            name: name.clone(),
            step,
        })
        .into();
    expected.push(Change::Activated {
        name: name.clone(),
        hash: installed.hash,
    });
    assert_eq!(told(&mut changes), expected);
    assert_eq!(plugins.installing(), []);
}

#[tokio::test]
async fn a_refusal_is_told_with_its_cause_at_the_step_where_it_failed() {
    let (plugins, _dir) = plane().await;
    let mut changes = plugins.subscribe();
    let bytes: Arc<[u8]> = b"GIF89a".as_slice().into();
    let refused = install(&plugins, &bytes, Origin::default())
        .await
        .unwrap_err();
    let name: model::Label = "p".parse().unwrap();
    let expected = [
        Change::Step {
            name: name.clone(),
            step: Step::Verifying,
        },
        Change::Refused {
            name,
            code: "not-a-component",
            error: refused.to_string(),
        },
    ];
    assert_eq!(told(&mut changes), expected);
    assert_eq!(plugins.installing(), []);
}

#[tokio::test]
async fn the_folder_takes_a_signature_from_beside_the_component() {
    let keys = signature::generate(None).unwrap();
    let (plugins, _dir) =
        plane_with(|settings| settings.trusted_keys = vec![keys.public.clone()]).await;
    let folder = tempfile::tempdir().unwrap();
    let bytes = fanout().await;
    std::fs::write(folder.path().join("p.wasm"), &bytes).unwrap();
    let (sender, mut events) = mpsc::channel(16);
    let cancel = CancellationToken::new();
    let watching = watch(
        plugins.clone(),
        folder.path().to_owned(),
        |_: &str| Vec::new(),
        sender,
        cancel.clone(),
    );
    let watching = tokio::spawn(watching);
    let mut next = async || {
        tokio::time::timeout(Duration::from_secs(60), events.recv())
            .await
            .unwrap()
    };
    let Some(FolderEvent::Refused { error, .. }) = next().await else {
        panic!("taken unsigned")
    };
    assert_eq!(error.code(), "unsigned");
    // The signature alone comes later: that is reason enough to look again.
    let signature = signature::sign(&keys.secret, None, &bytes, "").unwrap();
    std::fs::write(folder.path().join("p.wasm.minisig"), signature).unwrap();
    assert!(matches!(next().await, Some(FolderEvent::Installed(_))));
    std::fs::write(folder.path().join("p.wasm"), variant(&bytes, 1)).unwrap();
    let Some(FolderEvent::Refused { error, .. }) = next().await else {
        panic!("taken with another's signature")
    };
    assert_eq!(error.code(), "bad-signature");
    cancel.cancel();
    watching.await.unwrap();
}
