//! What is secret of a webhook.

use super::MASK;
use control::desired::{Fault, Faults};
use model::WebhookSpec;
use url::Url;

/// Puts `***` in place of every secret.
pub(crate) fn hide_hook_secrets(spec: &mut WebhookSpec) {
    spec.url = shown(&spec.url);
    if let Some(secret) = &mut spec.secret {
        MASK.clone_into(secret);
    }
}

/// Undoes [`hide_hook_secrets`] in what a client sends back of `before`.
///
/// # Errors
/// A masked secret where there was none.
pub(crate) fn keep_hook_secrets(
    spec: &mut WebhookSpec,
    before: Option<&WebhookSpec>,
) -> Result<(), Faults> {
    let mut faults = Vec::new();
    let mut fault = |field: &str| {
        faults.push(Fault {
            item: format!("webhook {}", spec.name),
            field: field.to_owned(),
            problem: format!("{MASK} stands for a secret that is not known; write it out"),
        });
    };
    if spec.secret.as_deref() == Some(MASK) {
        match before.and_then(|before| before.secret.clone()) {
            Some(secret) => spec.secret = Some(secret),
            None => fault("secret"),
        }
    }
    if spec.url.contains(MASK) {
        match before.filter(|before| shown(&before.url) == spec.url) {
            Some(before) => spec.url.clone_from(&before.url),
            None => fault("url"),
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Faults(faults)),
    }
}

/// Scheme and host: in the address of a webhook everything behind them may be its secret.
fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if url.path() == "/" && url.query().is_none() => url.to_string(),
        Ok(url) => format!("{}/{MASK}", url.origin().ascii_serialization()),
        Err(_) => MASK.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_masked_and_come_back_whole_and_only_to_where_they_belong() {
        let json = r#"{"name":"a","url":"https://h:1/hooks/hunter2?k=hunter2","secret":"hunter2hunter2hunter2"}"#;
        let whole: WebhookSpec = serde_json::from_str(json).unwrap();
        let mut sent = whole.clone();
        hide_hook_secrets(&mut sent);
        assert_eq!(
            (&*sent.url, sent.secret.as_deref()),
            ("https://h:1/***", Some("***"))
        );
        let mut moved = WebhookSpec {
            url: "https://evil/***".to_owned(),
            ..sent.clone()
        };
        keep_hook_secrets(&mut sent, Some(&whole)).unwrap();
        assert_eq!(sent, whole);
        let Faults(faults) = keep_hook_secrets(&mut moved, Some(&whole)).unwrap_err();
        assert_eq!(faults[0].field, "url");
        assert!(keep_hook_secrets(&mut moved, None).is_err());
    }
}
