//! What happened: the one way up from the data plane.

use crate::routing::Severity;
use crate::{Label, LinkStatus, Protocol, StreamName};
use serde::{Deserialize, Serialize};

/// What becomes of an item of the wanted document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is new.
    Added,
    /// It differs.
    Changed,
    /// It is taken back.
    Removed,
}

/// Something that changed in the running system. Carries only what a listener cannot look up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A stream came into being.
    StreamStarted {
        /// Its name.
        stream: StreamName,
    },
    /// A stream is gone, its readers with it.
    StreamEnded {
        /// Its name.
        stream: StreamName,
    },
    /// A candidate source's health changed: it began or ceased to deliver, or its tracks changed.
    SourceChanged {
        /// The stream it feeds.
        stream: StreamName,
        /// The source within the stream.
        source: Label,
    },
    /// A condition of ETSI TR 101 290 began at a source of transport packets.
    SourceDegraded {
        /// The stream it feeds.
        stream: StreamName,
        /// The source within the stream.
        source: Label,
        /// The condition's name, for example `continuity` or `pcr-repetition`.
        condition: String,
        /// 1: it cannot be decoded; 2: it should be watched.
        priority: u8,
    },
    /// The condition did not show for five seconds, or the source is gone.
    SourceRecovered {
        /// The stream it feeds.
        stream: StreamName,
        /// The source within the stream.
        source: Label,
        /// The condition's name.
        condition: String,
        /// 1 or 2.
        priority: u8,
    },
    /// Another source is on air.
    OnAirChanged {
        /// The stream.
        stream: StreamName,
        /// The source now on air.
        source: Label,
    },
    /// A link of an output changed its state.
    OutputChanged {
        /// The stream it takes.
        stream: StreamName,
        /// The output's name.
        output: Label,
        /// Where it stands now: `state`, since when, which attempt, the next one, the last error.
        #[serde(flatten)]
        link: LinkStatus,
    },
    /// What is wanted was changed: an input, an output, a policy or whatever else is declared.
    DocumentChanged {
        /// The item, for example `input live/cam1 output archive`.
        item: String,
        /// What becomes of it.
        change: How,
        /// Which of its fields, where it is changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
        /// The stream it belongs to, if it is an input or part of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<StreamName>,
    },
    /// A peer was turned away before any media.
    PeerRefused {
        /// By which gateway.
        protocol: Protocol,
        /// [`crate::Refusal::code`] of why.
        code: String,
    },
    /// A routing plan tells of something that it did not before, or of something graver.
    AlertRaised {
        /// The stream it is about.
        stream: StreamName,
        /// Names the condition.
        code: String,
        /// How much it matters.
        severity: Severity,
        /// For people.
        message: String,
    },
    /// A routing plan no longer tells of it, or the stream is gone.
    AlertCleared {
        /// The stream it was about.
        stream: StreamName,
        /// Names the condition.
        code: String,
    },
    /// A tenant has been above its quota of bits per second for a while; until it is below again,
    /// no output is added or started for it.
    TenantAboveQuota {
        /// The tenant.
        tenant: Label,
        /// What flows.
        bitrate_bps: u64,
        /// What may.
        quota_bps: u64,
    },
    /// A tenant that was above its quota is below again.
    TenantWithinQuota {
        /// The tenant.
        tenant: Label,
    },
    /// A plugin's installation has come to its next step.
    PluginStep {
        /// The plugin.
        plugin: Label,
        /// `verifying`, `compiling`, `inspecting`, `trying`, `validating`, `replaying` or
        /// `activating`.
        step: String,
    },
    /// A component was refused; what was active goes on.
    PluginRefused {
        /// The plugin.
        plugin: Label,
        /// Stable short name of why.
        code: String,
        /// Why, for people.
        error: String,
    },
    /// Another version of a plugin decides, or the first.
    PluginActivated {
        /// The plugin.
        plugin: Label,
        /// SHA-256 of the component, hexadecimal.
        sha256: String,
    },
    /// The host went back to an older version of a plugin by itself.
    PluginRolledBack {
        /// The plugin.
        plugin: Label,
        /// SHA-256 of the component that failed, hexadecimal.
        from: String,
        /// SHA-256 of the component that is active now, hexadecimal.
        to: String,
        /// What the failures were.
        why: String,
    },
    /// A plugin failed so often that it is not called for a while.
    PluginBreakerOpened {
        /// The plugin.
        plugin: Label,
        /// Unix milliseconds at which it is tried again.
        until_unix_ms: u64,
        /// What the failures were.
        why: String,
    },
    /// A plugin is called again.
    PluginBreakerClosed {
        /// The plugin.
        plugin: Label,
    },
    /// A plugin is gone with all its versions.
    PluginRemoved {
        /// The plugin.
        plugin: Label,
    },
}

impl Event {
    /// The `type` of every event there is.
    pub const KINDS: [&'static str; 20] = [
        "stream_started",
        "stream_ended",
        "source_changed",
        "source_degraded",
        "source_recovered",
        "on_air_changed",
        "output_changed",
        "document_changed",
        "peer_refused",
        "alert_raised",
        "alert_cleared",
        "tenant_above_quota",
        "tenant_within_quota",
        "plugin_step",
        "plugin_refused",
        "plugin_activated",
        "plugin_rolled_back",
        "plugin_breaker_opened",
        "plugin_breaker_closed",
        "plugin_removed",
    ];

    /// Its `type`, as it is written.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::StreamStarted { .. } => "stream_started",
            Self::StreamEnded { .. } => "stream_ended",
            Self::SourceChanged { .. } => "source_changed",
            Self::SourceDegraded { .. } => "source_degraded",
            Self::SourceRecovered { .. } => "source_recovered",
            Self::OnAirChanged { .. } => "on_air_changed",
            Self::OutputChanged { .. } => "output_changed",
            Self::DocumentChanged { .. } => "document_changed",
            Self::PeerRefused { .. } => "peer_refused",
            Self::AlertRaised { .. } => "alert_raised",
            Self::AlertCleared { .. } => "alert_cleared",
            Self::TenantAboveQuota { .. } => "tenant_above_quota",
            Self::TenantWithinQuota { .. } => "tenant_within_quota",
            Self::PluginStep { .. } => "plugin_step",
            Self::PluginRefused { .. } => "plugin_refused",
            Self::PluginActivated { .. } => "plugin_activated",
            Self::PluginRolledBack { .. } => "plugin_rolled_back",
            Self::PluginBreakerOpened { .. } => "plugin_breaker_opened",
            Self::PluginBreakerClosed { .. } => "plugin_breaker_closed",
            Self::PluginRemoved { .. } => "plugin_removed",
        }
    }

    /// The stream it is about; none if it is about the host.
    pub const fn stream(&self) -> Option<&StreamName> {
        match self {
            Self::StreamStarted { stream }
            | Self::StreamEnded { stream }
            | Self::SourceChanged { stream, .. }
            | Self::SourceDegraded { stream, .. }
            | Self::SourceRecovered { stream, .. }
            | Self::OnAirChanged { stream, .. }
            | Self::OutputChanged { stream, .. }
            | Self::AlertRaised { stream, .. }
            | Self::AlertCleared { stream, .. } => Some(stream),
            Self::DocumentChanged { stream, .. } => stream.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LinkState;

    #[test]
    fn an_output_tells_all_that_an_operator_asks_for_and_comes_back_the_same() {
        let event = Event::OutputChanged {
            stream: "live/cam1".parse().unwrap(),
            output: "archive".parse().unwrap(),
            link: LinkStatus {
                state: LinkState::Retrying,
                since_unix_ms: 5,
                attempt: 2,
                next_attempt_unix_ms: Some(9),
                last_error: Some("refused".to_owned()),
                ..LinkStatus::default()
            },
        };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["type"], event.kind());
        assert_eq!(
            (&json["state"], &json["attempt"]),
            (&"retrying".into(), &2.into())
        );
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }

    #[test]
    fn the_kinds_are_those_that_serde_writes() {
        for kind in Event::KINDS {
            // Whatever else is missing, the type is known.
            let nothing = serde_json::json!({ "type": kind });
            let error = serde_json::from_value::<Event>(nothing)
                .unwrap_err()
                .to_string();
            assert!(error.contains("missing field"), "{kind}: {error}");
        }
    }
}
