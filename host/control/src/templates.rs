//! Templates of the document: changed like everything in it, and added to inputs.

use crate::changes::Expect;
use crate::desired::{Fault, Faults};
use crate::error::ControlError;
use crate::handle::ControlHandle;
use crate::template::{self, Values};
use model::{InputSpec, Label, OutputSpec, Site, StreamName, TemplateSpec};

impl ControlHandle {
    /// A template.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn template(&self, name: &Label) -> Result<TemplateSpec, ControlError> {
        take(&self.site(), name)
    }

    /// Adds a template.
    pub async fn add_template(&self, spec: TemplateSpec) -> Result<TemplateSpec, ControlError> {
        let name = spec.name.clone();
        let changed = self
            .edit(move |site| {
                if find(site, &spec.name).is_ok() {
                    return Err(ControlError::TemplateExists(spec.name));
                }
                site.templates.push(spec);
                Ok(())
            })
            .await?;
        take(&changed.site, &name)
    }

    /// Changes a template; its name stays, and so does every output that was made of it.
    pub async fn edit_template(
        &self,
        name: Label,
        expect: Expect,
        edit: impl FnOnce(&mut TemplateSpec) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<TemplateSpec, ControlError> {
        let wanted = name.clone();
        let changed = self
            .edit(move |site| {
                let spec = find(site, &wanted)?;
                expect.holds_for(|| format!("template {wanted}"), spec)?;
                edit(spec)?;
                spec.name = wanted;
                Ok(())
            })
            .await?;
        take(&changed.site, &name)
    }

    /// Takes a template back; the outputs that were made of it stay.
    pub async fn remove_template(&self, name: Label, expect: Expect) -> Result<(), ControlError> {
        self.edit(move |site| {
            let spec = find(site, &name)?;
            expect.holds_for(|| format!("template {name}"), spec)?;
            site.templates.retain(|other| other.name != name);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Adds all outputs of a template to an input, or none; `expect` is about the input. Answers
    /// with the names of those that were added.
    pub async fn add_outputs_of(
        &self,
        input: &StreamName,
        template: Label,
        values: Values,
        expect: Expect,
    ) -> Result<Vec<Label>, ControlError> {
        let (input, name) = (input.clone(), template.clone());
        let with = values.clone();
        let changed = self
            .edit(move |site| {
                let outputs = outputs(find(site, &name)?, &with)?;
                let mut inputs = site.inputs.iter_mut();
                let spec = inputs
                    .find(|spec| spec.name == input)
                    .ok_or_else(|| ControlError::UnknownInput(input.clone()))?;
                expect.holds_for(|| format!("input {input}"), spec)?;
                add(spec, outputs)
            })
            .await?;
        // The same template makes the same names.
        let added = outputs(&take(&changed.site, &template)?, &values)?;
        Ok(added.into_iter().map(|output| output.name).collect())
    }
}

fn add(input: &mut InputSpec, outputs: Vec<OutputSpec>) -> Result<(), ControlError> {
    for output in outputs {
        if input.outputs.iter().any(|other| other.name == output.name) {
            return Err(ControlError::OutputExists {
                input: input.name.clone(),
                output: output.name,
            });
        }
        input.outputs.push(output);
    }
    Ok(())
}

fn outputs(template: &TemplateSpec, values: &Values) -> Result<Vec<OutputSpec>, ControlError> {
    let fault = |(field, problem)| Fault {
        item: format!("template {}", template.name),
        field,
        problem,
    };
    template::expand(template, values)
        .map_err(|wrong| ControlError::Invalid(Faults(wrong.into_iter().map(fault).collect())))
}

fn find<'a>(site: &'a mut Site, name: &Label) -> Result<&'a mut TemplateSpec, ControlError> {
    let mut templates = site.templates.iter_mut();
    let found = templates.find(|template| template.name == *name);
    found.ok_or_else(|| ControlError::UnknownTemplate(name.clone()))
}

fn take(site: &Site, name: &Label) -> Result<TemplateSpec, ControlError> {
    let found = site.templates.iter().find(|spec| spec.name == *name);
    let found = found.cloned();
    found.ok_or_else(|| ControlError::UnknownTemplate(name.clone()))
}
