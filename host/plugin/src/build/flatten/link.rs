//! Where the things of each module are in the one that is made of all, and what imports are bound to.

use super::graph::{Graph, Item};
use super::module::{Module, count};
use super::names::Host;
use super::{FlattenError, unknown};
use std::collections::HashMap;
use wasmparser::{ExternalKind, Instance, Operator, TypeRef};

/// What an import, an export or an option means in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// What a placed module defines: the `index`th of its kind.
    Defined { placed: usize, index: u32 },
    /// An import that stays one.
    Host(u32),
    /// A function that traps, in place of one that policies do not get.
    Trap(u32),
}

/// What an import or an export is bound to.
pub(super) enum Bound<'a> {
    /// Something that was placed.
    Defined(Target),
    /// A function of the host's.
    Host(Host<'a>),
    /// A function of what policies do not get.
    Closed,
}

/// The type of a function, in the module that has it.
#[derive(Clone, Copy)]
pub(super) struct TypeOf {
    placed: usize,
    ty: u32,
}

/// A module, instantiated; where its things begin among all of their kind.
pub(super) struct Placed<'g, 'a> {
    pub(super) module: &'g Module<'a>,
    functions: Vec<Target>,
    tables: Vec<Target>,
    memories: Vec<Target>,
    globals: Vec<Target>,
    pub(super) first_type: u32,
    first_function: u32,
    first_table: u32,
    first_memory: u32,
    first_global: u32,
    pub(super) first_element: u32,
    pub(super) first_data: u32,
}

/// How many there are so far.
#[derive(Default)]
pub(super) struct Counts {
    types: u32,
    functions: u32,
    tables: u32,
    memories: u32,
    globals: u32,
    elements: u32,
    pub(super) data: u32,
}

pub(super) struct Linker<'g, 'a> {
    pub(super) graph: &'g Graph<'a>,
    pub(super) placed: Vec<Placed<'g, 'a>>,
    /// Of each of the component's instances: the module that was placed for it, if it is one.
    instances: Vec<Option<usize>>,
    pub(super) hosts: Vec<(Host<'a>, TypeOf)>,
    host_of: HashMap<Host<'a>, u32>,
    pub(super) traps: Vec<TypeOf>,
    pub(super) counts: Counts,
}

impl Counts {
    /// A module's place after those before it. `imports` are those of functions, tables,
    /// memories and globals.
    fn take<'g, 'a>(
        &mut self,
        module: &'g Module<'a>,
        imports: [Vec<Target>; 4],
    ) -> Result<Placed<'g, 'a>, FlattenError> {
        let take = |count: &mut u32, more: u32| {
            let first = *count;
            *count += more;
            first
        };
        let [functions, tables, memories, globals] = imports;
        Ok(Placed {
            functions,
            tables,
            memories,
            globals,
            first_type: take(&mut self.types, module.count_types()?),
            first_function: take(&mut self.functions, module.defined(ExternalKind::Func)),
            first_table: take(&mut self.tables, module.defined(ExternalKind::Table)),
            first_memory: take(&mut self.memories, module.defined(ExternalKind::Memory)),
            first_global: take(&mut self.globals, module.defined(ExternalKind::Global)),
            first_element: take(&mut self.elements, count(&module.elements)),
            first_data: take(&mut self.data, count(&module.data)),
            module,
        })
    }
}

impl<'g, 'a> Linker<'g, 'a> {
    /// Places every module that a component instantiates.
    pub(super) fn new(graph: &'g Graph<'a>) -> Result<Self, FlattenError> {
        let mut linker = Self {
            graph,
            placed: Vec::new(),
            instances: Vec::new(),
            hosts: Vec::new(),
            host_of: HashMap::new(),
            traps: Vec::new(),
            counts: Counts::default(),
        };
        for instance in &graph.instances {
            let placed = match instance {
                Instance::Instantiate { module_index, args } => {
                    let args = args.iter().map(|arg| (arg.name, arg.index)).collect();
                    Some(linker.place(*module_index, &args)?)
                }
                Instance::FromExports(_) => None,
            };
            linker.instances.push(placed);
        }
        Ok(linker)
    }

    /// Places one instance of a module, and binds its imports to what came before it.
    fn place(&mut self, module: u32, args: &HashMap<&'a str, u32>) -> Result<usize, FlattenError> {
        let module = self.graph.modules.get(module as usize);
        let module = module.ok_or_else(|| unknown("it instantiates a module that it has not"))?;
        if module.has_start {
            return Err(unknown("one of its modules has a start function"));
        }
        let id = self.placed.len();
        let (mut functions, mut tables) = (Vec::new(), Vec::new());
        let (mut memories, mut globals) = (Vec::new(), Vec::new());
        for import in &module.imports {
            let bound = |kind| self.bound(args, import.module, kind, import.name);
            match import.ty {
                TypeRef::Func(ty) => {
                    let ty = TypeOf { placed: id, ty };
                    functions.push(match bound(ExternalKind::Func)? {
                        Bound::Defined(target) => target,
                        Bound::Host(host) => self.host(host, ty),
                        Bound::Closed => self.trap(ty),
                    });
                }
                TypeRef::Table(_) => tables.push(known(bound(ExternalKind::Table)?, import.name)?),
                TypeRef::Memory(_) => {
                    memories.push(known(bound(ExternalKind::Memory)?, import.name)?)
                }
                TypeRef::Global(_) => {
                    globals.push(known(bound(ExternalKind::Global)?, import.name)?)
                }
                _ => return Err(unknown("it uses exceptions")),
            }
        }
        let placed = self
            .counts
            .take(module, [functions, tables, memories, globals])?;
        self.placed.push(placed);
        Ok(id)
    }

    fn host(&mut self, host: Host<'a>, ty: TypeOf) -> Target {
        let next = self.hosts.len() as u32;
        let index = *self.host_of.entry(host).or_insert(next);
        if index == next {
            self.hosts.push((host, ty));
        }
        Target::Host(index)
    }

    fn trap(&mut self, ty: TypeOf) -> Target {
        self.traps.push(ty);
        Target::Trap(self.traps.len() as u32 - 1)
    }

    /// What a module's import was bound to.
    fn bound(
        &self,
        args: &HashMap<&'a str, u32>,
        module: &str,
        kind: ExternalKind,
        name: &str,
    ) -> Result<Bound<'a>, FlattenError> {
        let instance = args.get(module);
        let instance =
            instance.ok_or_else(|| unknown(format!("{module} is imported from nowhere")))?;
        self.export(*instance, kind, name)
    }

    /// An export of one of the component's instances.
    fn export(
        &self,
        instance: u32,
        kind: ExternalKind,
        name: &str,
    ) -> Result<Bound<'a>, FlattenError> {
        let missing = || unknown(format!("an instance has no {name}"));
        if let Some(Some(placed)) = self.instances.get(instance as usize) {
            let module = self.placed.get(*placed).ok_or_else(missing)?;
            let (_, index) = module.module.exports.get(name).ok_or_else(missing)?;
            let target = module.target(*placed, kind, *index);
            return target.map(Bound::Defined).ok_or_else(missing);
        }
        let Some(Instance::FromExports(exports)) = self.graph.instances.get(instance as usize)
        else {
            return Err(missing());
        };
        let export = exports
            .iter()
            .find(|export| export.name == name)
            .ok_or_else(missing)?;
        self.item(export.kind, export.index)
    }

    /// What is at an index of one of the component's core spaces.
    pub(super) fn item(&self, kind: ExternalKind, index: u32) -> Result<Bound<'a>, FlattenError> {
        match self.graph.item(kind, index)? {
            Item::Export { instance, name } => self.export(instance, kind, name),
            Item::Host(host) => Ok(Bound::Host(host)),
            Item::Closed => Ok(Bound::Closed),
        }
    }

    /// The index in the whole module.
    pub(super) fn index(&self, kind: ExternalKind, target: Target) -> u32 {
        let (hosts, traps) = (self.hosts.len() as u32, self.traps.len() as u32);
        match target {
            Target::Host(index) => index,
            Target::Trap(index) => hosts + index,
            Target::Defined { placed, index } => {
                let first = self.placed.get(placed).map_or(0, |it| match kind {
                    ExternalKind::Table => it.first_table,
                    ExternalKind::Memory => it.first_memory,
                    ExternalKind::Global => it.first_global,
                    _ => hosts + traps + it.first_function,
                });
                first + index
            }
        }
    }

    pub(super) fn type_index(&self, ty: TypeOf) -> u32 {
        self.placed.get(ty.placed).map_or(0, |it| it.first_type) + ty.ty
    }

    /// The value of a global that never changes, if it is a plain number.
    pub(super) fn constant(&self, target: Target) -> Result<Option<i32>, FlattenError> {
        let Target::Defined { placed, index } = target else {
            return Ok(None);
        };
        let globals = self
            .placed
            .get(placed)
            .and_then(|it| it.module.globals.clone());
        let global = globals.and_then(|section| section.into_iter().nth(index as usize));
        let Some(global) = global.transpose()? else {
            return Ok(None);
        };
        if global.ty.mutable {
            return Ok(None);
        }
        match global.init_expr.get_operators_reader().read()? {
            Operator::I32Const { value } => Ok(Some(value)),
            _ => Ok(None),
        }
    }
}

/// A thing that must be some module's own.
pub(super) fn known(bound: Bound<'_>, name: &str) -> Result<Target, FlattenError> {
    match bound {
        Bound::Defined(target) => Ok(target),
        Bound::Host(_) | Bound::Closed => Err(unknown(format!("{name} is no module's"))),
    }
}

impl Placed<'_, '_> {
    /// What is at an index of the module, imports first.
    pub(super) fn target(&self, placed: usize, kind: ExternalKind, index: u32) -> Option<Target> {
        let imports = match kind {
            ExternalKind::Func => &self.functions,
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            _ => return None,
        };
        let defined = |index| {
            (index < self.module.defined(kind)).then_some(Target::Defined { placed, index })
        };
        match index.checked_sub(imports.len() as u32) {
            Some(index) => defined(index),
            None => imports.get(index as usize).copied(),
        }
    }
}
