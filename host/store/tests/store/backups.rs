//! A copy that is made while a host writes, and the way back.

use crate::scene::{Scene, entry, label, line, wanted};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use store::{backup, restore};

#[tokio::test]
async fn a_copy_made_while_a_host_writes_comes_back_whole() {
    let scene = Scene::sqlite();
    let open = scene.open().await;
    open.store.keep_wanted(&wanted("1"), &[]).await.unwrap();
    open.store.put_kv(&label("p"), "k", entry("v", 1));
    open.store.keep(line(1));
    open.written(1).await;
    let copy = scene.file().with_extension("copy");
    let busy = async {
        for n in 0..200 {
            open.store
                .keep_wanted(&wanted(&format!("later {n}")), &[])
                .await
                .unwrap();
        }
    };
    let (made, ()) = tokio::join!(backup(&scene.place, &copy, false), busy);
    made.unwrap();
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "secrets are in it");
    let refused = backup(&scene.place, &copy, false).await.unwrap_err();
    assert!(refused.to_string().contains("--force"), "{refused}");
    open.close().await;

    fs::remove_file(scene.file()).unwrap();
    restore(&copy, &scene.place).await.unwrap();
    let again = scene.open().await;
    let document = again.store.wanted().await.unwrap().unwrap().document;
    assert!(
        document == "1" || document.starts_with("later"),
        "{document}"
    );
    assert_eq!(again.store.kv(&label("p")).len(), 1);
    assert_eq!(again.store.next_decision_id(), 2);
    // Over one that is there.
    again.store.keep_wanted(&wanted("new"), &[]).await.unwrap();
    backup(&scene.place, &copy, true).await.unwrap();
    again
        .store
        .keep_wanted(&wanted("newer"), &[])
        .await
        .unwrap();
    again.close().await;
    restore(&copy, &scene.place).await.unwrap();
    let last = scene.open().await;
    assert_eq!(last.store.wanted().await.unwrap(), Some(wanted("new")));
    last.close().await;
    assert!(scene.file().with_extension("db.old").exists());
}

#[tokio::test]
async fn what_is_no_copy_is_not_taken_back() {
    let scene = Scene::sqlite();
    let open = scene.open().await;
    open.store.keep_wanted(&wanted("1"), &[]).await.unwrap();
    open.close().await;
    let other = scene.file().with_extension("other");
    fs::write(&other, "a letter").unwrap();
    let whole = fs::read(scene.file()).unwrap();
    let half = scene.file().with_extension("half");
    fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    for bad in [other, half, scene.file().with_extension("none")] {
        assert!(restore(&bad, &scene.place).await.is_err(), "{bad:?}");
    }
    let again = scene.open().await;
    assert_eq!(again.store.wanted().await.unwrap(), Some(wanted("1")));
    again.close().await;
}

#[tokio::test]
async fn a_server_has_its_own_tools() {
    let scene = Scene::postgres();
    let to = std::env::temp_dir().join("pointsman-never-made");
    let told = backup(&scene.place, &to, false).await.unwrap_err();
    assert!(told.to_string().contains("pg_dump"), "{told}");
    assert!(!to.exists());
}
