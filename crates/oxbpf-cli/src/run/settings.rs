//! Global variables as options: `--set NAME=VALUE`.

use anyhow::{anyhow, bail};
use oxbpf_object::CollectionSpec;
use oxbpf_object::btf::{Btf, Int};
use oxbpf_object::spec::{DataKind, VariableSpec};

/// A variable that can be set, for `run FILE --help`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) value: String,
    /// Whether it is a constant to the programs, and so meant to be set.
    pub(super) is_constant: bool,
}

/// All variables of an object that have a name and a type.
pub(super) fn settings(spec: &CollectionSpec) -> Vec<Setting> {
    let mut settings = Vec::new();
    let Some(btf) = &spec.btf else {
        return settings;
    };
    for map in spec.maps() {
        let Some(data) = &map.data else { continue };
        let is_constant = data.kind == DataKind::Rodata;
        if !is_constant && !matches!(data.kind, DataKind::Data | DataKind::Bss) {
            continue;
        }
        for variable in &data.variables {
            let (Some(ty), Some(bytes)) = (variable.ty, data.variable_bytes(&variable.name)) else {
                continue;
            };
            // Static ones are the compiler's: format strings and the like.
            if variable.is_static {
                continue;
            }
            settings.push(Setting {
                name: variable.name.clone(),
                type_name: btf.type_name(ty),
                value: btf.value(ty, bytes).to_string(),
                is_constant,
            });
        }
    }
    settings
}

/// Sets variables as `NAME=VALUE` says.
pub(super) fn apply(spec: &mut CollectionSpec, settings: &[String]) -> anyhow::Result<()> {
    let btf = spec.btf.clone();
    for setting in settings {
        let Some((name, value)) = setting.split_once('=') else {
            bail!("`--set {setting}` is no NAME=VALUE");
        };
        let name = name.trim();
        let Some((_, variable)) = spec.variable(name) else {
            bail!("`--set {setting}`: {}", unknown(spec, name));
        };
        let variable = variable.clone();
        let Some(bytes) = spec.variable_bytes_mut(name) else {
            bail!("`--set {setting}`: `{name}` has no room in the object");
        };
        write(btf.as_ref(), &variable, value, bytes).map_err(|error| {
            let at = setting.len() - value.len() + error.at();
            // In characters, since that is what a terminal counts.
            let column = setting.get(..at).unwrap_or(setting).chars().count();
            anyhow!("`--set`: {error}\n    {setting}\n    {:column$}^", "")
        })?;
    }
    Ok(())
}

fn write(
    btf: Option<&Btf>,
    variable: &VariableSpec,
    value: &str,
    bytes: &mut [u8],
) -> Result<(), oxbpf_object::btf::ValueTextError> {
    if let (Some(btf), Some(ty)) = (btf, variable.ty) {
        return btf.write_value(ty, value, bytes);
    }
    // Without types, a variable of the size of a number is taken for one.
    let mut builder = oxbpf_object::btf::BtfBuilder::new();
    let size = u8::try_from(variable.size).unwrap_or(0);
    let int = Int {
        is_signed: value.trim_start().starts_with('-'),
        ..Int::unsigned(size)
    };
    let id = builder.add_int("number", int);
    match builder.build() {
        Ok(btf) => btf.write_value(id, value, bytes),
        Err(_) => Ok(()),
    }
}

fn unknown(spec: &CollectionSpec, name: &str) -> String {
    let settings = settings(spec);
    let names = settings.iter().map(|setting| setting.name.as_str());
    let nearest = oxbpf::suggest::nearest(name, names);
    match oxbpf::suggest::did_you_mean(&nearest) {
        Some(hint) => format!("the object has no variable `{name}`; {hint}"),
        None if settings.is_empty() => {
            format!("the object has no variable `{name}`, nor any other")
        }
        None => {
            let names: Vec<_> = settings.iter().map(|s| s.name.as_str()).take(8).collect();
            format!(
                "the object has no variable `{name}`, but {}",
                names.join(", ")
            )
        }
    }
}
