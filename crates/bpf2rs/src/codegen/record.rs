//! Structures and unions, laid out as C laid them out.
//!
//! What is a member of its own in C becomes a field. What C lets overlap or start within a byte
//! (unions, bit-fields) becomes bytes with methods that read and set a part. What C leaves free
//! becomes a field too, so that no byte of a value is ever undefined: the kernel compares keys
//! byte by byte, and refuses to be handed undefined ones.

use oxbpf_object::btf::{Contents, Member, Type};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::{
    derives, doc,
    names::Scope,
    types::{Asker, RustType, Shape, Types, c_declaration},
};
use crate::error::{Error, ErrorKind, Result};

/// A stretch of a structure's bytes.
struct Part {
    offset: u64,
    size: u64,
    align: u64,
    content: PartContent,
}

enum PartContent {
    Field {
        name: String,
        shape: Shape,
        docs: String,
        /// Position among all named members.
        order: usize,
    },
    /// Bytes that only methods look into.
    Storage,
}

/// A method pair that looks into the bytes.
struct Accessor {
    name: String,
    docs: String,
    view: View,
    /// Position among all named members.
    order: usize,
}

enum View {
    Value {
        offset: u64,
        shape: Shape,
    },
    Bits {
        bit_offset: u64,
        bits: u8,
        shape: Shape,
    },
}

/// Collects parts and accessors of one structure or union, anonymous members' included.
struct Layout<'t, 'a> {
    types: &'t mut Types<'a>,
    /// "`struct conn_key`".
    title: String,
    c_name: String,
    parts: Vec<Part>,
    accessors: Vec<Accessor>,
    /// Number of named members so far.
    members: usize,
}

/// Defines a structure or union.
pub(super) fn define(
    types: &mut Types<'_>,
    ty: Type<'_>,
    c_name: &str,
    title: &str,
    name: &Ident,
) -> Result<(RustType, TokenStream)> {
    let (Contents::Struct(record) | Contents::Union(record)) = ty.contents() else {
        return Err(Error::new(
            ErrorKind::InvalidObject,
            format!("`{c_name}` is neither structure nor union"),
        ));
    };
    let is_union = matches!(ty.contents(), Contents::Union(_));
    let size = u64::from(record.size);
    let mut layout = Layout {
        types,
        title: title.to_owned(),
        c_name: c_name.to_owned(),
        parts: Vec::new(),
        accessors: Vec::new(),
        members: 0,
    };
    if is_union {
        layout.overlay(ty, 0)?;
    } else {
        layout.structure(ty, 0)?;
    }
    layout.finish(name, size, is_union)
}

impl<'a> Layout<'_, 'a> {
    /// The members of a structure, those of anonymous structures in it as if they were its own.
    fn structure(&mut self, ty: Type<'_>, base: u64) -> Result<()> {
        for member in ty.members() {
            let bit_offset = base * 8 + u64::from(member.bit_offset);
            if let Some((bits, bit_offset)) = self.bit_field(&member, bit_offset)? {
                self.bits(&member, bit_offset, bits)?;
                let first = bit_offset / 8;
                self.storage(first, (bit_offset + u64::from(bits)).div_ceil(8) - first);
                continue;
            }
            let offset = bit_offset / 8;
            let (inner, _) = self.resolve(&member)?;
            match inner.contents() {
                Contents::Struct(_) if member.name.is_empty() => self.structure(inner, offset)?,
                Contents::Union(_) if member.name.is_empty() => self.overlay(inner, offset)?,
                _ => {
                    let rust = self.member_type(&member)?;
                    let content = PartContent::Field {
                        name: member.name.to_owned(),
                        shape: rust.shape,
                        docs: self.docs(&member, offset),
                        order: self.next(),
                    };
                    self.parts.push(Part {
                        offset,
                        size: rust.size,
                        align: rust.align,
                        content,
                    });
                }
            }
        }
        Ok(())
    }

    /// The members of a union, and what lies in it as a whole.
    fn overlay(&mut self, ty: Type<'_>, base: u64) -> Result<()> {
        self.storage(base, ty.size().unwrap_or(0).into());
        self.views(ty, base)
    }

    /// Methods for all members, however they overlap.
    fn views(&mut self, ty: Type<'_>, base: u64) -> Result<()> {
        for member in ty.members() {
            let bit_offset = base * 8 + u64::from(member.bit_offset);
            if let Some((bits, bit_offset)) = self.bit_field(&member, bit_offset)? {
                self.bits(&member, bit_offset, bits)?;
                continue;
            }
            let offset = bit_offset / 8;
            let (inner, _) = self.resolve(&member)?;
            match inner.contents() {
                Contents::Struct(_) | Contents::Union(_) if member.name.is_empty() => {
                    self.views(inner, offset)?;
                }
                _ => {
                    let rust = self.member_type(&member)?;
                    let accessor = Accessor {
                        name: member.name.to_owned(),
                        docs: self.docs(&member, offset),
                        view: View::Value {
                            offset,
                            shape: rust.shape,
                        },
                        order: self.next(),
                    };
                    self.accessors.push(accessor);
                }
            }
        }
        Ok(())
    }

    fn storage(&mut self, offset: u64, size: u64) {
        if size > 0 {
            self.parts.push(Part {
                offset,
                size,
                align: 1,
                content: PartContent::Storage,
            });
        }
    }

    fn bits(&mut self, member: &Member<'_>, bit_offset: u64, bits: u8) -> Result<()> {
        if member.name.is_empty() {
            return Ok(());
        }
        let rust = self.member_type(member)?;
        if bits > 64 || rust.size > 8 {
            return Err(self.types.unsupported(
                member.ty,
                Asker {
                    name: member.name,
                    what: &self.what(member),
                },
                "is too wide for a bit-field",
            ));
        }
        let declaration = c_declaration(self.types.btf(), member.ty, member.name);
        let accessor = Accessor {
            name: member.name.to_owned(),
            docs: format!("`{declaration} : {bits}`, at bit {bit_offset}."),
            view: View::Bits {
                bit_offset,
                bits,
                shape: rust.shape,
            },
            order: self.next(),
        };
        self.accessors.push(accessor);
        Ok(())
    }

    /// The position of a named member.
    fn next(&mut self) -> usize {
        self.members += 1;
        self.members
    }

    /// The number of bits of a bit-field and where they start; `None` for other members.
    fn bit_field(&self, member: &Member<'_>, bit_offset: u64) -> Result<Option<(u8, u64)>> {
        if member.bitfield_size > 0 {
            return Ok(Some((member.bitfield_size, bit_offset)));
        }
        // As compilers described them before BTF had a place for the number of bits.
        let (ty, _) = self.resolve(member)?;
        Ok(match ty.contents() {
            Contents::Int(int) if u32::from(int.bits) != int.size * 8 => {
                Some((int.bits, bit_offset + u64::from(int.bit_offset)))
            }
            _ => None,
        })
    }

    fn resolve(&self, member: &Member<'_>) -> Result<(Type<'a>, Option<&'a str>)> {
        let what = self.what(member);
        self.types.resolve(
            member.ty,
            Asker {
                name: member.name,
                what: &what,
            },
        )
    }

    fn member_type(&mut self, member: &Member<'_>) -> Result<RustType> {
        let name = format!("{}_{}", self.c_name, member.name);
        let what = self.what(member);
        self.types.rust_type(
            member.ty,
            Asker {
                name: &name,
                what: &what,
            },
        )
    }

    fn what(&self, member: &Member<'_>) -> String {
        // "The type of …" starts a sentence elsewhere.
        let owner = self.title.replacen("The type of", "the type of", 1);
        format!("member `{}` of {owner}", member.name)
    }

    fn docs(&self, member: &Member<'_>, offset: u64) -> String {
        let declaration = c_declaration(self.types.btf(), member.ty, member.name);
        format!("`{declaration}`, at byte {offset}.")
    }

    fn finish(
        mut self,
        name: &Ident,
        size: u64,
        is_union: bool,
    ) -> Result<(RustType, TokenStream)> {
        let parts = merged(std::mem::take(&mut self.parts)).ok_or_else(|| {
            Error::new(
                ErrorKind::Type,
                format!("members of {} overlap outside of a union", self.title),
            )
        })?;
        let natural = parts.iter().map(|part| part.align).max().unwrap_or(1);
        let fits = size % natural == 0 && parts.iter().all(|part| part.offset % part.align == 0);
        let align = if fits { natural } else { 1 };

        let mut scope = Scope::default();
        let mut fields = TokenStream::new();
        let mut debug = Vec::new();
        let mut asserts = TokenStream::new();
        let mut end = 0;
        for part in &parts {
            fields.extend(padding(end, part.offset));
            end = part.offset + part.size;
            let offset = Literal::u64_unsuffixed(part.offset);
            let field = match &part.content {
                PartContent::Field {
                    name,
                    shape,
                    docs: text,
                    order,
                } => {
                    let field = scope.verbatim(name);
                    let shape = shape.tokens(&TokenStream::new());
                    let docs = doc(text);
                    fields.extend(quote! {
                        #docs
                        pub #field: #shape,
                    });
                    // A member of a packed structure may lie where no reference may point.
                    let value = if fits {
                        quote!(&self.#field)
                    } else {
                        quote!(&{ self.#field })
                    };
                    debug.push((*order, name, value));
                    field
                }
                PartContent::Storage => {
                    let field = format_ident!("__bytes_{}", part.offset);
                    let len = Literal::u64_unsuffixed(part.size);
                    fields.extend(quote! {
                        #[doc(hidden)]
                        pub #field: [u8; #len],
                    });
                    field
                }
            };
            asserts.extend(quote! {
                assert!(::core::mem::offset_of!(#name, #field) == #offset);
            });
        }
        if end > size {
            return Err(Error::new(
                ErrorKind::Type,
                format!("{} is smaller than its members", self.title),
            ));
        }
        fields.extend(padding(end, size));

        let mut methods = TokenStream::new();
        for accessor in &self.accessors {
            let (get, set) = scope.accessor(&accessor.name);
            debug.push((accessor.order, &accessor.name, quote!(&self.#get())));
            methods.extend(accessor.methods(&get, &set));
        }
        debug.sort_by_key(|(order, ..)| *order);
        let debug = debug
            .into_iter()
            .map(|(_, name, value)| quote!(.field(#name, #value)));
        let methods = (!methods.is_empty()).then(|| quote!(impl #name { #methods }));

        let repr = if fits { quote!(C) } else { quote!(C, packed) };
        let derives = derives(&quote! {
            ::oxbpf::__private::zerocopy::ByteEq,
            ::oxbpf::__private::zerocopy::ByteHash,
        });
        let kind = if is_union {
            ": a union, of which each method shows another view"
        } else {
            ""
        };
        let docs = doc(&format!("{}, {size} bytes{kind}.", self.title));
        let label = name.to_string();
        let size_literal = Literal::u64_unsuffixed(size);
        let definition = quote! {
            #docs
            #derives
            #[repr(#repr)]
            pub struct #name { #fields }

            #methods

            impl ::core::default::Default for #name {
                fn default() -> Self {
                    ::oxbpf::__private::zeroed()
                }
            }

            impl ::core::fmt::Debug for #name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#label) #(#debug)* .finish()
                }
            }

            const _: () = {
                ::oxbpf::__private::assert_size::<#name, #size_literal>();
                #asserts
            };
        };
        let rust_type = RustType {
            shape: Shape::Named(name.clone()),
            size,
            align,
        };
        Ok((rust_type, definition))
    }
}

impl Accessor {
    fn methods(&self, get: &Ident, set: &Ident) -> TokenStream {
        let get_docs = doc(&self.docs);
        let set_docs = doc(&format!("Sets [`{get}`](Self::{get})."));
        let (value, read, write) = match &self.view {
            View::Value { offset, shape } => {
                let value = shape.tokens(&TokenStream::new());
                let offset = Literal::u64_unsuffixed(*offset);
                (
                    value,
                    quote!(::oxbpf::__private::get::<_, _, #offset>(self)),
                    quote!(::oxbpf::__private::set::<_, _, #offset>(self, value)),
                )
            }
            View::Bits {
                bit_offset,
                bits,
                shape,
            } => {
                let value = shape.tokens(&TokenStream::new());
                let bit_offset = Literal::u64_unsuffixed(*bit_offset);
                let bits = Literal::u8_unsuffixed(*bits);
                let read = quote!(::oxbpf::__private::get_bits::<_, _, #bit_offset, #bits>(self));
                let set = quote!(::oxbpf::__private::set_bits::<_, _, #bit_offset, #bits>);
                if matches!(shape, Shape::Named(_)) {
                    (
                        value.clone(),
                        quote!(#value(#read)),
                        quote!(#set(self, value.0)),
                    )
                } else {
                    (value, read, quote!(#set(self, value)))
                }
            }
        };
        quote! {
            #get_docs
            #[must_use]
            pub fn #get(&self) -> #value {
                #read
            }

            #set_docs
            pub fn #set(&mut self, value: #value) {
                #write
            }
        }
    }
}

/// Bytes between two members.
fn padding(from: u64, to: u64) -> TokenStream {
    if from >= to {
        return TokenStream::new();
    }
    let field = format_ident!("__padding_{from}");
    let len = Literal::u64_unsuffixed(to - from);
    quote! {
        #[doc(hidden)]
        pub #field: [u8; #len],
    }
}

/// The parts by offset, with storage that touches or overlaps made one; `None` if anything else
/// overlaps.
fn merged(mut parts: Vec<Part>) -> Option<Vec<Part>> {
    // Stable: an empty array keeps its place before what starts where it does.
    parts.sort_by_key(|part| part.offset);
    let mut merged: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match merged.last_mut() {
            Some(last)
                if part.offset < last.offset + last.size
                    || is_storage(last)
                        && is_storage(&part)
                        && part.offset == last.offset + last.size =>
            {
                if !(is_storage(last) && is_storage(&part)) {
                    return None;
                }
                let end = (part.offset + part.size).max(last.offset + last.size);
                last.size = end - last.offset;
            }
            _ => merged.push(part),
        }
    }
    Some(merged)
}

fn is_storage(part: &Part) -> bool {
    matches!(part.content, PartContent::Storage)
}
