//! How the module is used, in its own names: the example in the documentation of `Spec`.

use super::{
    Parts, Request, links,
    maps::{Loaded, MapItem},
};

/// The lines of the example.
pub(super) fn lines(request: &Request<'_>, parts: &Parts<'_>) -> Vec<String> {
    let name = request.name;
    let setting = setting(parts);
    let spec = setting.as_ref().map_or("spec", |_| "mut spec");
    let mut lines = vec![if request.embed {
        format!("let {spec} = {name}::Spec::embedded()?;")
    } else {
        format!("let {spec} = {name}::Spec::from_bytes(&std::fs::read(\"{name}.o\")?)?;")
    }];
    lines.extend(setting);
    lines.push("let objects = oxbpf::Loader::new().load(spec)?;".to_owned());
    if !links::attachables(parts).is_empty() {
        lines.push("let links = objects.attach_all()?;".to_owned());
    }
    lines.extend(parts.maps.iter().find_map(events));
    if !parts.maps.iter().any(|map| events(map).is_some()) {
        lines.extend(parts.maps.iter().find_map(entries));
    }
    lines
}

/// A setting that somebody may want to change.
fn setting(parts: &Parts<'_>) -> Option<String> {
    let sized = |map: &&MapItem<'_>| map.front().is_some_and(|front| front.contains("Hash"));
    let map = parts.maps.iter().find(sized)?;
    Some(format!("spec.maps.{}.max_entries *= 2;", map.field))
}

fn events(map: &MapItem<'_>) -> Option<String> {
    map.front().filter(|front| front.contains("EventMap"))?;
    Some(format!(
        "for event in objects.maps.{}.reader()?.events(None) {{\n    println!(\"{{:?}}\", event?);\n}}",
        map.field
    ))
}

fn entries(map: &MapItem<'_>) -> Option<String> {
    let front = map.front()?;
    let field = &map.field;
    if ["::HashMap<", "::PerCpuHashMap<"]
        .iter()
        .any(|kind| front.contains(kind))
    {
        Some(format!(
            "for entry in objects.maps.{field}.iter() {{\n    let (key, value) = entry?;\n    \
             println!(\"{{key:?}}: {{value:?}}\");\n}}"
        ))
    } else if front.contains("::Array<") {
        Some(format!(
            "println!(\"{{:?}}\", objects.maps.{field}.get(0)?);"
        ))
    } else {
        None
    }
}

impl MapItem<'_> {
    fn front(&self) -> Option<&str> {
        match &self.loaded {
            Loaded::Front(front) => Some(front),
            _ => None,
        }
    }
}
