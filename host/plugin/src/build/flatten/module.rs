//! A core module, its sections ready to be written again.

use super::FlattenError;
use std::collections::HashMap;
use wasmparser::{
    DataSectionReader, ElementSectionReader, ExternalKind, FunctionBody, GlobalSectionReader,
    MemorySectionReader, Operator, Parser, Payload, SectionLimited, TableSectionReader, TypeRef,
    TypeSectionReader,
};

/// An import.
pub(super) struct Import<'a> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
    pub(super) ty: TypeRef,
}

/// A module's sections; those that it has not are none.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Option<TypeSectionReader<'a>>,
    pub(super) imports: Vec<Import<'a>>,
    /// Types of the functions that it defines.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Option<TableSectionReader<'a>>,
    pub(super) memories: Option<MemorySectionReader<'a>>,
    pub(super) globals: Option<GlobalSectionReader<'a>>,
    pub(super) exports: HashMap<&'a str, (ExternalKind, u32)>,
    pub(super) elements: Option<ElementSectionReader<'a>>,
    pub(super) data: Option<DataSectionReader<'a>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    pub(super) has_start: bool,
}

impl<'a> Module<'a> {
    /// Reads a module.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, FlattenError> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => module.types = Some(section),
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        module.imports.push(Import {
                            module: import.module,
                            name: import.name,
                            ty: import.ty,
                        });
                    }
                }
                Payload::FunctionSection(section) => {
                    module.functions = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::TableSection(section) => module.tables = Some(section),
                Payload::MemorySection(section) => module.memories = Some(section),
                Payload::GlobalSection(section) => module.globals = Some(section),
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        module
                            .exports
                            .insert(export.name, (export.kind, export.index));
                    }
                }
                Payload::StartSection { .. } => module.has_start = true,
                Payload::ElementSection(section) => module.elements = Some(section),
                Payload::DataSection(section) => module.data = Some(section),
                Payload::CodeSectionEntry(body) => module.bodies.push(body),
                _ => {}
            }
        }
        Ok(module)
    }

    /// How many things of a kind it defines.
    pub(super) fn defined(&self, kind: ExternalKind) -> u32 {
        match kind {
            ExternalKind::Func => self.functions.len() as u32,
            ExternalKind::Table => count(&self.tables),
            ExternalKind::Memory => count(&self.memories),
            ExternalKind::Global => count(&self.globals),
            _ => 0,
        }
    }

    /// How many types it has; they come in groups.
    pub(super) fn count_types(&self) -> Result<u32, FlattenError> {
        let groups = self.types.clone().into_iter().flatten();
        groups.map(|group| Ok(group?.types().len() as u32)).sum()
    }
}

/// How many things are in a section.
pub(super) fn count<T>(section: &Option<SectionLimited<'_, T>>) -> u32 {
    section.as_ref().map_or(0, SectionLimited::count)
}

/// Whether all code in a component does nothing, traps, or calls another of its functions.
pub(super) fn only_traps(component: &[u8]) -> Result<bool, FlattenError> {
    for payload in Parser::new(0).parse_all(component) {
        let Payload::CodeSectionEntry(body) = payload? else {
            continue;
        };
        let (mut does_nothing, mut ends) = (true, false);
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::Unreachable | Operator::CallIndirect { .. } => ends = true,
                // Arguments of the call.
                Operator::LocalGet { .. } | Operator::I32Const { .. } => does_nothing = false,
                Operator::End => {}
                _ => return Ok(false),
            }
        }
        if !does_nothing && !ends {
            return Ok(false);
        }
    }
    Ok(true)
}
