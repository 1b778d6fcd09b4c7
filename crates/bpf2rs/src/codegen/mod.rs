//! From an object to the Rust module that describes it.
//!
//! The module has two halves: `Spec` is the object before it is loaded, `Objects` what the kernel
//! made of it. Both have one field for each map, program and section of variables, under the C
//! names. Types of C live in a module of their own, so that no name of theirs can clash with
//! what is written here.

mod code;
mod comments;
pub(crate) mod embed;
mod enumeration;
mod example;
mod layout;
mod links;
mod maps;
mod marks;
pub(crate) mod names;
mod objects;
mod programs;
mod record;
mod spec;
mod struct_ops;
mod typedef;
mod types;
mod types_alone;
mod variables;

use oxbpf_object::{CollectionSpec, btf::BtfBuilder};

use crate::{
    error::{Error, ErrorKind, Result},
    target::Variant,
};
use code::{Code, line, open};
use maps::MapItem;
use marks::Marks;
pub use marks::event_types;
use names::Scope;
use programs::ProgramItem;
use struct_ops::Structure;
use types::{Asker, Types};
pub use types_alone::{RustTypes, rust_types};
use variables::Section;

/// What a module is generated for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// Name of the object.
    pub(crate) name: &'a str,
    /// What the names of its files begin with.
    pub(crate) stem: &'a str,
    /// The C files' names, for the documentation.
    pub(crate) sources: &'a [String],
    /// What there are objects for, in the order of the specs.
    pub(crate) variants: &'a [Variant],
    /// Whether the module holds the objects, or is given one when it runs.
    pub(crate) embed: bool,
    /// Types to generate beside those of maps and variables.
    pub(crate) types: &'a [String],
}

/// Generates the module for the objects of one C file, one for each target of the request,
/// without the comment at its top.
///
/// # Errors
/// [`ErrorKind::Type`] for a type that Rust cannot express, naming who has it.
pub(crate) fn generate(request: &Request<'_>, specs: &[CollectionSpec]) -> Result<String> {
    let bodies: Vec<_> = specs
        .iter()
        .map(|spec| body(request, spec))
        .collect::<Result<_>>()?;
    let mut code = Code::default();
    export(&mut code);
    embed::guard(&mut code, request);
    let mut others = bodies.iter().skip(1);
    match bodies.first() {
        Some(first) if others.all(|other| other == first) => {
            open_module(&mut code);
            embed::objects(&mut code, request);
            code.append(first);
            code.close();
        }
        // The C source has it otherwise for the other byte order, as the headers of network
        // protocols do with bit-fields.
        _ => {
            for (variant, body) in request.variants.iter().zip(&bodies) {
                code.gap();
                line!(code, "#[cfg({})]", embed::cfg(*variant));
                open_module(&mut code);
                embed::object(&mut code, request, *variant);
                code.append(body);
                code.close();
            }
        }
    }
    Ok(code.into_text())
}

/// What the module says to those who use it.
fn export(code: &mut Code) {
    line!(code, "#[allow(unreachable_pub, unused_imports)]");
    line!(code, "pub use generated::*;");
    code.gap();
}

/// What lints have nothing to say about.
const ALLOWED: &[&str] = &[
    "clippy::all",
    "clippy::pedantic",
    "dead_code",
    "non_camel_case_types",
    "non_snake_case",
    "non_upper_case_globals",
    "unreachable_pub",
    "unused_imports",
    "unused_mut",
    "unused_variables",
];

/// Opens the private module that holds everything, so that one attribute can speak for all of it.
fn open_module(code: &mut Code) {
    line!(code, "#[rustfmt::skip]");
    line!(code, "#[allow(");
    code.indent();
    for lint in ALLOWED {
        line!(code, "{lint},");
    }
    code.outdent();
    line!(code, ")]");
    open!(code, "mod generated");
}

/// How many blocks the items of that module are in.
const BLOCKS: usize = 1;

/// Everything about one object but its bytes.
fn body(request: &Request<'_>, spec: &CollectionSpec) -> Result<Code> {
    // An object without BTF is one whose BTF has nothing in it.
    let btf = match &spec.btf {
        Some(btf) => btf.clone(),
        None => BtfBuilder::new().build().map_err(|error| {
            Error::new(ErrorKind::InvalidObject, "making an empty BTF failed").with_source(error)
        })?,
    };
    let mut types = Types::new(&btf, BLOCKS + 1);
    let marks = Marks::of(&btf);
    let mut names = Scope::with(ITEMS);
    let maps = maps::collect(spec, &mut types, &marks)?;
    let sections = variables::collect(spec, &mut types, &mut names)?;
    let programs = programs::collect(spec, &types);
    let struct_ops = struct_ops::collect(spec, &mut types, &mut names);
    for id in &marks.types {
        let asker = Asker {
            name: "type",
            what: "`BPF2RS_TYPE`",
        };
        types.rust_type(*id, asker)?;
    }
    for name in request.types {
        asked_for(&mut types, name)?;
    }
    let parts = Parts {
        maps,
        programs,
        sections,
        struct_ops,
    };
    let mut code = Code::within(BLOCKS);
    spec::define(&mut code, request, &parts);
    objects::define(&mut code, request, &parts);
    types_module(&mut code, &types.into_definitions());
    Ok(code)
}

/// The items that every module has, whatever the object is.
const ITEMS: &[&str] = &[
    "Spec",
    "MapSpecs",
    "ProgramSpecs",
    "StructOpsSpecs",
    "Objects",
    "Maps",
    "Programs",
    "Links",
];

/// What an object consists of.
struct Parts<'a> {
    maps: Vec<MapItem<'a>>,
    programs: Vec<ProgramItem<'a>>,
    sections: Vec<Section<'a>>,
    struct_ops: Vec<Structure<'a>>,
}

impl Request<'_> {
    /// The sources in a sentence.
    fn source(&self) -> String {
        let names: Vec<_> = self
            .sources
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        names.join(" and ")
    }
}

/// Derives of every type that crosses the kernel boundary, some of Rust's own and some of zerocopy's
/// among them.
fn derives(code: &mut Code, own: &[&str], zerocopy: &[&str]) {
    line!(code, "#[derive(");
    code.indent();
    let own: String = own.iter().map(|name| format!(", {name}")).collect();
    line!(code, "Clone, Copy{own},");
    let always = ["FromBytes", "IntoBytes", "Immutable"];
    for name in zerocopy.iter().chain(&always) {
        line!(code, "::oxbpf::__private::zerocopy::{name},");
    }
    code.outdent();
    line!(code, ")]");
    line!(
        code,
        "#[zerocopy(crate = \"::oxbpf::__private::zerocopy\")]"
    );
}

/// A type that was asked for by name.
fn asked_for(types: &mut Types<'_>, name: &str) -> Result<()> {
    let Some(id) = types::find(types.btf(), name) else {
        return Err(Error::new(
            ErrorKind::Type,
            format!("the object has no type `{name}`"),
        )
        .with_remedy(format!(
            "clang leaves out types that neither a map, nor a variable, nor the parameters of a \
             function name: if the C source has it, include `bpf2rs.h` and add \
             `BPF2RS_TYPE(struct {name});`"
        )));
    };
    let what = format!("`--type {name}`");
    types.rust_type(id, Asker { name, what: &what }).map(drop)
}

/// The C types, if there are any.
fn types_module(code: &mut Code, definitions: &Code) {
    if definitions.is_empty() {
        return;
    }
    code.gap();
    line!(code, "pub use types::*;");
    code.gap();
    code.doc("Types of the C source.");
    open!(code, "pub mod types");
    code.append(definitions);
    code.close();
}
