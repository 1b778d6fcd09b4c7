//! The objects' bytes, by byte order, and what stops a build for a machine that they are not for.

use proc_macro2::TokenStream;
use quote::quote;

use super::Request;
use crate::target::Target;

/// The condition of a byte order.
pub(super) fn cfg(target: Target) -> TokenStream {
    let endian = target.endian_name();
    quote!(#[cfg(target_endian = #endian)])
}

/// The bytes of one object.
pub(super) fn object(request: &Request<'_>, target: Target) -> TokenStream {
    let file = target.file_name(request.name);
    quote!(
        const OBJECT: &[u8] = ::core::include_bytes!(#file);
    )
}

/// The bytes of the object for this machine, whichever it is.
pub(super) fn objects(request: &Request<'_>) -> TokenStream {
    let objects = request.targets.iter().map(|target| {
        let cfg = cfg(*target);
        let object = object(request, *target);
        quote!(#cfg #object)
    });
    // So that a build that a guard stops says nothing else.
    let missing = missing(request).map(|target| {
        let cfg = cfg(target);
        quote!(#cfg const OBJECT: &[u8] = &[];)
    });
    quote!(#(#objects)* #(#missing)*)
}

fn missing(request: &Request<'_>) -> impl Iterator<Item = Target> {
    Target::ALL
        .into_iter()
        .filter(|target| !request.targets.contains(target))
}

/// Compile errors for machines that there is no object for.
pub(super) fn guards(request: &Request<'_>) -> TokenStream {
    let source = request.source;
    if let Some(arch) = request.arch {
        let name = arch.name();
        let message =
            format!("bpf2rs compiled `{source}` for {arch} only, whose registers it reads");
        return quote! {
            #[cfg(not(target_arch = #name))]
            ::core::compile_error!(#message);
        };
    }
    let guards = missing(request).map(|target| {
        let cfg = cfg(target);
        let message = format!(
            "bpf2rs compiled `{source}` for the other byte order only: add `--target {target}`"
        );
        quote!(#cfg ::core::compile_error!(#message);)
    });
    quote!(#(#guards)*)
}
