//! What a component is linked from: its core modules, how they are instantiated, and what of
//! them it exports.

use super::module::{Module, only_traps};
use super::names::{Host, Names};
use super::{FlattenError, OURS, unknown};
use std::ops::Range;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ExternalKind, Instance, Parser, Payload,
};

/// Something in one of a component's core index spaces.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    /// An instance's export.
    Export { instance: u32, name: &'a str },
    /// A function of the host's.
    Host(Host<'a>),
    /// A function of what policies do not get.
    Closed,
}

/// A function that the component exports.
pub(super) struct Lift {
    pub(super) function: u32,
    pub(super) options: Box<[CanonicalOption]>,
}

/// One component, without those nested in it.
#[derive(Default)]
pub(super) struct Graph<'a> {
    pub(super) modules: Vec<Module<'a>>,
    pub(super) instances: Vec<Instance<'a>>,
    functions: Vec<Item<'a>>,
    tables: Vec<Item<'a>>,
    memories: Vec<Item<'a>>,
    globals: Vec<Item<'a>>,
    pub(super) lifts: Vec<Lift>,
    names: Names<'a>,
    /// The components nested in it.
    nested: Vec<&'a [u8]>,
}

impl<'a> Graph<'a> {
    /// Reads the component, or that of those nested in it, which exports a policy.
    pub(super) fn read(component: &'a [u8]) -> Result<Self, FlattenError> {
        let mut graph = Self::shallow(component)?;
        while !graph.lifts_policy() {
            graph.nested.sort_by_key(|it| it.len());
            let linked = graph.nested.pop();
            let linked =
                linked.ok_or_else(|| unknown("none of its components exports a policy"))?;
            // Around it lie some that stub its imports. What they do must be no loss.
            if !graph.modules.is_empty() {
                return Err(unknown("there are modules around its engine's component"));
            }
            for stub in graph.nested {
                if !only_traps(stub)? {
                    return Err(unknown(
                        "it gets its imports of a component that does more than trap",
                    ));
                }
            }
            graph = Self::shallow(linked)?;
        }
        Ok(graph)
    }

    /// Whether a policy's function is among its exports.
    fn lifts_policy(&self) -> bool {
        let mut lifts = self.lifts.iter();
        lifts.any(|lift| self.policy_name(lift.function).is_some())
    }

    /// The name of a function that is exported for a policy.
    pub(super) fn policy_name(&self, function: u32) -> Option<&'a str> {
        match self.functions.get(function as usize)? {
            Item::Export { name, .. } => name.starts_with(OURS).then_some(name),
            Item::Host(_) | Item::Closed => None,
        }
    }

    fn shallow(component: &'a [u8]) -> Result<Self, FlattenError> {
        let mut graph = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload?;
            match payload {
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    if depth == 0 {
                        graph.nested.push(part(component, &unchecked_range)?);
                    }
                    depth += 1;
                }
                Payload::ModuleSection {
                    unchecked_range, ..
                } => {
                    if depth == 0 {
                        let bytes = part(component, &unchecked_range)?;
                        graph.modules.push(Module::read(bytes)?);
                    }
                    depth += 1;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                payload if depth == 0 => graph.add(payload)?,
                _ => {}
            }
        }
        Ok(graph)
    }

    fn add(&mut self, payload: Payload<'a>) -> Result<(), FlattenError> {
        self.names.add(&payload)?;
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.instances.push(instance?);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    if let ComponentAlias::CoreInstanceExport {
                        kind,
                        instance_index,
                        name,
                    } = alias?
                    {
                        let instance = instance_index;
                        self.space(kind)?.push(Item::Export { instance, name });
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.canonical(function?)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn canonical(&mut self, function: CanonicalFunction) -> Result<(), FlattenError> {
        if let CanonicalFunction::Lift {
            core_func_index,
            options,
            ..
        } = function
        {
            self.names.lifted();
            self.lifts.push(Lift {
                function: core_func_index,
                options,
            });
            return Ok(());
        }
        let host = self.names.host(&function)?;
        self.functions.push(host.map_or(Item::Closed, Item::Host));
        Ok(())
    }

    fn space(&mut self, kind: ExternalKind) -> Result<&mut Vec<Item<'a>>, FlattenError> {
        match kind {
            ExternalKind::Func => Ok(&mut self.functions),
            ExternalKind::Table => Ok(&mut self.tables),
            ExternalKind::Memory => Ok(&mut self.memories),
            ExternalKind::Global => Ok(&mut self.globals),
            _ => Err(unknown("it uses exceptions")),
        }
    }

    /// What is at an index of a space.
    pub(super) fn item(&self, kind: ExternalKind, index: u32) -> Result<Item<'a>, FlattenError> {
        let space = match kind {
            ExternalKind::Func => &self.functions,
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            _ => return Err(unknown("it uses exceptions")),
        };
        let item = space.get(index as usize).copied();
        item.ok_or_else(|| unknown(format!("it has no {kind:?} {index}")))
    }
}

fn part<'a>(component: &'a [u8], range: &Range<u64>) -> Result<&'a [u8], FlattenError> {
    let part = component.get(range.start as usize..range.end as usize);
    part.ok_or_else(|| unknown("a part of it lies outside"))
}
