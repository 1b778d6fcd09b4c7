//! `Spec`: the object before it is loaded, as plain data.

use oxbpf_object::spec::DataKind;

use super::{
    Parts, Request,
    code::{Code, line, open},
    example, struct_ops,
    variables::Section,
};

/// `Spec` and its parts.
pub(super) fn define(code: &mut Code, request: &Request<'_>, parts: &Parts<'_>) {
    structs(code, request, parts);
    code.gap();
    open!(code, "impl Spec");
    constructors(code, request);
    read(code, request, parts);
    code.close();
    loadable(code, parts);
}

fn structs(code: &mut Code, request: &Request<'_>, parts: &Parts<'_>) {
    code.gap();
    code.doc(&format!(
        "The object `{}`, compiled from {}, before it is loaded: plain data, to look at and to \
         change.\n\n```ignore\n{}\n```",
        request.name,
        request.source(),
        example::lines(request, parts).join("\n")
    ));
    line!(code, "#[derive(Clone, Debug)]");
    open!(code, "pub struct Spec");
    code.doc("Settings of its maps.");
    line!(code, "pub maps: MapSpecs,");
    code.doc("Settings of its programs.");
    line!(code, "pub programs: ProgramSpecs,");
    struct_ops::field(code, &parts.struct_ops);
    for section in &parts.sections {
        code.doc(&docs(section));
        line!(code, "pub {}: {},", section.field, section.spec);
    }
    line!(code, "object: ::oxbpf::object::CollectionSpec,");
    code.close();

    code.gap();
    code.doc("Settings of the maps, by their names in C.");
    line!(code, "#[derive(Clone, Debug)]");
    open!(code, "pub struct MapSpecs");
    for map in &parts.maps {
        code.doc(&map.docs);
        line!(code, "pub {}: ::oxbpf::object::MapSpec,", map.field);
    }
    code.close();

    code.gap();
    code.doc("Settings of the programs, by their names in C.");
    line!(code, "#[derive(Clone, Debug)]");
    open!(code, "pub struct ProgramSpecs");
    for program in &parts.programs {
        code.doc(&program.docs);
        line!(code, "pub {}: ::oxbpf::object::ProgramSpec,", program.field);
    }
    code.close();

    struct_ops::structs(code, &parts.struct_ops);
    for section in &parts.sections {
        code.gap();
        code.doc(&format!(
            "The variables in `{}`, before the load.",
            section.name
        ));
        line!(code, "#[derive(Clone, Debug)]");
        open!(code, "pub struct {}", section.spec);
        for variable in &section.variables {
            code.doc(&variable.docs);
            line!(code, "pub {}: {},", variable.field, variable.spec_type());
        }
        code.close();
    }
}

fn docs(section: &Section<'_>) -> String {
    let name = section.name;
    match section.kind {
        DataKind::Rodata => format!("The constants in `{name}`: what the programs will see."),
        DataKind::Kconfig => {
            "What programs are to take the kernel's configuration for; `None` for what it is."
                .to_owned()
        }
        _ => format!("The variables in `{name}`: their initial values."),
    }
}

/// How a `Spec` is made: from the embedded object, or from one that is given.
fn constructors(code: &mut Code, request: &Request<'_>) {
    if !request.embed {
        code.doc(
            "The object from the bytes of its file.\n\n# Errors\n\
             If it is not the object that this module was generated for.",
        );
        open!(
            code,
            "pub fn from_bytes(bytes: &[u8]) -> ::oxbpf::Result<Self>"
        );
        return;
    }
    code.doc(
        "The object as it was compiled into this binary.\n\n# Errors\n\
         If the embedded file is not the one that this module was generated for.",
    );
    open!(code, "pub fn embedded() -> ::oxbpf::Result<Self>");
    line!(code, "Self::from_bytes(OBJECT)");
    code.close();
    code.gap();
    open!(code, "fn from_bytes(bytes: &[u8]) -> ::oxbpf::Result<Self>");
}

/// The rest of the function of `bytes` that `constructors` has begun.
fn read(code: &mut Code, request: &Request<'_>, parts: &Parts<'_>) {
    let name = request.name;
    line!(
        code,
        "let mut object = ::oxbpf::__private::parse({name:?}, bytes)?;"
    );
    open!(code, "Ok(Self");
    // Values are read while the maps that hold them are there.
    for section in &parts.sections {
        open!(code, "{}: {}", section.field, section.spec);
        for variable in &section.variables {
            let initial = variable.initial(section.map);
            line!(code, "{}: {initial},", variable.field);
        }
        code.close_with(",");
    }
    struct_ops::read(code, &parts.struct_ops);
    open!(code, "maps: MapSpecs");
    for map in &parts.maps {
        let (field, name) = (&map.field, map.name);
        line!(
            code,
            "{field}: ::oxbpf::__private::take_map(&mut object, {name:?})?,"
        );
    }
    code.close_with(",");
    open!(code, "programs: ProgramSpecs");
    for program in &parts.programs {
        let (field, name) = (&program.field, program.name);
        line!(
            code,
            "{field}: ::oxbpf::__private::take_program(&mut object, {name:?})?,"
        );
    }
    code.close_with(",");
    line!(code, "object,");
    code.close_with(")");
    code.close();
}

/// What a loader asks of it.
fn loadable(code: &mut Code, parts: &Parts<'_>) {
    code.gap();
    open!(code, "impl ::oxbpf::Loadable for Spec");
    line!(code, "type Output = Objects;");
    code.gap();
    open!(
        code,
        "fn into_spec(self) -> ::oxbpf::Result<::oxbpf::object::CollectionSpec>"
    );
    line!(code, "let mut object = self.object;");
    for map in &parts.maps {
        let (field, name) = (&map.field, map.name);
        line!(
            code,
            "::oxbpf::__private::put_map(&mut object, {name:?}, self.maps.{field})?;"
        );
    }
    for program in &parts.programs {
        let (field, name) = (&program.field, program.name);
        line!(
            code,
            "::oxbpf::__private::put_program(&mut object, {name:?}, self.programs.{field})?;"
        );
    }
    for section in &parts.sections {
        for variable in &section.variables {
            line!(code, "{}", variable.put(section.map, &section.field));
        }
    }
    struct_ops::write(code, &parts.struct_ops);
    line!(code, "Ok(object)");
    code.close();
    code.gap();
    open!(
        code,
        "fn from_collection(collection: ::oxbpf::Collection) -> ::oxbpf::Result<Objects>"
    );
    line!(code, "Objects::new(&collection)");
    code.close();
    if !parts.sections.is_empty() {
        let names: Vec<_> = parts.sections.iter().map(|section| section.map).collect();
        code.gap();
        open!(code, "fn data_sections() -> &'static [&'static str]");
        line!(code, "&{names:?}");
        code.close();
    }
    code.close();
}
