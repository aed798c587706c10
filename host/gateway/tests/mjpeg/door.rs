//! Who may publish and watch, and for how long.

use crate::support::{Host, next_picture, pictures, until};
use hub::Doorman;
use hub::doorman::Verdict;
use model::{Admission, Ask, Intent, Refusal};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// Lets those in who show `good`; those of `brief` for a moment.
#[derive(Default)]
struct Guard(Mutex<Vec<(Intent, String)>>);

impl Guard {
    async fn judge(&self, ask: &Ask) -> Result<Admission, Refusal> {
        self.0.lock().push((ask.intent, ask.stream.to_string()));
        let brief = ask.stream.as_str() == "brief";
        match ask.token.as_deref() {
            Some("good") => Ok(Admission {
                max_duration: brief.then_some(Duration::from_millis(300)),
                ..Admission::default()
            }),
            Some(_) => Err(Refusal::Forbidden),
            None => Err(Refusal::Unauthorized),
        }
    }
}

impl Doorman for Guard {
    fn admit<'a>(&'a self, ask: &'a Ask) -> Verdict<'a> {
        Verdict::Asked(Box::pin(self.judge(ask)))
    }
}

async fn guarded() -> (Host, Arc<Guard>) {
    let (host, guard) = (Host::start().await, Arc::new(Guard::default()));
    host.context.registry().appoint(guard.clone());
    (host, guard)
}

#[tokio::test]
async fn a_publisher_is_asked_about_once_and_a_wrong_token_makes_no_stream() {
    let ((host, guard), picture) = (guarded().await, pictures("64x48", 1).await);
    let answer = host.post("cam", &picture[0]).await;
    assert_eq!(answer.status, 401);
    assert!(
        answer.head.contains("www-authenticate: basic"),
        "{}",
        answer.head
    );
    assert_eq!(host.post("cam?token=bad", &picture[0]).await.status, 403);
    assert!(host.context.registry().list().is_empty());
    guard.0.lock().clear();
    for _ in 0..5 {
        assert_eq!(host.post("cam?token=good", &picture[0]).await.status, 200);
    }
    assert_eq!(*guard.0.lock(), [(Intent::Publish, "cam".to_owned())]);
    assert_eq!(host.get("/stream/cam").await.status, 401);
    let (head, mut viewer) = host.open("cam?token=good").await;
    assert!(head.contains(" 200 "), "{head}");
    next_picture(&mut viewer, true).await;
}

#[tokio::test]
async fn who_was_let_in_for_a_while_is_cut_off() {
    let ((host, _guard), picture) = (guarded().await, pictures("64x48", 1).await);
    let name = "brief".parse().unwrap();
    assert_eq!(host.post("brief?token=good", &picture[0]).await.status, 200);
    let (_, mut viewer) = host.open("brief?token=good").await;
    next_picture(&mut viewer, true).await;
    until("the publisher goes", || {
        host.service.publisher(&name).is_none()
    })
    .await;
    until("the viewer goes", || host.viewers("brief") == 0).await;
}
