//! Components that are linked in small the way componentize-qjs links its large ones.

use super::{FlattenError, flatten};
use std::sync::{Arc, Mutex};
use wasmparser::{Parser, Payload};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

/// An engine that imports its memory, its table and where its functions are in that, calls the
/// host, and has an import that nobody may have stubbed around it.
const LINKED: &str = r#"(component
  (import "pointsman:policy/log@1.0.0" (instance $log
    (export "note" (func (param "what" u32)))))
  (component $stub
    (core module $m (func (export "time") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func (export "time") (result u32) (canon lift (core func $i "time"))))
  (component $linked
    (import "pointsman:policy/log@1.0.0" (instance $log
      (export "note" (func (param "what" u32)))))
    (import "other:system/clock@1.0.0" (instance $clock
      (export "time" (func (result u32)))))
    (core module $memory
      (memory (export "memory") 1)
      (table (export "table") 8 funcref)
      (global (export "base") i32 (i32.const 3))
      (data (i32.const 8) "\2a"))
    (core module $engine
      (import "env" "memory" (memory 1))
      (import "env" "table" (table 8 funcref))
      (import "env" "base" (global $base i32))
      (import "host" "note" (func $note (param i32)))
      (import "host" "time" (func $time (result i32)))
      (type $unary (func (param i32) (result i32)))
      (elem (global.get $base) func $double $late)
      (func $double (type $unary) (i32.mul (local.get 0) (i32.const 2)))
      (func $late (type $unary) (call $time))
      ;; START
      (func (export "pointsman:policy/probe@1.0.0#ask") (param i32) (result i32)
        (call $note (local.get 0))
        (i32.store8 (i32.const 9) (i32.add (i32.load8_u (i32.const 9)) (i32.const 1)))
        (i32.add (i32.add (i32.load8_u (i32.const 8)) (i32.load8_u (i32.const 9)))
          (call_indirect (type $unary) (local.get 0)
            (i32.add (global.get $base) (i32.ge_u (local.get 0) (i32.const 100)))))))
    (core instance $env (instantiate $memory))
    (core func $note (canon lower (func $log "note")))
    (core func $time (canon lower (func $clock "time")))
    (core instance $host (export "note" (func $note)) (export "time" (func $time)))
    (core instance $i (instantiate $engine
      (with "env" (instance $env)) (with "host" (instance $host))))
    (func $ask (param "number" u32) (result u32)
      (canon lift (core func $i "pointsman:policy/probe@1.0.0#ask")))
    (instance $probe (export "ask" (func $ask)))
    (export "pointsman:policy/probe@1.0.0" (instance $probe)))
  (instance $clock (instantiate $stub))
  (instance $i (instantiate $linked
    (with "pointsman:policy/log@1.0.0" (instance $log))
    (with "other:system/clock@1.0.0" (instance $clock))))
  (export "pointsman:policy/probe@1.0.0" (instance $i "pointsman:policy/probe@1.0.0")))"#;

fn linked(from: &str, to: &str) -> Vec<u8> {
    assert!(LINKED.contains(from), "{from}");
    wat::parse_str(LINKED.replace(from, to)).unwrap()
}

fn refusal(component: &[u8]) -> String {
    flatten(component).unwrap_err().to_string()
}

/// What a fresh instance answers, none if it traps, and what it noted.
fn ask(component: &[u8], number: u32) -> (Option<u32>, Vec<u32>) {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    let mut linker = Linker::new(&engine);
    let noted = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&noted);
    linker
        .instance("pointsman:policy/log@1.0.0")
        .unwrap()
        .func_wrap("note", move |_, (what,): (u32,)| {
            notes.lock().unwrap().push(what);
            Ok(())
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let probe = instance.get_export_index(&mut store, None, "pointsman:policy/probe@1.0.0");
    let ask = instance.get_export_index(&mut store, probe.as_ref(), "ask");
    let ask = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, ask.unwrap())
        .unwrap();
    let answer = ask.call(&mut store, (number,)).ok().map(|(it,)| it);
    let noted = noted.lock().unwrap().clone();
    (answer, noted)
}

fn core_modules(component: &[u8]) -> usize {
    let payloads = Parser::new(0).parse_all(component).map(Result::unwrap);
    payloads
        .filter(|it| matches!(it, Payload::ModuleSection { .. }))
        .count()
}

#[test]
fn the_flattened_component_answers_calls_the_host_and_traps_as_the_linked_one_does() {
    let linked = linked("", "");
    let flat = flatten(&linked).unwrap();
    assert_eq!((core_modules(&linked), core_modules(&flat)), (3, 1));
    for component in [&linked, &flat] {
        // Twice the number, 42 of the data and 1 for the first call.
        assert_eq!(ask(component, 5), (Some(53), vec![5]));
        assert_eq!(ask(component, 100), (None, vec![100]));
    }
}

#[test]
fn a_table_whose_place_is_known_is_prepared_when_compiled() {
    let flat = flatten(&linked("", "")).unwrap();
    let places = Parser::new(0).parse_all(&flat).map(Result::unwrap);
    let elements = places.filter_map(|it| match it {
        Payload::ElementSection(section) => Some(section),
        _ => None,
    });
    for element in elements.flatten() {
        let wasmparser::ElementKind::Active { offset_expr, .. } = element.unwrap().kind else {
            continue;
        };
        let first = offset_expr.get_operators_reader().read().unwrap();
        assert!(
            matches!(first, wasmparser::Operator::I32Const { value: 3 }),
            "{first:?}"
        );
    }
}

#[test]
fn what_is_linked_in_another_way_is_refused_with_the_reason() {
    let stub = linked("(result i32) unreachable", "(result i32) i32.const 7");
    assert!(refusal(&stub).contains("does more than trap"));
    let start = linked(";; START", "(func $begin) (start $begin)");
    assert!(refusal(&start).contains("start function"));
    let wide = linked(
        "(core func $i \"pointsman:policy/probe@1.0.0#ask\")",
        "(core func $i \"pointsman:policy/probe@1.0.0#ask\") string-encoding=utf16",
    );
    assert!(refusal(&wide).contains("UTF16"));
    let wide = linked(
        "(canon lower (func $log \"note\"))",
        "(canon lower (func $log \"note\") string-encoding=utf16)",
    );
    assert!(refusal(&wide).contains("calls the host with UTF16"));
    let other = LINKED.replace("pointsman:policy/probe", "other:policy/probe");
    let other = wat::parse_str(other).unwrap();
    assert!(refusal(&other).contains("exports a policy"));
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    let linked = linked("", "");
    for length in [0, 4, 8, 100, linked.len() - 1] {
        assert!(flatten(&linked[..length]).is_err(), "{length} bytes");
    }
    let module = wat::parse_str("(module)").unwrap();
    assert!(matches!(flatten(&module), Err(FlattenError::Unknown(_))));
}
