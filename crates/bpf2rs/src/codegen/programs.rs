//! Programs: what can be attached where is known from the section name, so rustc can know too.

use oxbpf_object::{CollectionSpec, ProgramSpec, ProgramType, btf::Kind};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::{names::Scope, types::Types};

/// A program of the generated code.
pub(super) struct ProgramItem<'a> {
    pub(super) name: &'a str,
    pub(super) field: Ident,
    /// What it is known to be, if it is of a kind that there is.
    kind: Option<Ident>,
    /// Whether it is loaded only on demand.
    is_optional: bool,
    pub(super) docs: String,
}

impl ProgramItem<'_> {
    /// Its type once loaded.
    pub(super) fn loaded(&self) -> TokenStream {
        let program = match &self.kind {
            Some(kind) => quote!(::oxbpf::program::Typed<::oxbpf::program::#kind>),
            None => quote!(::oxbpf::Program),
        };
        if self.is_optional {
            quote!(::core::option::Option<#program>)
        } else {
            program
        }
    }

    /// An expression that takes it out of a `collection`.
    pub(super) fn lookup(&self) -> TokenStream {
        let name = self.name;
        match (self.is_optional, &self.kind) {
            (false, Some(_)) => quote!(collection.program(#name)?.try_into()?),
            (false, None) => quote!(collection.program(#name)?),
            (true, Some(_)) => {
                quote!(::oxbpf::__private::optional(collection, #name, TryInto::try_into)?)
            }
            (true, None) => quote!(::oxbpf::__private::optional(collection, #name, Ok)?),
        }
    }
}

/// The kinds that there are. Programs that share a type with others but attach elsewhere
/// (uprobes with kprobes) are told apart by their section, and have no kind yet.
#[rustfmt::skip]
const KINDS: &[(ProgramType, &[&str], &str)] = &[
    (ProgramType::KPROBE,                  &["kprobe", "kretprobe", "ksyscall", "kretsyscall"], "KprobeKind"),
    (ProgramType::TRACEPOINT,              &[], "TracepointKind"),
    (ProgramType::RAW_TRACEPOINT,          &[], "RawTracepointKind"),
    (ProgramType::RAW_TRACEPOINT_WRITABLE, &[], "RawTracepointKind"),
    (ProgramType::TRACING,                 &[], "TracingKind"),
];

/// The programs of an object.
pub(super) fn collect<'a>(spec: &'a CollectionSpec, types: &Types<'_>) -> Vec<ProgramItem<'a>> {
    let mut scope = Scope::default();
    spec.programs()
        .iter()
        .map(|program| ProgramItem {
            name: &program.name,
            field: scope.verbatim(&program.name),
            kind: kind(program),
            // A fresh specification loads all but what the C source marks with `?`.
            is_optional: !program.autoload,
            docs: types
                .comments()
                .on(Kind::FUNC, &program.name, &docs(program)),
        })
        .collect()
}

fn kind(program: &ProgramSpec) -> Option<Ident> {
    let section = program.section_def.map_or("", |def| def.name);
    KINDS
        .iter()
        .find(|(program_type, sections, _)| {
            program.prog_type == Some(*program_type)
                && (sections.is_empty() || sections.contains(&section))
        })
        .map(|(_, _, kind)| Ident::new(kind, Span::call_site()))
}

fn docs(program: &ProgramSpec) -> String {
    let ProgramSpec { name, section, .. } = program;
    if program.autoload {
        format!("`{name}`, `SEC(\"{section}\")`.")
    } else {
        format!("`{name}`, `SEC(\"?{section}\")`: loaded if its `autoload` is set.")
    }
}
