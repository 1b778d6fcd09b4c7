//! From an object to the Rust module that describes it.
//!
//! The module has two halves: `Spec` is the object before it is loaded, `Objects` what the kernel
//! made of it. Both have one field for each map, program and section of variables, under the C
//! names. Types of C live in a module of their own, so that no name of theirs can clash with
//! what is written here.

mod comments;
pub(crate) mod embed;
mod enumeration;
mod layout;
mod links;
mod maps;
mod marks;
mod names;
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
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::{
    error::{Error, ErrorKind, Result},
    target::Variant,
};
use maps::MapItem;
use marks::Marks;
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
    let guards = embed::guards(request);
    let are_same = match &bodies[..] {
        [_] => true,
        bodies => {
            let mut texts = bodies.iter().map(ToString::to_string);
            let first = texts.next();
            texts.all(|text| Some(text) == first)
        }
    };
    let modules = if are_same {
        let objects = embed::objects(request);
        let body = bodies.into_iter().next();
        module(&TokenStream::new(), &quote!(#objects #body))
    } else {
        // The C source has it otherwise for the other byte order, as the headers of network
        // protocols do with bit-fields.
        let modules = request.variants.iter().zip(&bodies).map(|(variant, body)| {
            let cfg = embed::cfg(*variant);
            let object = embed::object(request, *variant);
            module(&cfg, &quote!(#object #body))
        });
        quote!(#(#modules)*)
    };
    let file = syn::parse2(quote! {
        #[allow(unreachable_pub, unused_imports)]
        pub use generated::*;

        #guards
        #modules
    });
    let file: syn::File = file.map_err(|error| {
        // Not the user's doing, but theirs to report.
        Error::new(
            ErrorKind::InvalidObject,
            format!("the module generated for `{}` is no Rust", request.name),
        )
        .with_source(error)
    })?;
    Ok(spaced(&prettyplease::unparse(&file)))
}

/// The private module that holds everything, so that one attribute can speak for all of it.
fn module(cfg: &TokenStream, body: &TokenStream) -> TokenStream {
    quote! {
        #cfg
        #[rustfmt::skip]
        #[allow(
            clippy::all,
            clippy::pedantic,
            dead_code,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals,
            unreachable_pub,
            unused_imports,
            unused_mut,
            unused_variables
        )]
        mod generated {
            #body
        }
    }
}

/// Everything about one object but its bytes.
fn body(request: &Request<'_>, spec: &CollectionSpec) -> Result<TokenStream> {
    // An object without BTF is one whose BTF has nothing in it.
    let btf = match &spec.btf {
        Some(btf) => btf.clone(),
        None => BtfBuilder::new().build().map_err(|error| {
            Error::new(ErrorKind::InvalidObject, "making an empty BTF failed").with_source(error)
        })?,
    };
    let mut types = Types::new(&btf);
    let marks = Marks::of(&btf);
    let maps = maps::collect(spec, &mut types, &marks)?;
    let sections = variables::collect(spec, &mut types)?;
    let programs = programs::collect(spec, &types);
    let struct_ops = struct_ops::collect(spec, &mut types);
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
    let spec = spec::define(request, &parts);
    let objects = objects::define(request, &parts);
    let types = types_module(types);
    Ok(quote! {
        #spec
        #objects
        #types
    })
}

/// What an object consists of.
struct Parts<'a> {
    maps: Vec<MapItem<'a>>,
    programs: Vec<ProgramItem<'a>>,
    sections: Vec<Section<'a>>,
    struct_ops: Vec<Structure<'a>>,
}

/// The source with an empty line between items, which the printer leaves out.
fn spaced(source: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut text = String::with_capacity(source.len());
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let closes = matches!(line.trim(), "}" | "};") || line.trim_start().starts_with("pub use");
        if let Some(next) = lines.peek() {
            let opens = !next.trim_start().starts_with(['}', ')', ']', '.']);
            if closes && opens && indent(line) == indent(next) {
                text.push('\n');
            }
        }
    }
    text
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

/// A documentation comment.
fn doc(text: &str) -> TokenStream {
    let lines = text.lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!(" {line}")
        }
    });
    quote!(#(#[doc = #lines])*)
}

/// Derives of every type that crosses the kernel boundary.
fn derives(more: &TokenStream) -> TokenStream {
    quote! {
        #[derive(
            Clone,
            Copy,
            #more
            ::oxbpf::__private::zerocopy::FromBytes,
            ::oxbpf::__private::zerocopy::IntoBytes,
            ::oxbpf::__private::zerocopy::Immutable,
            ::oxbpf::__private::zerocopy::KnownLayout,
        )]
        #[zerocopy(crate = "::oxbpf::__private::zerocopy")]
    }
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
fn types_module(types: Types<'_>) -> TokenStream {
    let definitions = types.into_definitions();
    if definitions.is_empty() {
        return TokenStream::new();
    }
    quote! {
        pub use types::*;

        /// Types of the C source.
        pub mod types {
            #(#definitions)*
        }
    }
}

/// The C names and the Rust names of some items.
fn names<'a, T>(
    items: &'a [T],
    of: impl Fn(&'a T) -> (&'a str, &'a Ident),
) -> (Vec<&'a str>, Vec<&'a Ident>) {
    items.iter().map(of).unzip()
}
