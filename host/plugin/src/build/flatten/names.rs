//! What a component imports, followed through its own index spaces to where core modules call it.

use super::{FlattenError, OURS, unknown};
use std::borrow::Cow;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind,
    ComponentOuterAliasKind, Payload,
};

/// Something of an imported interface.
#[derive(Clone, Copy)]
struct Imported<'a> {
    interface: &'a str,
    name: &'a str,
}

/// A function of the host's, as core modules call it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Host<'a> {
    pub(super) interface: &'a str,
    name: &'a str,
    /// Whether it gives back a resource of that name.
    drops: bool,
}

impl<'a> Host<'a> {
    /// The name that components are made by.
    pub(super) fn core_name(&self) -> Cow<'a, str> {
        match self.drops {
            true => format!("[resource-drop]{}", self.name).into(),
            false => self.name.into(),
        }
    }
}

/// A component's index spaces; none is what no imported interface has.
#[derive(Default)]
pub(super) struct Names<'a> {
    instances: Vec<Option<&'a str>>,
    functions: Vec<Option<Imported<'a>>>,
    types: Vec<Option<Imported<'a>>>,
}

impl<'a> Names<'a> {
    /// Takes up what a section adds to the index spaces.
    pub(super) fn add(&mut self, payload: &Payload<'a>) -> Result<(), FlattenError> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let import = import?;
                    match import.ty.kind() {
                        ComponentExternalKind::Instance => {
                            self.instances.push(Some(import.name.name));
                        }
                        kind => self.push(kind, None)?,
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    // What is exported gets an index more.
                    self.push(export?.kind, None)?;
                }
            }
            Payload::ComponentTypeSection(section) => {
                self.types.extend((0..section.count()).map(|_| None));
            }
            Payload::ComponentInstanceSection(section) => {
                self.instances.extend((0..section.count()).map(|_| None));
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) -> Result<(), FlattenError> {
        match *alias {
            ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => {
                let interface = self.instances.get(instance_index as usize);
                let interface = interface.copied().flatten();
                self.push(
                    kind,
                    interface.map(|interface| Imported { interface, name }),
                )
            }
            ComponentAlias::Outer { kind, .. } => match kind {
                ComponentOuterAliasKind::Type => self.push(ComponentExternalKind::Type, None),
                ComponentOuterAliasKind::CoreModule => {
                    self.push(ComponentExternalKind::Module, None)
                }
                _ => Ok(()),
            },
            ComponentAlias::CoreInstanceExport { .. } => Ok(()),
        }
    }

    fn push(
        &mut self,
        kind: ComponentExternalKind,
        what: Option<Imported<'a>>,
    ) -> Result<(), FlattenError> {
        match kind {
            ComponentExternalKind::Func => self.functions.push(what),
            ComponentExternalKind::Type => self.types.push(what),
            ComponentExternalKind::Instance => self.instances.push(None),
            ComponentExternalKind::Module => return Err(unknown("it imports a core module")),
            ComponentExternalKind::Value | ComponentExternalKind::Component => {}
        }
        Ok(())
    }

    /// Takes up a function that the component makes itself.
    pub(super) fn lifted(&mut self) {
        self.functions.push(None);
    }

    /// What of the host's a core function stands for; none is anything else.
    pub(super) fn host(
        &self,
        function: &CanonicalFunction,
    ) -> Result<Option<Host<'a>>, FlattenError> {
        let (space, index, drops) = match *function {
            CanonicalFunction::Lower { func_index, .. } => (&self.functions, func_index, false),
            CanonicalFunction::ResourceDrop { resource } => (&self.types, resource, true),
            _ => return Ok(None),
        };
        let imported = space.get(index as usize).copied().flatten();
        let imported = imported.filter(|it| it.interface.starts_with(OURS));
        if let (Some(_), CanonicalFunction::Lower { options, .. }) = (imported, function) {
            options.iter().try_for_each(usual)?;
        }
        Ok(imported.map(|Imported { interface, name }| Host {
            interface,
            name,
            drops,
        }))
    }
}

/// Refuses what components are not made with again.
fn usual(option: &CanonicalOption) -> Result<(), FlattenError> {
    match option {
        CanonicalOption::UTF8 | CanonicalOption::Memory(_) | CanonicalOption::Realloc(_) => Ok(()),
        other => Err(unknown(format!("it calls the host with {other:?}"))),
    }
}
