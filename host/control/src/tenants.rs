//! Tenants of this host: declared, taken back, and held to their quotas.
//!
//! Inputs and outputs are counted where a document is checked. The bitrate is measured: who is
//! above the quota for [`PATIENCE`] is told by an event, and from then on may add and start no
//! output until it is below again. What runs is never cut: an event on air matters more than a
//! bill.

use crate::desired::{Fault, Faults};
use crate::error::ControlError;
use crate::handle::ControlHandle;
use crate::view::StreamView;
use model::tenant::TenantSpec;
use model::{Event, InputSpec, Label, Site, Who};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// So long a tenant may be above its quota: sources begin with a burst.
const PATIENCE: Duration = Duration::from_secs(10);

impl ControlHandle {
    /// Declared tenants that its owner sees.
    pub fn tenants(&self) -> Vec<TenantSpec> {
        let site = self.site_of_host();
        let who = self.who();
        let own = |tenant: &&TenantSpec| who.tenant.as_ref().is_none_or(|own| *own == tenant.name);
        site.tenants.iter().filter(own).cloned().collect()
    }

    /// Declares a tenant, or changes its quotas.
    ///
    /// # Errors
    /// It declares more already than it may from now on.
    pub async fn put_tenant(&self, tenant: TenantSpec) -> Result<TenantSpec, ControlError> {
        let answer = tenant.clone();
        self.edit(move |site| {
            match site.tenants.iter_mut().find(|it| it.name == tenant.name) {
                Some(known) => *known = tenant,
                None => site.tenants.push(tenant),
            }
            Ok(())
        })
        .await?;
        Ok(answer)
    }

    /// Takes a tenant back. Its keys and users change nothing from then on.
    ///
    /// # Errors
    /// There is none, or inputs of its are declared.
    pub async fn remove_tenant(&self, name: Label) -> Result<(), ControlError> {
        self.edit(move |site| {
            let found = site.tenants.iter().find(|it| it.name == name);
            let tenant = found.ok_or_else(|| ControlError::UnknownTenant(name.clone()))?;
            if let Some(input) = site.inputs.iter().find(|it| tenant.owns(&it.name)) {
                let (name, input) = (name.clone(), input.name.clone());
                return Err(ControlError::TenantInUse { name, input });
            }
            site.tenants.retain(|it| it.name != name);
            Ok(())
        })
        .await
        .map(drop)
    }
}

/// Whoever belongs to a tenant that is not there changes nothing.
///
/// # Errors
/// It is not there.
pub(crate) fn is_declared(who: &Who, site: &Site) -> Result<(), ControlError> {
    let Some(own) = &who.tenant else {
        return Ok(());
    };
    match site.tenants.iter().any(|tenant| tenant.name == *own) {
        true => Ok(()),
        false => Err(ControlError::UnknownTenant(own.clone())),
    }
}

/// Who is above the quota, and since when.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    above: BTreeMap<Label, Above>,
}

#[derive(Debug, Clone, Copy)]
struct Above {
    since: Instant,
    bitrate_bps: u64,
    told: bool,
}

impl Meter {
    /// Takes note of what flows now; what is to be told.
    pub(crate) fn measure(
        &mut self,
        now: Instant,
        tenants: &[TenantSpec],
        streams: &[StreamView],
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let mut before = std::mem::take(&mut self.above);
        for tenant in tenants {
            let Some(quota_bps) = tenant.bitrate_bps else {
                continue;
            };
            let bitrate_bps = flowing(tenant, streams);
            if bitrate_bps <= quota_bps {
                continue;
            }
            let known = before.remove(&tenant.name);
            let since = known.map_or(now, |known| known.since);
            let mut told = known.is_some_and(|known| known.told);
            if !told && now.duration_since(since) >= PATIENCE {
                told = true;
                events.push(Event::TenantAboveQuota {
                    tenant: tenant.name.clone(),
                    bitrate_bps,
                    quota_bps,
                });
            }
            let above = Above {
                since,
                bitrate_bps,
                told,
            };
            self.above.insert(tenant.name.clone(), above);
        }
        let within = before.into_iter().filter(|(_, known)| known.told);
        events.extend(within.map(|(tenant, _)| Event::TenantWithinQuota { tenant }));
        events
    }

    /// What a change adds for tenants that are above their quota.
    pub(crate) fn check(&self, before: &Site, after: &Site) -> Result<(), Faults> {
        let mut faults = Vec::new();
        for tenant in &after.tenants {
            let Some(above) = self.above.get(&tenant.name).filter(|above| above.told) else {
                continue;
            };
            for input in after.inputs.iter().filter(|it| tenant.owns(&it.name)) {
                let known = before.inputs.iter().find(|it| it.name == input.name);
                faults.extend(added(input, known).map(|output| Fault {
                    item: format!("input {}", input.name),
                    field: format!("outputs[{output}]"),
                    problem: format!(
                        "tenant {} is above its quota of {} bits per second, with {}; stop \
                         something first",
                        tenant.name,
                        tenant.bitrate_bps.unwrap_or_default(),
                        above.bitrate_bps
                    ),
                }));
            }
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Faults(faults)),
        }
    }
}

/// Outputs that run from now on, and did not before.
fn added<'a>(
    input: &'a InputSpec,
    before: Option<&'a InputSpec>,
) -> impl Iterator<Item = &'a Label> {
    let ran = move |name: &Label| {
        let mut outputs = before.into_iter().flat_map(|it| &it.outputs);
        outputs.any(|output| output.name == *name && output.enabled)
    };
    let enabled = input.outputs.iter().filter(|output| output.enabled);
    enabled
        .map(|output| &output.name)
        .filter(move |name| !ran(name))
}

fn flowing(tenant: &TenantSpec, streams: &[StreamView]) -> u64 {
    let own = streams.iter().filter(|stream| tenant.owns(&stream.name));
    own.map(|stream| {
        let sent = stream.outputs.iter().map(|output| output.bitrate_bps);
        sent.fold(stream.bitrate_bps, u64::saturating_add)
    })
    .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn site(document: Value) -> Site {
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn above_for_a_while_no_output_is_added_and_what_runs_goes_on() {
        let output = |name: &str| json!({"name": name, "url": "udp://h:1"});
        let with = |outputs: &[Value], quota: u64| {
            site(json!({"tenants": [{"name": "acme", "bitrate_bps": quota}],
                "inputs": [{"name": "acme/a", "outputs": outputs}, {"name": "b", "outputs": outputs}]}))
        };
        // Nothing flows, so that no quota can be exceeded but one below zero: the meter is told.
        let mut meter = Meter::default();
        let told = Above {
            since: Instant::now(),
            bitrate_bps: 9,
            told: true,
        };
        let before = with(&[output("x")], 5);
        meter.above.insert("acme".parse().unwrap(), told);
        assert_eq!(meter.check(&before, &before), Ok(()));
        let Faults(faults) = meter
            .check(&before, &with(&[output("x"), output("y")], 5))
            .unwrap_err();
        let told: Vec<_> = faults
            .iter()
            .map(|it| (it.item.as_str(), it.field.as_str()))
            .collect();
        assert_eq!(told, [("input acme/a", "outputs[y]")], "b is nobody's");
        let events = meter.measure(Instant::now(), &before.tenants, &[]);
        assert!(matches!(
            events.as_slice(),
            [Event::TenantWithinQuota { .. }]
        ));
        assert_eq!(
            meter.check(&before, &with(&[output("x"), output("y")], 5)),
            Ok(())
        );
    }
}
