//! Values of variables before the load, between a collection and the fields of a `Spec`.

use oxbpf_object::{CollectionSpec, spec::DataSection};
use zerocopy::FromZeros;

use super::stale;
use crate::map::Plain;
use crate::{Error, ErrorKind, Result};

/// The initial value of a variable.
pub fn variable<T: Plain>(object: &CollectionSpec, section: &str, name: &str) -> Result<T> {
    data(object, section)
        .and_then(|data| data.variable_bytes(name))
        .and_then(T::from_bytes)
        .ok_or_else(|| stale(object, "fitting variable", name))
}

/// The initial value of a variable that is too large to be passed by value.
pub fn large_variable<T: FromZeros + Plain>(
    object: &CollectionSpec,
    section: &str,
    name: &str,
) -> Result<Box<T>> {
    let bytes = data(object, section)
        .and_then(|data| data.variable_bytes(name))
        .filter(|bytes| bytes.len() == size_of::<T>())
        .ok_or_else(|| stale(object, "fitting variable", name))?;
    let mut value = T::new_box_zeroed().map_err(|_| {
        Error::new(
            ErrorKind::LimitExceeded,
            format!("making room for variable `{name}` of `{}`", object.name),
        )
    })?;
    value.bytes_mut().copy_from_slice(bytes);
    Ok(value)
}

/// Sets the initial value of a variable.
pub fn set_variable<T: Plain>(
    object: &mut CollectionSpec,
    section: &str,
    name: &str,
    value: &T,
) -> Result<()> {
    let bytes = object
        .map_mut(section)
        .and_then(|map| map.data.as_mut())
        .and_then(|data| data.variable_bytes_mut(name));
    match bytes {
        Some(bytes) if bytes.len() == size_of::<T>() => {
            bytes.copy_from_slice(value.bytes());
            Ok(())
        }
        _ => Err(stale(object, "fitting variable", name)),
    }
}

/// Sets what the kernel's configuration is taken to say of a variable of `.kconfig`, if anything.
pub fn set_setting<T: Plain>(
    object: &mut CollectionSpec,
    name: &str,
    value: Option<&T>,
) -> Result<()> {
    let setting = object.externs_mut().iter_mut().find(|e| e.name == name);
    match (setting, value) {
        (Some(setting), value) => {
            setting.value = value.map(|value| value.bytes().to_vec());
            Ok(())
        }
        // No program uses it.
        (None, None) => Ok(()),
        (None, Some(value)) => set_variable(object, ".kconfig", name, value),
    }
}

fn data<'a>(object: &'a CollectionSpec, section: &str) -> Option<&'a DataSection> {
    object.map(section)?.data.as_ref()
}
