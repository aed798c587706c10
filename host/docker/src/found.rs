//! A container, and what its labels say. They are outside text: whoever may start containers
//! writes them.

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use model::{Label, NameError, StreamName};
use serde::Serialize;
use std::collections::HashMap;
use url::Url;

/// Which group it is a screen of; a container without it is none of ours.
pub(crate) const GROUP: &str = "pointsman.group";

/// Which screen of the group it is.
const SCREEN: &str = "pointsman.screen";

/// Where it is reached.
const URL: &str = "pointsman.url";

/// As long as addresses are elsewhere.
const MAX_URL_BYTES: usize = 2_048;

/// What a screen may be reached by.
const SCHEMES: [&str; 7] = ["http", "https", "rtmp", "rtmps", "rtsp", "srt", "udp"];

/// Docker's own names are shorter.
const MAX_NAME_BYTES: usize = 255;

/// A container that is a screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    /// The group it is a screen of.
    pub group: StreamName,
    /// Which screen of the group; none: any that is free.
    pub screen: Option<Label>,
    /// Where it is reached, if it says so.
    pub url: Option<String>,
    /// Whether it runs.
    pub state: Run,
}

/// Whether a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Run {
    /// It runs.
    Running,
    /// It is held; it is there, and shows nothing new.
    Paused,
}

/// A container whose labels cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfit {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which label, and what is wrong with it.
    pub problem: String,
}

/// Why a label cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabelError {
    /// It is no name.
    #[error("label {label}: {source}")]
    Name {
        label: &'static str,
        source: NameError,
    },
    /// It is no address, or not one of those a screen may have.
    #[error(
        "label {URL}: not an address of at most {MAX_URL_BYTES} bytes that begins with one of {}",
        SCHEMES.join(", ")
    )]
    Url,
}

/// What a container is, by what the engine says of it; `None` if it does not run, or is none of
/// ours.
pub(crate) fn judge(summary: ContainerSummary) -> Option<Result<Found, Unfit>> {
    let state = match summary.state {
        Some(ContainerSummaryStateEnum::RUNNING) => Run::Running,
        Some(ContainerSummaryStateEnum::PAUSED) => Run::Paused,
        _ => return None,
    };
    let id = summary.id.filter(|id| is_id(id))?;
    let name = name(summary.names.unwrap_or_default(), &id);
    let labels = summary.labels.unwrap_or_default();
    let group = labels.get(GROUP)?;
    Some(match read(group, &labels) {
        Ok((group, screen, url)) => Ok(Found {
            id,
            name,
            group,
            screen,
            url,
            state,
        }),
        Err(error) => Err(Unfit {
            id,
            name,
            problem: error.to_string(),
        }),
    })
}

type Labels = (StreamName, Option<Label>, Option<String>);

fn read(group: &str, labels: &HashMap<String, String>) -> Result<Labels, LabelError> {
    let bad = |label| move |source| LabelError::Name { label, source };
    let screen = labels.get(SCREEN).map(|text| text.parse());
    let url = labels.get(URL).map(|text| address(text));
    Ok((
        group.parse().map_err(bad(GROUP))?,
        screen.transpose().map_err(bad(SCREEN))?,
        url.transpose()?,
    ))
}

fn address(text: &str) -> Result<String, LabelError> {
    let plain = text.len() <= MAX_URL_BYTES && text.chars().all(|c| c.is_ascii_graphic());
    let url = Url::parse(text).ok().filter(|_| plain);
    let url = url.filter(|url| SCHEMES.contains(&url.scheme()) && url.has_host());
    url.map(String::from).ok_or(LabelError::Url)
}

fn is_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The first that is its own; a container may have those of links as well, which have a slash more.
fn name(names: Vec<String>, id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let own = names.into_iter().find_map(|name| {
        let name = name.strip_prefix('/')?.to_owned();
        (name.len() <= MAX_NAME_BYTES && name.chars().all(plain)).then_some(name)
    });
    own.unwrap_or_else(|| id.chars().take(12).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(labels: &[(&str, &str)]) -> ContainerSummary {
        let labels = labels.iter();
        ContainerSummary {
            id: Some("ab".repeat(32)),
            names: Some(vec!["/other/alias".to_owned(), "/left".to_owned()]),
            state: Some(ContainerSummaryStateEnum::RUNNING),
            labels: Some(
                labels
                    .map(|&(key, value)| (key.to_owned(), value.to_owned()))
                    .collect(),
            ),
            ..ContainerSummary::default()
        }
    }

    #[test]
    fn labels_say_what_a_container_is() {
        let labels = [
            (GROUP, "lobby"),
            (SCREEN, "left"),
            (URL, "srt://10.0.0.9:9000?latency=50"),
        ];
        let found = judge(container(&labels)).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.state), ("left", Run::Running));
        assert_eq!(found.group.as_str(), "lobby");
        assert_eq!(found.url.as_deref(), Some("srt://10.0.0.9:9000?latency=50"));
        let group = judge(container(&labels[..1])).unwrap().unwrap();
        assert_eq!((group.screen, group.url), (None, None));
    }

    #[test]
    fn labels_are_outside_text() {
        let long = "x".repeat(10_000);
        let url = format!("http://x/{long}");
        for (label, value) in [
            (GROUP, ""),
            (GROUP, "../lobby"),
            (GROUP, "lobby\nline"),
            (GROUP, "<script>"),
            (GROUP, &long),
            (SCREEN, "a/b"),
            (SCREEN, ".."),
            (URL, "file:///etc/passwd"),
            (URL, "javascript:alert(1)"),
            (URL, "http://"),
            (URL, "srt://h:1\r\nX: y"),
            (URL, " http://h/"),
            (URL, &url),
        ] {
            let mut labels = vec![(GROUP, "lobby"), (label, value)];
            labels.sort_by_key(|(key, _)| *key == label);
            let unfit = judge(container(&labels)).unwrap().unwrap_err();
            assert!(unfit.problem.contains(label), "{label} {}", unfit.problem);
            assert!(unfit.problem.len() < 400, "{}", unfit.problem);
        }
    }

    #[test]
    fn what_does_not_run_or_is_none_of_ours_is_not_seen() {
        assert!(judge(container(&[("other", "x")])).is_none());
        let state = |state| {
            let mut container = container(&[(GROUP, "lobby")]);
            container.state = state;
            judge(container).map(|found| found.unwrap().state)
        };
        assert_eq!(
            state(Some(ContainerSummaryStateEnum::PAUSED)),
            Some(Run::Paused)
        );
        assert_eq!(state(Some(ContainerSummaryStateEnum::EXITED)), None);
        assert_eq!(state(None), None);
        let mut nameless = container(&[(GROUP, "lobby")]);
        nameless.names = Some(vec!["/<b>".to_owned()]);
        assert_eq!(
            judge(nameless.clone()).unwrap().unwrap().name,
            "abababababab"
        );
        nameless.id = Some("../x".to_owned());
        assert!(judge(nameless).is_none());
    }
}
