//! `Objects`: what the kernel made of the object.

use oxbpf_object::spec::DataKind;

use super::{
    Parts, Request,
    code::{Code, line, open},
    links,
    variables::Section,
};

/// `Objects` and its parts.
pub(super) fn define(code: &mut Code, request: &Request<'_>, parts: &Parts<'_>) {
    code.gap();
    code.doc(&format!("The object `{}`, loaded. Its maps and programs are closed when this is dropped and nobody else holds them.", request.name));
    line!(code, "#[derive(Debug)]");
    open!(code, "pub struct Objects");
    code.doc("Its maps.");
    line!(code, "pub maps: Maps,");
    code.doc("Its programs.");
    line!(code, "pub programs: Programs,");
    for section in &parts.sections {
        code.doc(&docs(section));
        line!(code, "pub {}: {},", section.field, section.loaded);
    }
    code.close();

    code.gap();
    code.doc("The maps, loaded, by their names in C.");
    line!(code, "#[derive(Debug)]");
    open!(code, "pub struct Maps");
    for map in &parts.maps {
        code.doc(&map.docs);
        line!(code, "pub {}: {},", map.field, map.loaded());
    }
    code.close();

    code.gap();
    code.doc("The programs, loaded, by their names in C.");
    line!(code, "#[derive(Debug)]");
    open!(code, "pub struct Programs");
    for program in &parts.programs {
        code.doc(&program.docs);
        line!(code, "pub {}: {},", program.field, program.loaded());
    }
    code.close();

    for section in &parts.sections {
        variables(code, section);
    }
    links::define(code, parts);
    constructor(code, parts);
}

fn docs(section: &Section<'_>) -> String {
    let name = section.name;
    match section.kind {
        DataKind::Rodata => format!("The constants in `{name}`, as the programs see them."),
        DataKind::Kconfig => "The kernel's configuration, as the programs see it.".to_owned(),
        _ => format!("The variables in `{name}`, shared with the programs."),
    }
}

/// The variables of a section.
fn variables(code: &mut Code, section: &Section<'_>) {
    let name = &section.loaded;
    code.gap();
    code.doc(&format!(
        "The variables in `{}`, once loaded.",
        section.name
    ));
    line!(code, "#[derive(Debug)]");
    open!(code, "pub struct {name}");
    for variable in &section.variables {
        line!(
            code,
            "{}: ::oxbpf::Global<{}>,",
            variable.field,
            variable.ty
        );
    }
    code.close();
    code.gap();
    open!(code, "impl {name}");
    for variable in &section.variables {
        let (field, ty) = (&variable.field, &variable.ty);
        code.gap();
        code.doc(&variable.docs);
        line!(code, "#[must_use]");
        line!(
            code,
            "pub fn {field}(&self) -> &::oxbpf::Global<{ty}> {{ &self.{field} }}"
        );
    }
    code.close();
}

fn constructor(code: &mut Code, parts: &Parts<'_>) {
    code.gap();
    open!(code, "impl Objects");
    open!(
        code,
        "fn new(collection: &::oxbpf::Collection) -> ::oxbpf::Result<Self>"
    );
    open!(code, "Ok(Self");
    open!(code, "maps: Maps");
    for map in &parts.maps {
        line!(code, "{}: {},", map.field, map.lookup());
    }
    code.close_with(",");
    open!(code, "programs: Programs");
    for program in &parts.programs {
        line!(code, "{}: {},", program.field, program.lookup());
    }
    code.close_with(",");
    for section in &parts.sections {
        let section_name = section.name;
        open!(code, "{}: {}", section.field, section.loaded);
        for variable in &section.variables {
            let (field, name) = (&variable.field, variable.name);
            line!(
                code,
                "{field}: collection.global({section_name:?}, {name:?})?,"
            );
        }
        code.close_with(",");
    }
    code.close_with(")");
    code.close();
    code.close();
}
