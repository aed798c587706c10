//! Writes the one module.

use super::graph::Graph;
use super::link::{Linker, Placed, Target, known};
use super::{FlattenError, unknown};
use std::collections::BTreeMap;
use wasm_encoder as enc;
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::{CanonicalOption, ExternalKind, Operator};

/// One core module of all that a component instantiates.
pub(super) fn write(graph: &Graph<'_>) -> Result<Vec<u8>, FlattenError> {
    let linker = Linker::new(graph)?;
    let exports = linker.exports()?;
    let mut sections = Sections::default();
    for ty in &linker.traps {
        sections.functions.function(linker.type_index(*ty));
        let mut body = enc::Function::new([]);
        body.instructions().unreachable().end();
        sections.code.function(&body);
    }
    for (id, placed) in linker.placed.iter().enumerate() {
        let mover = Mover {
            linker: &linker,
            placed: id,
        };
        sections
            .add(placed, mover)
            .map_err(|error| FlattenError::Write(error.to_string()))?;
    }
    let mut imports = enc::ImportSection::new();
    for (host, ty) in &linker.hosts {
        let ty = enc::EntityType::Function(linker.type_index(*ty));
        imports.import(host.interface, &host.core_name(), ty);
    }
    Ok(sections.finish(&imports, &exports, linker.counts.data))
}

/// The module's sections as they fill.
#[derive(Default)]
struct Sections {
    types: enc::TypeSection,
    functions: enc::FunctionSection,
    tables: enc::TableSection,
    memories: enc::MemorySection,
    globals: enc::GlobalSection,
    elements: enc::ElementSection,
    code: enc::CodeSection,
    data: enc::DataSection,
}

impl Sections {
    fn add(&mut self, placed: &Placed<'_, '_>, mut mover: Mover<'_, '_, '_>) -> Moved<()> {
        let module = placed.module;
        if let Some(section) = module.types.clone() {
            mover.parse_type_section(&mut self.types, section)?;
        }
        for ty in &module.functions {
            self.functions.function(placed.first_type + ty);
        }
        if let Some(section) = module.tables.clone() {
            mover.parse_table_section(&mut self.tables, section)?;
        }
        if let Some(section) = module.memories.clone() {
            mover.parse_memory_section(&mut self.memories, section)?;
        }
        if let Some(section) = module.globals.clone() {
            mover.parse_global_section(&mut self.globals, section)?;
        }
        if let Some(section) = module.elements.clone() {
            mover.parse_element_section(&mut self.elements, section)?;
        }
        for body in &module.bodies {
            mover.parse_function_body(&mut self.code, body.clone())?;
        }
        if let Some(section) = module.data.clone() {
            mover.parse_data_section(&mut self.data, section)?;
        }
        Ok(())
    }

    fn finish(
        &self,
        imports: &enc::ImportSection,
        exports: &enc::ExportSection,
        data: u32,
    ) -> Vec<u8> {
        let mut whole = enc::Module::new();
        whole
            .section(&self.types)
            .section(imports)
            .section(&self.functions);
        whole
            .section(&self.tables)
            .section(&self.memories)
            .section(&self.globals);
        whole.section(exports).section(&self.elements);
        whole.section(&enc::DataCountSection { count: data });
        whole.section(&self.code).section(&self.data);
        whole.finish()
    }
}

/// Writes one placed module's contents, every index moved to where it is in the whole.
struct Mover<'l, 'g, 'a> {
    linker: &'l Linker<'g, 'a>,
    placed: usize,
}

type Moved<T> = Result<T, reencode::Error<FlattenError>>;

impl Mover<'_, '_, '_> {
    fn place(&self) -> Moved<&Placed<'_, '_>> {
        let placed = self.linker.placed.get(self.placed);
        placed.ok_or_else(|| reencode::Error::UserError(unknown("it was not placed")))
    }

    fn target(&self, kind: ExternalKind, index: u32) -> Moved<Target> {
        let target = self.place()?.target(self.placed, kind, index);
        target.ok_or_else(|| {
            reencode::Error::UserError(unknown(format!("a module has no {kind:?} {index}")))
        })
    }

    fn index(&self, kind: ExternalKind, index: u32) -> Moved<u32> {
        Ok(self.linker.index(kind, self.target(kind, index)?))
    }
}

impl Reencode for Mover<'_, '_, '_> {
    type Error = FlattenError;

    fn type_index(&mut self, ty: u32) -> Moved<u32> {
        Ok(self.place()?.first_type + ty)
    }

    fn function_index(&mut self, index: u32) -> Moved<u32> {
        self.index(ExternalKind::Func, index)
    }

    fn table_index(&mut self, index: u32) -> Moved<u32> {
        self.index(ExternalKind::Table, index)
    }

    fn memory_index(&mut self, index: u32) -> Moved<u32> {
        self.index(ExternalKind::Memory, index)
    }

    fn global_index(&mut self, index: u32) -> Moved<u32> {
        self.index(ExternalKind::Global, index)
    }

    fn element_index(&mut self, index: u32) -> Moved<u32> {
        Ok(self.place()?.first_element + index)
    }

    fn data_index(&mut self, index: u32) -> Moved<u32> {
        Ok(self.place()?.first_data + index)
    }

    /// An offset that is another module's constant is written out: with it known, tables and memories are
    /// prepared when the component is compiled and not for each call.
    fn const_expr(&mut self, expr: wasmparser::ConstExpr<'_>) -> Moved<enc::ConstExpr> {
        let mut operators = expr.get_operators_reader();
        if let Operator::GlobalGet { global_index } = operators.read()? {
            let target = self.target(ExternalKind::Global, global_index)?;
            let constant = self
                .linker
                .constant(target)
                .map_err(reencode::Error::UserError)?;
            if let (Some(value), Operator::End) = (constant, operators.read()?) {
                return Ok(enc::ConstExpr::i32_const(value));
            }
        }
        reencode::utils::const_expr(self, expr)
    }
}

impl Linker<'_, '_> {
    /// The policy's functions with what they need, by the names that components are made by.
    fn exports(&self) -> Result<enc::ExportSection, FlattenError> {
        let mut exports = BTreeMap::new();
        for lift in &self.graph.lifts {
            let Some(function) = self.graph.policy_name(lift.function) else {
                continue;
            };
            let mut export = |name: String, kind, index| {
                let is = (kind, known(self.item(kind, index)?, &name)?);
                match exports.insert(name, is) {
                    Some(was) if was != is => Err(unknown("its exports differ in what they use")),
                    _ => Ok(()),
                }
            };
            export(function.to_owned(), ExternalKind::Func, lift.function)?;
            for option in &lift.options {
                match *option {
                    CanonicalOption::UTF8 => {}
                    CanonicalOption::Memory(index) => {
                        export("memory".to_owned(), ExternalKind::Memory, index)?;
                    }
                    CanonicalOption::Realloc(index) => {
                        export("cabi_realloc".to_owned(), ExternalKind::Func, index)?;
                    }
                    CanonicalOption::PostReturn(index) => {
                        export(format!("cabi_post_{function}"), ExternalKind::Func, index)?;
                    }
                    ref other => return Err(unknown(format!("it exports with {other:?}"))),
                }
            }
        }
        let mut section = enc::ExportSection::new();
        for (name, (kind, target)) in exports {
            let exported = match kind {
                ExternalKind::Memory => enc::ExportKind::Memory,
                _ => enc::ExportKind::Func,
            };
            section.export(&name, exported, self.index(kind, target));
        }
        Ok(section)
    }
}
