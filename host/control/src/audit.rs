//! What the log of changes says of a change of the document: a line for each item it touches.

use crate::access::line;
use crate::desired::{How, Touched};
use crate::log::secrets::hide_value;
use model::Who;
use model::audit::{Entry, MAX_SIDE_BYTES};
use serde_json::{Value, json};

/// Lines that one change writes; what is beyond is counted in one more.
const MAX_LINES: usize = 500;

/// The lines.
pub(crate) fn lines(who: &Who, touched: &[Touched]) -> Vec<Entry> {
    let told = touched.iter().take(MAX_LINES);
    let mut lines: Vec<_> = told.map(|item| of(who, item)).collect();
    let untold = touched.len().saturating_sub(MAX_LINES);
    if untold > 0 {
        let mut more = line(who, "changed", "document");
        more.after = Some(json!({ "further_items": untold }));
        lines.push(more);
    }
    lines
}

fn of(who: &Who, touched: &Touched) -> Entry {
    let action = match touched.change {
        How::Added => "added",
        How::Changed => "changed",
        How::Removed => "removed",
    };
    let mut entry = line(who, action, touched.item.clone());
    entry.before = touched.before.clone().map(shown);
    entry.after = touched.after.clone().map(shown);
    entry
}

/// Without secrets, and no longer than is kept.
fn shown(mut side: Value) -> Value {
    // All of what an auth policy is told may be secret.
    if side["kind"] == "auth" {
        side["config"] = "***".into();
    }
    hide_value(&mut side);
    let bytes = side.to_string().len();
    match bytes <= MAX_SIDE_BYTES {
        true => side,
        false => json!({ "too_long_to_keep": true, "bytes": bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::compare;
    use model::Site;

    #[test]
    fn both_sides_are_told_and_no_secret_is() {
        let site = |document: Value| serde_json::from_value::<Site>(document).unwrap();
        let output = |key: &str| json!({"name": "x", "url": format!("srt://h:1?passphrase={key}")});
        let before = site(
            json!({"inputs": [{"name": "a", "outputs": [output("hunter2hunter2")]}],
            "policies": [{"kind": "auth", "plugin": "keys", "config": {"rules": ["hunter3"]}}]}),
        );
        let after = site(json!({"inputs": [{"name": "a", "outputs": [output("hunter4hunter4")]}]}));
        let lines = lines(&Who::local(), &compare(&before, &after));
        let told: Vec<_> = lines
            .iter()
            .map(|it| (it.action.as_str(), it.item.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("removed", "policy auth for *"),
                ("changed", "input a output x")
            ]
        );
        assert_eq!(
            lines[1].before.as_ref().unwrap()["url"],
            "srt://h:1?passphrase=***"
        );
        let text = serde_json::to_string(&lines).unwrap();
        assert!(!text.contains("hunter"), "{text}");
    }

    #[test]
    fn a_huge_change_is_told_in_bounds() {
        let inputs: Vec<_> = (0..600)
            .map(|at| json!({"name": format!("i{at}"), "labels": {"l": "x".repeat(20_000)}}))
            .collect();
        let site = serde_json::from_value::<Site>(json!({ "inputs": inputs })).unwrap();
        let lines = lines(&Who::local(), &compare(&Site::default(), &site));
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines[0].after.as_ref().unwrap()["too_long_to_keep"], true);
        assert_eq!(
            lines[MAX_LINES].after.as_ref().unwrap()["further_items"],
            100
        );
    }
}
