//! What the log's warnings and errors say, kept by kind and place for `GET /api/v1/errors`.

use control::clock;
use control::recent::{Gravity, RecentErrors, Report};
use std::fmt::{Debug, Write};
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// A layer for warnings and errors alone.
pub(super) struct Noting(pub(super) Arc<RecentErrors>);

impl<S: Subscriber> Layer<S> for Noting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        self.0.note(words.report(event), clock::unix_ms());
    }
}

/// The fields of one event.
#[derive(Default)]
struct Words {
    message: String,
    code: Option<String>,
    stream: Option<String>,
    item: Option<String>,
    others: String,
}

impl Words {
    /// An event that names no code is of a kind of its own.
    fn report(self, event: &Event<'_>) -> Report {
        let metadata = event.metadata();
        let line = metadata.line().filter(|_| self.code.is_none());
        Report {
            gravity: match *metadata.level() == Level::ERROR {
                true => Gravity::Error,
                false => Gravity::Warning,
            },
            code: self
                .code
                .unwrap_or_else(|| metadata.target().replace("::", ".")),
            line,
            stream: self.stream,
            item: self.item,
            message: self.message + &self.others,
        }
    }

    fn take(&mut self, field: &str, value: String) {
        match field {
            "message" => self.message = value,
            "code" => self.code = Some(value),
            "stream" | "input" => self.stream = Some(value),
            "link" | "output" | "source" | "plugin" | "webhook" => self.item = Some(value),
            "error" => {
                let _ = write!(self.others, ": {value}");
            }
            // How often the same was held back says nothing about what it is.
            "held_back" => {}
            other => {
                let _ = write!(self.others, " {other}={value}");
            }
        }
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.take(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Who;
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::prelude::*;

    #[test]
    fn warnings_are_grouped_by_what_they_are_about_and_the_rest_is_not_kept() {
        let errors = Arc::<RecentErrors>::default();
        let noting = Noting(errors.clone()).with_filter(LevelFilter::WARN);
        let subscriber = tracing_subscriber::registry().with(noting);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("all is well");
            for attempt in 1..=2 {
                let error = std::io::Error::other("no route");
                tracing::warn!(stream = %"live/a", link = %"x", code = "unreachable", %error, attempt, "it fails");
            }
            tracing::error!(plugin = "p", "it trapped");
            tracing::error!(plugin = "p", "it vanished");
        });
        let list = errors.list(&Who::local());
        assert_eq!(list.len(), 3, "{list:?}");
        let link = list
            .iter()
            .find(|group| group.code == "unreachable")
            .unwrap();
        assert_eq!(
            (link.count, link.stream.as_deref(), link.item.as_deref()),
            (2, Some("live/a"), Some("x"))
        );
        assert_eq!(link.message, "it fails: no route attempt=2");
        let plugins = list
            .iter()
            .filter(|group| group.item.as_deref() == Some("p"));
        assert!(
            plugins
                .clone()
                .all(|group| group.gravity == Gravity::Error && group.count == 1)
        );
    }
}
