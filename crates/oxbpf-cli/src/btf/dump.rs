//! `oxbpf btf dump`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use oxbpf_object::btf::dump_c::{self, CDump};
use oxbpf_object::btf::{Btf, TypeId};
use serde::Serialize;
use serde::ser::Serializer;

use super::json::Json;
use super::source;
use crate::Verdict;
use crate::command::{BtfDumpArgs, TypeFormat};
use crate::output::Output;

pub(crate) fn run(args: &BtfDumpArgs, output: &Output) -> anyhow::Result<Verdict> {
    let btf = args.source.read()?;
    if let Some(error) = btf.unread() {
        output.note(format_args!("some types are left out: {error}"));
    }
    let mut wanted = Vec::new();
    for name in &args.types {
        wanted.extend(source::find(&btf, name)?);
    }
    let wanted = (!args.types.is_empty()).then_some(wanted);
    match args.format.unwrap_or(TypeFormat::C) {
        _ if output.is_json => output.json(&Types {
            types: Listing::new(&btf, wanted)?,
        })?,
        TypeFormat::Raw => raw(&btf, &Listing::new(&btf, wanted)?)?,
        TypeFormat::C => {
            let text = match &wanted {
                None => dump_c::header(&btf)?,
                Some(wanted) => {
                    let mut dump = CDump::new(&btf);
                    for id in wanted {
                        dump.define(*id)?;
                    }
                    dump.into_text()
                }
            };
            io::stdout().write_all(text.as_bytes())?;
        }
        TypeFormat::Rust => {
            let ids = wanted.unwrap_or_else(|| btf.types().map(|(id, _)| id).collect());
            let module = bpf2rs::rust_types(&btf, &ids);
            io::stdout().write_all(module.text.as_bytes())?;
            if !args.types.is_empty() || module.left_out.len() < 4 {
                for error in &module.left_out {
                    output.note(error);
                }
            } else {
                let count = module.left_out.len();
                output.note(format_args!(
                    "{count} types cannot be had in Rust and are left out"
                ));
            }
        }
    }
    Ok(Verdict::Yes)
}

fn raw(btf: &Btf, listing: &Listing<'_>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for id in listing.ids() {
        writeln!(out, "{}", btf.get(id)?.describe())?;
    }
    out.flush()?;
    Ok(())
}

#[derive(Serialize)]
struct Types<'a> {
    types: Listing<'a>,
}

/// The types to list: all of the BTF's own, or some and what they refer to.
struct Listing<'a> {
    btf: &'a Btf,
    some: Option<BTreeSet<TypeId>>,
}

impl<'a> Listing<'a> {
    fn new(btf: &'a Btf, wanted: Option<Vec<TypeId>>) -> anyhow::Result<Listing<'a>> {
        let some = wanted.map(|wanted| reached(btf, wanted)).transpose()?;
        Ok(Listing { btf, some })
    }

    fn ids(&self) -> Box<dyn Iterator<Item = TypeId> + '_> {
        match &self.some {
            Some(some) => Box::new(some.iter().copied()),
            None => Box::new(self.btf.types().map(|(id, _)| id)),
        }
    }
}

impl Serialize for Listing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let types = self.ids().filter_map(|id| self.btf.get(id).ok());
        serializer.collect_seq(types.map(|ty| Json(ty.describe())))
    }
}

/// These types and all that they refer to.
fn reached(btf: &Btf, mut todo: Vec<TypeId>) -> anyhow::Result<BTreeSet<TypeId>> {
    let mut reached = BTreeSet::new();
    while let Some(id) = todo.pop() {
        if id != TypeId::VOID && reached.insert(id) {
            todo.extend(btf.get(id)?.references());
        }
    }
    Ok(reached)
}
