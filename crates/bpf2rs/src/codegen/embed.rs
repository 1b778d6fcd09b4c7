//! The objects' bytes, by byte order and processor, and what stops a build for a machine that they
//! are not for.

use proc_macro2::TokenStream;
use quote::quote;

use super::Request;
use crate::target::{Arch, Target, Variant};

/// The condition of an object.
pub(super) fn cfg(variant: Variant) -> TokenStream {
    let predicate = predicate(variant);
    quote!(#[cfg(#predicate)])
}

fn predicate(Variant { target, arch }: Variant) -> TokenStream {
    let endian = target.endian_name();
    match arch.map(Arch::name) {
        Some(arch) => quote!(all(target_endian = #endian, target_arch = #arch)),
        None => quote!(target_endian = #endian),
    }
}

/// The bytes of one object.
pub(super) fn object(request: &Request<'_>, variant: Variant) -> TokenStream {
    if !request.embed {
        return TokenStream::new();
    }
    let file = variant.file_name(request.stem, has_several(request.variants));
    quote!(
        const OBJECT: &[u8] = ::core::include_bytes!(#file);
    )
}

/// The bytes of the object for this machine, whichever it is.
pub(super) fn objects(request: &Request<'_>) -> TokenStream {
    if !request.embed {
        return TokenStream::new();
    }
    let objects = request.variants.iter().map(|variant| {
        let cfg = cfg(*variant);
        let object = object(request, *variant);
        quote!(#cfg #object)
    });
    // So that a build that a guard stops says nothing else.
    let missing = missing(request).map(|predicate| {
        quote!(
            #[cfg(#predicate)]
            const OBJECT: &[u8] = &[];
        )
    });
    quote!(#(#objects)* #missing)
}

/// Whether there are objects for several processors.
pub(crate) fn has_several(variants: &[Variant]) -> bool {
    let mut arches: Vec<_> = variants.iter().filter_map(|variant| variant.arch).collect();
    arches.dedup();
    arches.len() > 1
}

/// The condition under which there is no object.
fn missing(request: &Request<'_>) -> Option<TokenStream> {
    let has_all = Target::ALL.iter().all(|target| {
        let any = Variant {
            target: *target,
            arch: None,
        };
        request.variants.contains(&any)
    });
    if has_all {
        return None;
    }
    Some(match request.variants {
        [one] => {
            let predicate = predicate(*one);
            quote!(not(#predicate))
        }
        several => {
            let predicates = several.iter().map(|variant| predicate(*variant));
            quote!(not(any(#(#predicates),*)))
        }
    })
}

/// A compile error for machines that there is no object for.
pub(super) fn guards(request: &Request<'_>) -> Option<TokenStream> {
    let predicate = missing(request)?;
    let source = request.source();
    let mut arches: Vec<_> = request.variants.iter().filter_map(|v| v.arch).collect();
    arches.dedup();
    let message = if arches.is_empty() {
        let target = Target::ALL
            .into_iter()
            .find(|target| request.variants.iter().all(|v| v.target != *target))?;
        format!("bpf2rs compiled {source} for the other byte order only: add `--target {target}`")
    } else {
        let names: Vec<_> = arches.iter().map(ToString::to_string).collect();
        format!(
            "bpf2rs compiled {source} for {} only, whose registers it reads",
            names.join(", ")
        )
    };
    Some(quote! {
        #[cfg(#predicate)]
        ::core::compile_error!(#message);
    })
}
