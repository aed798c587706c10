//! How a host comes back: what its configuration file says, and what was changed since.

use crate::audit;
use crate::changes::Changed;
use crate::desired::{self, Fault, Faults};
use crate::error::ControlError;
use crate::handle::{Call, ControlHandle, Draft};
use model::{Site, Who};

/// What a host finds when it starts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restored {
    /// What was wanted when it last ran.
    pub kept: Site,
    /// The configuration file as it was then.
    pub base: Site,
    /// The configuration file as it is now.
    pub file: Site,
}

impl Restored {
    /// Takes out what is at fault and not the file's.
    fn leave_out(&self, site: &mut Site, faults: &Faults) {
        let at_fault = |item: &str| faults.0.iter().any(|fault| fault.item == item);
        site.inputs.retain(|input| {
            let of_file = self
                .file
                .inputs
                .iter()
                .any(|other| other.name == input.name);
            of_file || !at_fault(&format!("input {}", input.name))
        });
        site.groups.retain(|group| {
            let mut of_file = self.file.groups.iter();
            of_file.any(|other| other.name == group.name)
                || !at_fault(&format!("group {}", group.name))
        });
        site.templates.retain(|template| {
            let of_file = self.file.templates.contains(template);
            of_file || !at_fault(&format!("template {}", template.name))
        });
        site.policies
            .retain(|policy| self.file.policies.contains(policy) || !at_fault(&policy.what()));
    }
}

/// How it went.
#[derive(Debug, Default)]
pub struct Restoration {
    /// What was wanted and can no longer be, because the file or the plugins changed. It stays in
    /// the archive until the next change.
    pub left_out: Vec<Fault>,
    /// Why the document in force is not in the archive, if it is not.
    pub not_kept: Option<ControlError>,
}

impl ControlHandle {
    /// Takes over what the configuration file changed from `base` to `file`, while the host runs;
    /// everything else stays as it is. At fault, nothing of it is done.
    pub async fn take_over(&self, base: Site, file: Site) -> Result<Changed, ControlError> {
        self.edit(move |site| {
            *site = desired::merge(&base, &file, site);
            Ok(())
        })
        .await
    }

    /// Puts the configuration file and what was kept together, and makes it so.
    ///
    /// # Errors
    /// The file itself is at fault.
    pub async fn restore(&self, restored: Restored) -> Result<Restoration, ControlError> {
        let _turn = self.changes.turn.lock().await;
        let mut site = desired::merge(&restored.base, &restored.file, &restored.kept);
        let mut left_out = Vec::new();
        let draft = loop {
            match self.check_restored(&site, &restored.kept).await {
                Err(ControlError::Invalid(faults)) => {
                    let before = site.clone();
                    restored.leave_out(&mut site, &faults);
                    if site == before {
                        // What is at fault was added to what the file declares.
                        site.clone_from(&restored.file);
                    }
                    if site == before {
                        return Err(ControlError::Invalid(faults));
                    }
                    left_out.extend(faults.0);
                }
                other => break other?,
            }
        };
        let not_kept = match left_out.is_empty() {
            true => {
                let site = draft.desired.site();
                let changed = desired::compare(&restored.kept, site);
                let log = audit::lines(&Who::host(), &changed);
                self.changes.keep(site, &log).await.err()
            }
            false => None,
        };
        let desired = draft.desired;
        self.ask(|reply| Call::Adopt { desired, reply }).await?;
        Ok(Restoration { left_out, not_kept })
    }

    async fn check_restored(&self, site: &Site, kept: &Site) -> Result<Draft, ControlError> {
        let (wanted, kept) = (site.clone(), kept.clone());
        self.ask(|reply| Call::Draft {
            edit: Box::new(move |site| {
                *site = wanted;
                Ok(())
            }),
            before: Some(kept),
            reply,
        })
        .await?
    }
}
