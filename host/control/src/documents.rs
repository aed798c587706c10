//! What of the document can be changed, item by item. Every change is one edit, checked as a
//! whole: at fault, nothing of it is done.

use crate::changes::{Changed, Expect};
use crate::error::ControlError;
use crate::handle::ControlHandle;
use crate::scope;
use model::{
    InputSpec, Label, OutputSpec, PolicyKind, PolicyMode, PolicySpec, Site, StreamName,
    StreamPattern, WebhookSpec,
};
use std::sync::Arc;

impl ControlHandle {
    /// Replaces the whole document; answers with the one now in force, and what differs, once its
    /// sources and streams are started. Nothing is applied if anything is at fault.
    pub async fn apply(&self, site: Site, expect: Expect) -> Result<Changed, ControlError> {
        self.edit(self.replacing(site, expect)).await
    }

    /// What [`ControlHandle::apply`] would do. Changes nothing.
    pub async fn try_apply(&self, site: Site, expect: Expect) -> Result<Changed, ControlError> {
        self.draft(self.replacing(site, expect)).await
    }

    fn replacing(
        &self,
        wanted: Site,
        expect: Expect,
    ) -> impl FnOnce(&mut Site) -> Result<(), ControlError> + Send + use<> {
        let who = self.who().clone();
        move |site| {
            let seen = scope::shown(&who, Arc::new(site.clone()));
            expect.holds_for(|| "the document".to_owned(), &*seen)?;
            scope::replaced(&who, site, wanted)
        }
    }

    /// Declared inputs.
    pub fn inputs(&self) -> Vec<InputSpec> {
        self.site().inputs.clone()
    }

    /// A declared input.
    pub fn input(&self, name: &StreamName) -> Result<InputSpec, ControlError> {
        let site = self.site();
        let found = site.inputs.iter().find(|input| input.name == *name);
        found
            .cloned()
            .ok_or_else(|| ControlError::UnknownInput(name.clone()))
    }

    /// Declares an input.
    pub async fn add_input(&self, input: InputSpec) -> Result<InputSpec, ControlError> {
        if !self.who().sees(&input.name) {
            return Err(ControlError::NotYours(input.name));
        }
        let name = input.name.clone();
        let changed = self
            .edit(move |site| {
                if find_input(site, &input.name).is_ok() {
                    return Err(ControlError::InputExists(input.name));
                }
                site.inputs.push(input);
                Ok(())
            })
            .await?;
        take_input(changed.site, name)
    }

    /// Changes an input; what it is called stays.
    pub async fn edit_input(
        &self,
        name: StreamName,
        expect: Expect,
        edit: impl FnOnce(&mut InputSpec) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<InputSpec, ControlError> {
        self.sees_input(&name)?;
        let wanted = name.clone();
        let changed = self
            .edit(move |site| {
                let input = find_input(site, &wanted)?;
                expect.holds_for(|| format!("input {wanted}"), input)?;
                edit(input)?;
                input.name = wanted;
                Ok(())
            })
            .await?;
        take_input(changed.site, name)
    }

    /// Takes an input back: its stream ends.
    pub async fn remove_input(&self, name: StreamName, expect: Expect) -> Result<(), ControlError> {
        self.sees_input(&name)?;
        self.edit(move |site| {
            let input = find_input(site, &name)?;
            expect.holds_for(|| format!("input {name}"), input)?;
            site.inputs.retain(|input| input.name != name);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// A declared output.
    pub fn output(&self, input: &StreamName, output: &Label) -> Result<OutputSpec, ControlError> {
        let outputs = self.input(input)?.outputs.into_iter();
        let mut found = outputs.filter(|other| other.name == *output);
        found.next().ok_or_else(|| ControlError::UnknownOutput {
            input: input.clone(),
            output: output.clone(),
        })
    }

    /// Declares an output of an input. No other output is disturbed.
    pub async fn add_output(
        &self,
        input: StreamName,
        output: OutputSpec,
    ) -> Result<OutputSpec, ControlError> {
        self.sees_input(&input)?;
        let (of, name) = (input.clone(), output.name.clone());
        let changed = self
            .edit(move |site| {
                let spec = find_input(site, &input)?;
                if spec.outputs.iter().any(|other| other.name == output.name) {
                    return Err(ControlError::OutputExists {
                        input,
                        output: output.name,
                    });
                }
                spec.outputs.push(output);
                Ok(())
            })
            .await?;
        take_output(changed.site, of, name)
    }

    /// Changes an output; what it is called stays. No other output is disturbed.
    pub async fn edit_output(
        &self,
        input: StreamName,
        output: Label,
        expect: Expect,
        edit: impl FnOnce(&mut OutputSpec) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<OutputSpec, ControlError> {
        self.sees_input(&input)?;
        let (of, name) = (input.clone(), output.clone());
        let changed = self
            .edit(move |site| {
                let spec = find_output(site, &input, &output)?;
                expect.holds_for(|| format!("output {output} of {input}"), spec)?;
                edit(spec)?;
                spec.name = output;
                Ok(())
            })
            .await?;
        take_output(changed.site, of, name)
    }

    /// Takes an output back.
    pub async fn remove_output(
        &self,
        input: StreamName,
        output: Label,
        expect: Expect,
    ) -> Result<(), ControlError> {
        self.sees_input(&input)?;
        self.edit(move |site| {
            let spec = find_output(site, &input, &output)?;
            expect.holds_for(|| format!("output {output} of {input}"), spec)?;
            let spec = find_input(site, &input)?;
            spec.outputs.retain(|other| other.name != output);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// A declared webhook.
    pub fn webhook(&self, name: &Label) -> Result<WebhookSpec, ControlError> {
        let site = self.site();
        let found = site.webhooks.iter().find(|spec| spec.name == *name);
        let unknown = || ControlError::UnknownWebhook(name.clone());
        found.cloned().ok_or_else(unknown)
    }

    /// Declares a webhook.
    pub async fn add_webhook(&self, spec: WebhookSpec) -> Result<WebhookSpec, ControlError> {
        let answer = spec.clone();
        self.edit(move |site| {
            if site.webhooks.iter().any(|other| other.name == spec.name) {
                return Err(ControlError::WebhookExists(spec.name));
            }
            site.webhooks.push(spec);
            Ok(())
        })
        .await?;
        Ok(answer)
    }

    /// Changes a webhook; what it is called stays.
    pub async fn edit_webhook(
        &self,
        name: Label,
        expect: Expect,
        edit: impl FnOnce(&mut WebhookSpec) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<WebhookSpec, ControlError> {
        let wanted = name.clone();
        let changed = self
            .edit(move |site| {
                let spec = find_webhook(site, &wanted)?;
                expect.holds_for(|| format!("webhook {wanted}"), spec)?;
                edit(spec)?;
                spec.name = wanted;
                Ok(())
            })
            .await?;
        let mut site = changed.site;
        find_webhook(&mut site, &name).cloned()
    }

    /// Takes a webhook back.
    pub async fn remove_webhook(&self, name: Label, expect: Expect) -> Result<(), ControlError> {
        self.edit(move |site| {
            let spec = find_webhook(site, &name)?;
            expect.holds_for(|| format!("webhook {name}"), spec)?;
            site.webhooks.retain(|spec| spec.name != name);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Bound policies.
    pub fn policies(&self) -> Vec<PolicySpec> {
        self.site().policies.clone()
    }

    /// Binds a plugin to a kind and pattern, replacing what was bound there in the same mode.
    pub async fn put_policy(&self, policy: PolicySpec) -> Result<PolicySpec, ControlError> {
        let answer = policy.clone();
        self.edit(move |site| {
            let same = |other: &&mut PolicySpec| {
                other.kind == policy.kind
                    && other.streams == policy.streams
                    && other.mode == policy.mode
            };
            match site.policies.iter_mut().find(same) {
                Some(other) => *other = policy,
                None => site.policies.push(policy),
            }
            Ok(())
        })
        .await?;
        Ok(answer)
    }

    /// Unbinds; the next specific policy decides from now on, or the built-in one.
    pub async fn delete_policy(
        &self,
        kind: PolicyKind,
        streams: StreamPattern,
        mode: PolicyMode,
    ) -> Result<(), ControlError> {
        self.edit(move |site| {
            let before = site.policies.len();
            site.policies.retain(|policy| {
                policy.kind != kind || policy.streams != streams || policy.mode != mode
            });
            if site.policies.len() == before {
                return Err(ControlError::UnknownPolicy {
                    kind,
                    streams,
                    mode,
                });
            }
            Ok(())
        })
        .await
        .map(drop)
    }
}

fn find_webhook<'a>(site: &'a mut Site, name: &Label) -> Result<&'a mut WebhookSpec, ControlError> {
    let found = site.webhooks.iter_mut().find(|spec| spec.name == *name);
    found.ok_or_else(|| ControlError::UnknownWebhook(name.clone()))
}

fn find_input<'a>(
    site: &'a mut Site,
    name: &StreamName,
) -> Result<&'a mut InputSpec, ControlError> {
    let found = site.inputs.iter_mut().find(|input| input.name == *name);
    found.ok_or_else(|| ControlError::UnknownInput(name.clone()))
}

fn find_output<'a>(
    site: &'a mut Site,
    input: &StreamName,
    output: &Label,
) -> Result<&'a mut OutputSpec, ControlError> {
    let outputs = find_input(site, input)?.outputs.iter_mut();
    let mut found = outputs.filter(|other| other.name == *output);
    found.next().ok_or_else(|| ControlError::UnknownOutput {
        input: input.clone(),
        output: output.clone(),
    })
}

fn take_input(site: Site, name: StreamName) -> Result<InputSpec, ControlError> {
    let found = site.inputs.into_iter().find(|input| input.name == name);
    found.ok_or(ControlError::UnknownInput(name))
}

fn take_output(site: Site, input: StreamName, output: Label) -> Result<OutputSpec, ControlError> {
    let outputs = take_input(site, input.clone())?.outputs.into_iter();
    let mut found = outputs.filter(|other| other.name == output);
    found
        .next()
        .ok_or(ControlError::UnknownOutput { input, output })
}
