//! The layout of every type of the ABI, as text.
//!
//! `abi_stable` compares layouts when a library is loaded. This is the same knowledge at the desk: what a
//! change of a type does to the ABI is seen in a diff, before anybody loads anything.

use std::collections::{BTreeMap, HashSet};

use pointsman_loader::api::abi_stable::StableAbi;
use pointsman_loader::api::abi_stable::std_types::UTypeId;
use pointsman_loader::api::abi_stable::type_layout::{TLField, TLFunction, TypeLayout};
use pointsman_loader::api::{
    BodyBox, Error, HostBox, LogRecord, Notice, PluginBox, Request, Response, RootRef, StartOptions, Status,
};

/// The crate whose types these are; the others are those of `abi_stable` and of `async-ffi`.
const OWN: &str = "pointsman-api";

/// Describes all types that can cross the boundary, in the order of their names.
pub fn describe() -> String {
    let mut types = BTreeMap::new();
    let mut seen = HashSet::new();
    for layout in roots() {
        visit(layout, &mut seen, &mut types);
    }
    types.into_values().collect::<Vec<_>>().join("\n")
}

fn roots() -> [&'static TypeLayout; 11] {
    [
        RootRef::LAYOUT,
        PluginBox::LAYOUT,
        HostBox::LAYOUT,
        BodyBox::LAYOUT,
        StartOptions::LAYOUT,
        Request::LAYOUT,
        Response::LAYOUT,
        Notice::LAYOUT,
        LogRecord::LAYOUT,
        Status::LAYOUT,
        Error::LAYOUT,
    ]
}

fn visit(layout: &'static TypeLayout, seen: &mut HashSet<UTypeId>, types: &mut BTreeMap<String, String>) {
    if !seen.insert(layout.get_utypeid()) {
        return;
    }
    if layout.package().as_str() == OWN {
        let name = format!("{}::{}", layout.mod_path(), layout.name());
        types.insert(name.clone(), of_type(layout, &name));
    }
    for part in layout.shared_vars().type_layouts() {
        visit(part(), seen, types);
    }
    if let Some(extra) = layout.extra_checks() {
        extra.nested_type_layouts().iter().for_each(|part| visit(part, seen, types));
    }
}

/// Types with what they hold: `RResult<Response, Error>`.
fn name_of(layout: &TypeLayout) -> String {
    let parts: Vec<_> = held_by(layout).into_iter().map(name_of).collect();
    let name = layout.name();
    if parts.is_empty() { name.to_owned() } else { format!("{name}<{}>", parts.join(", ")) }
}

fn held_by(layout: &TypeLayout) -> Vec<&'static TypeLayout> {
    let parts = || layout.shared_vars().type_layouts().iter().map(|part| part());
    match layout.name() {
        "ROption" | "RResult" | "Tuple2" | "FfiPoll" | "BorrowingFfiFuture" => parts().collect(),
        // The first thing in it is the pointer to what it holds.
        "RVec" => parts().take(1).flat_map(held_by).collect(),
        "NonNull" => parts().take(1).collect(),
        // A future tells what it yields where it is polled.
        "LocalBorrowingFfiFuture" => {
            functions(layout).filter_map(|poll| poll.return_type_layout()).map(|part| part()).collect()
        }
        _ => Vec::new(),
    }
}

fn of_type(layout: &TypeLayout, name: &str) -> String {
    let kind = if layout.is_prefix_kind() { "prefix type" } else { "type" };
    let (size, alignment) = (layout.size(), layout.alignment());
    let head = format!("{kind} {name}: {size} bytes, aligned to {alignment}\n");
    let fields = layout.get_fields().into_iter().flat_map(|fields| fields.to_vec());
    head + &fields.map(|field| of_field(&field)).collect::<String>()
}

fn of_field(field: &TLField) -> String {
    let name = field.name();
    if field.is_function() {
        let functions = field.function_range().iter();
        return functions.map(|function| format!("    {name}: {}\n", of_function(&function))).collect();
    }
    format!("    {name}: {}, {} bytes\n", name_of(field.layout()), field.layout().size())
}

fn functions(layout: &TypeLayout) -> impl Iterator<Item = TLFunction> {
    let fields = layout.get_fields().into_iter().flat_map(|fields| fields.to_vec());
    fields.filter(TLField::is_function).flat_map(|field| field.function_range().iter())
}

fn of_function(function: &TLFunction) -> String {
    let parameters: Vec<_> = function.param_type_layouts.iter().map(|layout| name_of(layout())).collect();
    let returned = function.return_type_layout().map_or("()".to_owned(), |layout| name_of(layout()));
    format!("fn({}) -> {returned}", parameters.join(", "))
}
