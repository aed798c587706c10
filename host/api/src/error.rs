//! From the errors of the floors below to problem documents.

use crate::problem::{FieldError, Kind, Problem};
use control::desired::{Fault, Faults};
use control::fetch::FetchError;
use control::{AccessError, ControlError};
use plugin::InstallError;
use std::time::Duration;

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let kind = match &error {
            ControlError::Invalid(_) => Kind::InvalidDocument,
            ControlError::UnknownWebhook(_) => Kind::UnknownWebhook,
            ControlError::WebhookExists(_)
            | ControlError::InputExists(_)
            | ControlError::OutputExists { .. }
            | ControlError::TemplateExists(_)
            | ControlError::GroupExists(_)
            | ControlError::ScreenExists { .. }
            | ControlError::NotRunning { .. } => Kind::Conflict,
            ControlError::UnknownGroup(_) => Kind::UnknownGroup,
            ControlError::UnknownScreen { .. } => Kind::UnknownScreen,
            ControlError::UnknownClient(_) => Kind::UnknownClient,
            ControlError::TooManyClients(_) => Kind::Overloaded,
            ControlError::UnknownTenant(_) => Kind::UnknownTenant,
            ControlError::TenantInUse { .. } => Kind::Conflict,
            ControlError::Forbidden { .. } | ControlError::NotYours(_) => Kind::Forbidden,
            ControlError::ChangedMeanwhile(_) => Kind::ChangedMeanwhile,
            ControlError::NotKept(_) => Kind::NotKept,
            ControlError::UnknownTemplate(_) => Kind::UnknownTemplate,
            ControlError::UnknownStream(_) => Kind::UnknownStream,
            ControlError::UnknownInput(_) | ControlError::UnknownOutput { .. } => {
                Kind::UnknownInput
            }
            ControlError::UnknownPolicy { .. } => Kind::UnknownPolicy,
            ControlError::PluginInUse { .. } => Kind::Conflict,
            ControlError::Fetch(FetchError::NotAUrl(_)) => Kind::InvalidBody,
            ControlError::Fetch(FetchError::NotAllowed { .. }) => Kind::Forbidden,
            ControlError::Fetch(FetchError::TooBig { .. }) => Kind::TooLarge,
            ControlError::Fetch(_) => Kind::FetchFailed,
            ControlError::Stopped => Kind::Stopping,
            _ => Kind::Internal,
        };
        match error {
            ControlError::Plugin(error) => error.into(),
            ControlError::Invalid(faults) => faults.into(),
            other => Self::new(kind, other.to_string()).code(other.code()),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let kind = match &error {
            AccessError::Invalid(_) => Kind::InvalidDocument,
            AccessError::UnknownKey(_) => Kind::UnknownKey,
            AccessError::UnknownUser(_) => Kind::UnknownUser,
            AccessError::NameTaken { .. }
            | AccessError::TooMany { .. }
            | AccessError::NoAdminLeft => Kind::Conflict,
            AccessError::WrongLogin => Kind::Unauthorized,
            AccessError::TooSoon(_) => Kind::TooManyRequests,
            AccessError::Busy => Kind::Overloaded,
            AccessError::NotKept(_) | AccessError::NotRead => Kind::NotKept,
            _ => Kind::Internal,
        };
        let after = match &error {
            AccessError::TooSoon(wait) => Some(*wait + Duration::from_secs(1)),
            AccessError::Busy => Some(Duration::from_secs(2)),
            _ => None,
        };
        let problem = match error {
            AccessError::Invalid(faults) => return faults.into(),
            other => Self::new(kind, other.to_string()).code(other.code()),
        };
        match after {
            Some(after) => problem.retry_after(after),
            None => problem,
        }
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        let detail = format!("nothing is changed: {faults}");
        let errors = faults.0.into_iter().map(FieldError::from).collect();
        Self::new(Kind::InvalidDocument, detail).errors(errors)
    }
}

impl From<Fault> for FieldError {
    fn from(fault: Fault) -> Self {
        Self {
            item: fault.item,
            field: fault.field,
            problem: fault.problem,
        }
    }
}

impl From<InstallError> for Problem {
    fn from(error: InstallError) -> Self {
        let kind = match &error {
            InstallError::TooBig { .. } => Kind::TooLarge,
            InstallError::Unknown { .. } => Kind::UnknownPlugin,
            InstallError::NoOlderVersion { .. } => Kind::NothingToRollBack,
            fault if fault.is_components_fault() => Kind::PluginInvalid,
            _ => Kind::Internal,
        };
        if kind == Kind::Internal {
            tracing::error!(%error, "a plugin could not be installed for a fault of this host");
        }
        Self::new(kind, error.to_string()).code(error.code())
    }
}
