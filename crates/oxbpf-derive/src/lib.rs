//! `#[derive(Objects)]`; the trait in `oxbpf` says what it is for.
#![deny(missing_docs)]

mod attribute;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, Result, ext::IdentExt, parse_macro_input};

use attribute::Attribute;

/// Derives `oxbpf::Objects` for a struct with named fields.
///
/// - `#[bpf(name = "…")]`: the name in the object, where it is not that of the field;
/// - `#[bpf(flatten)]`: the field is such a struct itself;
/// - `#[bpf(skip)]`: the field is none of the object's, and gets its `Default`.
#[proc_macro_derive(Objects, attributes(bpf))]
pub fn objects(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        _ => return Err(Error::new_spanned(name, "`Objects` is for structs")),
    };
    let Fields::Named(fields) = fields else {
        return Err(Error::new_spanned(
            name,
            "`Objects` is for structs whose fields have names, which are those in the object",
        ));
    };
    let mut wants = Vec::new();
    let mut values = Vec::new();
    for field in &fields.named {
        let (want, value) = one(field)?;
        wants.push(want);
        values.push(value);
    }
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics ::oxbpf::Objects for #name #type_generics #where_clause {
            fn want(wanted: &mut ::oxbpf::objects::Wanted) {
                #(#wants)*
                // Of a struct without fields.
                let _ = wanted;
            }

            fn from_collection(
                collection: &::oxbpf::Collection,
            ) -> ::core::result::Result<Self, ::oxbpf::Error> {
                let _ = collection;
                ::core::result::Result::Ok(Self { #(#values)* })
            }
        }
    })
}

/// What asks for a field, and what fills it.
fn one(field: &Field) -> Result<(TokenStream, TokenStream)> {
    let Some(ident) = &field.ident else {
        return Err(Error::new_spanned(field, "a field without a name"));
    };
    let ty = &field.ty;
    let name = match Attribute::of(field)? {
        Attribute::Skip => {
            let value = quote!(#ident: ::core::default::Default::default(),);
            return Ok((TokenStream::new(), value));
        }
        Attribute::Flatten => {
            return Ok((
                quote!(<#ty as ::oxbpf::Objects>::want(wanted);),
                quote!(#ident: <#ty as ::oxbpf::Objects>::from_collection(collection)?,),
            ));
        }
        Attribute::Name(name) => name,
        Attribute::None => ident.unraw().to_string(),
    };
    Ok((
        quote!(<#ty as ::oxbpf::objects::ObjectField>::want(#name, wanted);),
        quote!(#ident: <#ty as ::oxbpf::objects::ObjectField>::take(#name, collection)?,),
    ))
}
