//! What went wrong of late, grouped: an operator wants to see ten things that are wrong, not a
//! thousand lines of one of them.

use model::endpoint::redact;
use model::{StreamName, Who};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::BTreeMap;

/// Groups that are kept; of more, the one not seen for longest goes.
const MAX_GROUPS: usize = 256;

/// Characters of a message that are kept.
const MAX_MESSAGE: usize = 600;

/// Characters of what names the place that are kept.
const MAX_PLACE: usize = 256;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// Something works less well than it should, or was turned away.
    Warning,
    /// Something does not work.
    Error,
}

/// One thing that went wrong, as it is told.
#[derive(Debug, Clone)]
pub struct Report {
    /// How bad it is.
    pub gravity: Gravity,
    /// What kind it is: the same for all that shall be one group.
    pub code: String,
    /// The place in the program that tells, where the code alone does not tell kinds apart.
    pub line: Option<u32>,
    /// The stream it is about.
    pub stream: Option<String>,
    /// What of the stream or host: an output, a source, a plugin.
    pub item: Option<String>,
    /// What happened, and what to do about it.
    pub message: String,
}

/// All that is wrong in the same way and place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// How bad the worst of it was.
    pub gravity: Gravity,
    /// What kind it is.
    pub code: String,
    /// The stream it is about.
    pub stream: Option<String>,
    /// What of the stream or host.
    pub item: Option<String>,
    /// The last one's words: what happened, and what to do about it. Secrets are replaced.
    pub message: String,
    /// How many.
    pub count: u64,
    /// Unix milliseconds.
    pub first_seen_unix_ms: u64,
    /// Unix milliseconds.
    pub last_seen_unix_ms: u64,
}

type Key = (String, Option<u32>, Option<String>, Option<String>);

/// What went wrong of late. It is told by the log's own lines, so it must not log.
#[derive(Debug, Default)]
pub struct RecentErrors(Mutex<BTreeMap<Key, Group>>);

impl RecentErrors {
    /// Counts one.
    pub fn note(&self, report: Report, now_unix_ms: u64) {
        let Report {
            gravity,
            code,
            line,
            stream,
            item,
            message,
        } = report;
        let (code, stream, item) = (short(code), stream.map(short), item.map(short));
        let message = masked(&message.chars().take(MAX_MESSAGE).collect::<String>());
        let key = (code.clone(), line, stream.clone(), item.clone());
        let mut groups = self.0.lock();
        if let Some(group) = groups.get_mut(&key) {
            group.gravity = group.gravity.max(gravity);
            group.count += 1;
            group.last_seen_unix_ms = now_unix_ms;
            group.message = message;
            return;
        }
        if groups.len() >= MAX_GROUPS {
            let oldest = groups
                .iter()
                .min_by_key(|(_, group)| group.last_seen_unix_ms);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                groups.remove(&oldest);
            }
        }
        let group = Group {
            gravity,
            code,
            stream,
            item,
            message,
            count: 1,
            first_seen_unix_ms: now_unix_ms,
            last_seen_unix_ms: now_unix_ms,
        };
        groups.insert(key, group);
    }

    /// The groups that somebody may know of, the one seen last first.
    pub fn list(&self, who: &Who) -> Vec<Group> {
        let groups = self.0.lock();
        let mut groups: Vec<_> = groups
            .values()
            .filter(|it| it.is_seen_by(who))
            .cloned()
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.last_seen_unix_ms));
        groups
    }

    /// Forgets the groups that somebody may know of; answers how many. What is still wrong comes
    /// back by itself.
    pub fn clear(&self, who: &Who) -> usize {
        let mut groups = self.0.lock();
        let before = groups.len();
        groups.retain(|_, group| !group.is_seen_by(who));
        before - groups.len()
    }
}

impl Group {
    fn is_seen_by(&self, who: &Who) -> bool {
        let stream = self.stream.as_deref().map(str::parse::<StreamName>);
        match stream {
            Some(Ok(stream)) => who.sees(&stream),
            _ => who.sees_the_host(),
        }
    }
}

fn short(text: String) -> String {
    match text.chars().count() > MAX_PLACE {
        true => text.chars().take(MAX_PLACE).collect(),
        false => text,
    }
}

/// Hides what may be secret in the URLs of a text.
fn masked(text: &str) -> String {
    let word = |word: &str| {
        if !word.contains("://") {
            return word.to_owned();
        }
        // What stands around a URL in a sentence is none of it.
        let url = word.trim_start_matches(['(', '"', '\'']);
        let before = word.len() - url.len();
        let url = url.trim_end_matches([':', ',', ';', '.', ')', '"', '\'']);
        let after = before + url.len();
        let (head, tail) = (word.get(..before), word.get(after..));
        [
            head.unwrap_or_default(),
            &redact(url),
            tail.unwrap_or_default(),
        ]
        .concat()
    };
    let words: Vec<_> = text.split(' ').map(word).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(code: &str, stream: Option<&str>) -> Report {
        Report {
            gravity: Gravity::Warning,
            code: code.to_owned(),
            line: None,
            stream: stream.map(str::to_owned),
            item: None,
            message: "it broke".to_owned(),
        }
    }

    #[test]
    fn a_url_in_a_sentence_keeps_its_address_and_loses_its_secret() {
        let told = masked("udp://192.0.2.1:5000: refused (rtmp://h/app/hunter2).");
        assert_eq!(told, "udp://192.0.2.1:5000: refused (rtmp://h/app/***).");
    }

    #[test]
    fn the_same_in_the_same_place_is_counted_and_the_last_words_are_kept() {
        let errors = RecentErrors::default();
        errors.note(report("refused", Some("a")), 1);
        errors.note(report("refused", Some("b")), 2);
        let worse = Report {
            gravity: Gravity::Error,
            message: "again".to_owned(),
            ..report("refused", Some("a"))
        };
        errors.note(worse, 3);
        let list = errors.list(&Who::local());
        assert_eq!(list.len(), 2);
        let group = &list[0];
        assert_eq!((group.count, group.gravity), (2, Gravity::Error));
        assert_eq!((group.first_seen_unix_ms, group.last_seen_unix_ms), (1, 3));
        assert_eq!(group.message, "again");
    }

    #[test]
    fn what_is_seen_longest_ago_goes_first() {
        let errors = RecentErrors::default();
        for n in 0..=MAX_GROUPS as u64 {
            errors.note(report(&n.to_string(), None), n + 1);
        }
        let list = errors.list(&Who::local());
        assert_eq!(list.len(), MAX_GROUPS);
        assert!(list.iter().all(|group| group.code != "0"));
        assert_eq!(list[0].code, MAX_GROUPS.to_string());
    }

    #[test]
    fn secrets_and_long_texts_do_not_stay() {
        let errors = RecentErrors::default();
        let message = format!(
            "cannot reach srt://h:1?passphrase=hunter2hunter2 or rtmp://h/app/hunter2: {}",
            "x".repeat(5_000)
        );
        errors.note(
            Report {
                message,
                ..report("x", None)
            },
            1,
        );
        let message = &errors.list(&Who::local())[0].message;
        assert!(
            !message.contains("hunter2") && message.contains("srt://h:1"),
            "{message}"
        );
        assert!(message.len() < 700, "{}", message.len());
    }

    #[test]
    fn a_tenant_sees_and_forgets_what_is_its_own() {
        let errors = RecentErrors::default();
        for stream in [Some("acme/a"), Some("other/a"), None] {
            errors.note(report("x", stream), 1);
        }
        let mut who = Who::local();
        who.tenant = Some("acme".parse().unwrap());
        assert_eq!(errors.list(&who).len(), 1);
        assert_eq!(errors.clear(&who), 1);
        assert_eq!(errors.list(&Who::local()).len(), 2);
    }
}
