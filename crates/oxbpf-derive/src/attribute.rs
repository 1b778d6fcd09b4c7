//! `#[bpf(…)]` on a field.

use syn::{Error, Field, LitStr, Result};

/// What a field says about itself.
pub(crate) enum Attribute {
    None,
    Name(String),
    Flatten,
    Skip,
}

impl Attribute {
    pub(crate) fn of(field: &Field) -> Result<Self> {
        let mut found = Self::None;
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("bpf")) {
            attribute.parse_nested_meta(|meta| {
                let next = if meta.path.is_ident("name") {
                    Self::Name(meta.value()?.parse::<LitStr>()?.value())
                } else if meta.path.is_ident("flatten") {
                    Self::Flatten
                } else if meta.path.is_ident("skip") {
                    Self::Skip
                } else {
                    return Err(meta.error("there are `name = \"…\"`, `flatten` and `skip`"));
                };
                if !matches!(found, Self::None) {
                    return Err(meta.error("one of `name`, `flatten` and `skip` is enough"));
                }
                found = next;
                Ok(())
            })?;
        }
        if let Self::Name(name) = &found {
            if name.is_empty() {
                return Err(Error::new_spanned(
                    field,
                    "nothing in an object has an empty name",
                ));
            }
        }
        Ok(found)
    }
}
