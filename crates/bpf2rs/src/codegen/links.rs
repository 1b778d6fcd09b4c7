//! `Links`: a place for the link of each program.

use super::{
    Parts,
    code::{Code, line, open},
    maps::{Loaded, MapItem},
    names::Scope,
    programs::ProgramItem,
};

/// What can be attached.
pub(super) struct Attachable<'a> {
    name: &'a str,
    field: String,
    /// An expression for the option of it, from an `Objects` that is `self`.
    option: String,
    docs: &'a str,
}

/// `Links`, and the method of `Objects` that makes them.
pub(super) fn define(code: &mut Code, parts: &Parts<'_>) {
    let all = attachables(parts);
    if all.is_empty() {
        return;
    }
    code.gap();
    code.doc(
        "A link for each program that can be attached. A program stays attached as long as its \
         link lives.\n\nWhere [`Objects::attach_all`] leaves `None`, the program's section does not \
         say where it is to be attached: put the link there that a builder gives.",
    );
    line!(code, "#[derive(Debug, Default)]");
    open!(code, "pub struct Links");
    for one in &all {
        code.doc(one.docs);
        line!(
            code,
            "pub {}: ::core::option::Option<::oxbpf::Link>,",
            one.field
        );
    }
    code.close();

    code.gap();
    open!(code, "impl Links");
    code.doc(
        "Detaches all programs, several at a time.\n\n# Errors\n\
         That of the first which fails; the others are detached all the same.",
    );
    open!(code, "pub fn detach(self) -> ::oxbpf::Result<()>");
    let fields: Vec<_> = all
        .iter()
        .map(|one| format!("self.{}", one.field))
        .collect();
    line!(code, "let links = [{}];", fields.join(", "));
    line!(
        code,
        "links.into_iter().flatten().collect::<::oxbpf::Links>().detach()"
    );
    code.close();
    code.close();

    code.gap();
    open!(code, "impl Objects");
    code.doc(
        "Attaches every program to what its section names: all of them, or none.\n\n# Errors\n\
         That of the first which cannot be attached.",
    );
    open!(code, "pub fn attach_all(&self) -> ::oxbpf::Result<Links>");
    line!(
        code,
        "let mut links = ::oxbpf::__private::TakenLinks::attach(["
    );
    code.indent();
    for one in &all {
        line!(code, "{}.map(Into::into),", one.option);
    }
    code.outdent();
    line!(code, "])?;");
    open!(code, "Ok(Links");
    for one in &all {
        line!(code, "{}: links.take({:?}),", one.field, one.name);
    }
    code.close_with(")");
    code.close();
    code.close();
}

pub(super) fn attachables<'a>(parts: &'a Parts<'_>) -> Vec<Attachable<'a>> {
    let mut scope = Scope::default();
    let programs = parts.programs.iter().filter(|program| !program.is_function);
    let programs = programs
        .map(|program: &ProgramItem<'_>| (program.name, &program.docs, program.as_option()));
    let structures = parts.maps.iter().filter_map(|map: &MapItem<'_>| {
        let field = format!("self.maps.{}", map.field);
        let option = match map.loaded {
            Loaded::StructOps { is_optional: false } => {
                format!("::core::option::Option::Some(&{field})")
            }
            Loaded::StructOps { is_optional: true } => format!("{field}.as_ref()"),
            _ => return None,
        };
        Some((map.name, &map.docs, option))
    });
    programs
        .chain(structures)
        .map(|(name, docs, option)| Attachable {
            name,
            field: scope.verbatim(name),
            option,
            docs,
        })
        .collect()
}
