//! The Rust text of structures and constants.

use super::layout::{Field, Form, Layout, flatten};
use super::tables::{BITS, CONSTANTS, Constant, ENUMERATORS, STRUCTS, Struct, Value};
use crate::process::{Context, Result};
use oxbpf_object::btf::{Btf, Enumerator, Kind};
use std::fmt::Write;

const HEAD: &str = "\
//! The kernel's structures for bpf(2), one per command, and its constants: made by `cargo xtask gen-uapi`.
//!
//! `union bpf_attr` is taken apart: a command has a structure of its own, with its padding
//! spelled out (`_pad*`) so that every byte the kernel sees is one we wrote. Where a
//! structure ends in a union, each member of the union has a structure that repeats the head.
//! Of members that share an offset and a size, the first one's name stands for all.
//! Addresses are plain `u64`. Source: `linux/bpf.h`, `linux/perf_event.h`.
#![allow(dead_code, missing_docs)]

use rustix::ioctl::{Opcode, opcode};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

macro_rules! structs {
    ($($(#[$doc:meta])* struct $name:ident { $($field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
        pub(crate) struct $name { $(pub(crate) $field: $ty,)* }
    )*};
}
";

/// The whole of `uapi.rs`.
pub(super) fn uapi(btf: &Btf) -> Result<String> {
    let mut text = HEAD.to_owned();
    commands(btf, &mut text)?;
    constants(btf, &mut text)?;
    let layouts = STRUCTS.iter().map(|row| {
        let layout = flatten(btf, row.root, row.path).context(row.name)?;
        Ok((row, named(row, layout)))
    });
    let layouts = layouts.collect::<Result<Vec<_>>>()?;
    structs(&layouts, &mut text)?;
    bits(&layouts, &mut text)?;
    sources(&layouts, &mut text)?;
    Ok(text)
}

/// With the table's names for words of bit-fields.
fn named(row: &Struct, mut layout: Layout) -> Layout {
    for field in &mut layout.fields {
        let word = BITS
            .iter()
            .find(|(name, first, _)| (*name, *first) == (row.name, &field.name));
        if let Some((_, _, name)) = word {
            field.name = (*name).to_owned();
        }
    }
    layout
}

fn commands(btf: &Btf, text: &mut String) -> Result<()> {
    let id = btf
        .find("bpf_cmd", Kind::ENUM)
        .ok_or("the kernel has no bpf_cmd")?;
    text.push_str(
        "
/// `enum bpf_cmd`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Command(pub(crate) u32);

impl Command {
",
    );
    let mut last = None;
    // The first of several names for a number is the one that old headers have.
    for Enumerator { name, value } in btf
        .get(id)?
        .enumerators()
        .filter(|enumerator| !enumerator.name.starts_with("__"))
    {
        if last.replace(value) != Some(value) {
            writeln!(
                text,
                "    pub(crate) const {}: Self = Self({});",
                name.trim_start_matches("BPF_"),
                number(value as u64)
            )?;
        }
    }
    text.push_str("}\n");
    Ok(())
}

fn constants(btf: &Btf, text: &mut String) -> Result<()> {
    let mut last = "";
    for &Constant {
        name,
        ty,
        ref value,
        header,
    } in CONSTANTS
    {
        if header != last {
            writeln!(text, "\n// Of {header}.")?;
            last = header;
        }
        let value = match value {
            Value::Number(value) if name.contains("MAGIC") => hex(*value),
            Value::Number(value) => number(*value),
            Value::Request(direction, "", number) => format!("opcode::{direction}(b'$', {number})"),
            Value::Request(direction, argument, number) => {
                format!("opcode::{direction}::<{argument}>(b'$', {number})")
            }
        };
        writeln!(text, "pub(crate) const {name}: {ty} = {value};")?;
    }
    text.push_str("\n// Enumerators.\n");
    for name in ENUMERATORS {
        let value = btf
            .types()
            .flat_map(|(_, ty)| ty.enumerators())
            .find(|enumerator| enumerator.name == *name);
        let value = value
            .ok_or_else(|| format!("the kernel has no {name}"))?
            .value;
        writeln!(
            text,
            "pub(crate) const {name}: u32 = {};",
            number(value as u64)
        )?;
    }
    Ok(())
}

/// A number as clippy likes it.
fn number(value: u64) -> String {
    match value {
        0..=9999 => value.to_string(),
        _ if value.is_power_of_two() => format!("1 << {}", value.trailing_zeros()),
        _ => hex(value),
    }
}

fn hex(value: u64) -> String {
    let digits = format!("{value:x}");
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(4)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    format!("0x{}", groups.join("_"))
}

fn structs(layouts: &[(&Struct, Layout)], text: &mut String) -> Result<()> {
    text.push_str("\nstructs! {");
    for (row, layout) in layouts {
        write!(text, "\n    /// {}\n    struct {} {{\n", row.doc, row.name)?;
        let mut end = 0;
        let mut paddings = 0;
        for Field {
            name,
            offset,
            size,
            form,
        } in &layout.fields
        {
            pad(text, end, *offset, &mut paddings)?;
            let ty = match form {
                Form::Signed => format!("i{}", size * 8),
                Form::Unsigned | Form::Bits(_) => format!("u{}", size * 8),
                Form::Bytes => format!("[u8; {size}]"),
            };
            writeln!(text, "        {}: {ty},", identifier(name))?;
            end = offset + size;
        }
        pad(text, end, layout.size, &mut paddings)?;
        text.push_str("    }\n");
    }
    text.push_str("}\n");
    Ok(())
}

fn pad(text: &mut String, end: u32, next: u32, paddings: &mut u32) -> Result<()> {
    let ty = match next.checked_sub(end).ok_or("fields overlap")? {
        0 => return Ok(()),
        2 if end % 2 == 0 => "u16".to_owned(),
        4 if end % 4 == 0 => "u32".to_owned(),
        size => format!("[u8; {size}]"),
    };
    writeln!(text, "        _pad{paddings}: {ty},")?;
    *paddings += 1;
    Ok(())
}

/// The bits of words that have several.
fn bits(layouts: &[(&Struct, Layout)], text: &mut String) -> Result<()> {
    text.push_str(
        "
/// Some bits of a word of 64, counted from the end where this machine's compilers put the first bit-field.
const fn bits(first: u32, count: u32) -> u64 {
    let mask = (1 << count) - 1;
    if cfg!(target_endian = \"big\") {
        mask << (64 - first - count)
    } else {
        mask << first
    }
}
",
    );
    for (row, layout) in layouts {
        for Field {
            name, size, form, ..
        } in &layout.fields
        {
            match form {
                Form::Bits(bits) if bits.len() > 1 && *size == 8 => {
                    writeln!(text, "\n/// Bits of `{name}`.\nimpl {} {{", row.name)?;
                    for (bit, first, count) in
                        bits.iter().filter(|(bit, ..)| !bit.starts_with("__"))
                    {
                        let bit = bit.to_uppercase();
                        writeln!(
                            text,
                            "    pub(crate) const {bit}: u64 = bits({first}, {count});"
                        )?;
                    }
                    text.push_str("}\n");
                }
                Form::Bits(bits) if bits.len() > 1 => {
                    return Err(format!("{name} has bits of {size} bytes").into());
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Where each structure comes from and where we have its fields, for a test to compare.
fn sources(layouts: &[(&Struct, Layout)], text: &mut String) -> Result<()> {
    text.push_str(
        "
/// Where a structure comes from, and where it has what.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: &'static str,
    /// For `layout::flatten`.
    pub(crate) root: &'static str,
    pub(crate) path: &'static str,
    pub(crate) size: usize,
    /// The name, offset and size of each field.
    pub(crate) fields: &'static [(&'static str, usize, usize)],
}

#[cfg(test)]
macro_rules! sources {
    ($($name:ident $root:literal $path:literal { $($field:ident: $ty:ty,)* })*) => {
        pub(crate) const SOURCES: &[Source] = &[$(Source {
            name: stringify!($name),
            root: $root,
            path: $path,
            size: size_of::<$name>(),
            fields: &[$((stringify!($field), std::mem::offset_of!($name, $field), size_of::<$ty>()),)*],
        },)*];
    };
}

#[cfg(test)]
sources! {
",
    );
    for (
        Struct {
            name, root, path, ..
        },
        layout,
    ) in layouts
    {
        write!(text, "    {name} \"{root}\" \"{path}\" {{")?;
        for Field {
            name, size, form, ..
        } in &layout.fields
        {
            let ty = if *form == Form::Bytes {
                format!("[u8; {size}]")
            } else {
                format!("u{}", size * 8)
            };
            write!(text, " {}: {ty},", identifier(name))?;
        }
        text.push_str(" }\n");
    }
    text.push_str("}\n");
    Ok(())
}

fn identifier(name: &str) -> String {
    match name {
        "type" => "r#type".to_owned(),
        _ => name.to_owned(),
    }
}
