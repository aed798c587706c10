//! How a host comes back: what its configuration file says, and what was changed since.

use crate::desired::{self, Fault, Faults};
use crate::error::ControlError;
use crate::handle::{Call, ControlHandle};
use model::Site;

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
            let of_file = self.file.inputs.iter().any(|other| other.name == input.name);
            of_file || !at_fault(&format!("input {}", input.name))
        });
        site.policies.retain(|policy| {
            self.file.policies.contains(policy) || !at_fault(&policy.what())
        });
    }
}

impl ControlHandle {
    /// Puts the configuration file and what was kept together, and makes it so. What is kept and
    /// can no longer be, because the file or the plugins changed, is left out, and told.
    ///
    /// # Errors
    /// The file itself is at fault, or it cannot be kept.
    pub async fn restore(&self, restored: Restored) -> Result<Vec<Fault>, ControlError> {
        let mut site = desired::merge(&restored.base, &restored.file, &restored.kept);
        let mut left_out = Vec::new();
        let _turn = self.changes.turn.lock().await;
        loop {
            let (wanted, kept) = (site.clone(), restored.kept.clone());
            let drafted = self.ask(|reply| Call::Draft {
                edit: Box::new(move |site| {
                    *site = wanted;
                    Ok(())
                }),
                before: Some(kept),
                reply,
            });
            match drafted.await? {
                Ok(draft) => return self.conclude(draft).await.map(|_| left_out),
                Err(ControlError::Invalid(faults)) => {
                    let size = (site.inputs.len(), site.policies.len());
                    restored.leave_out(&mut site, &faults);
                    if (site.inputs.len(), site.policies.len()) == size {
                        return Err(ControlError::Invalid(faults));
                    }
                    left_out.extend(faults.0);
                }
                Err(other) => return Err(other),
            }
        }
    }
}
