//! C types without an object: what Rust makes of the types of a kernel or a program.

use oxbpf_object::btf::{Btf, Contents, TypeId};

use super::{
    BLOCKS,
    code::Code,
    export, open_module,
    types::{Asker, Types},
};
use crate::error::Error;

/// Rust definitions of C types; see [`rust_types`].
#[derive(Debug)]
pub struct RustTypes {
    /// The source of the module.
    pub text: String,
    /// Why types are not in it: those that have no size, or no counterpart in Rust.
    pub left_out: Vec<Error>,
}

/// Defines structures, unions, enumerations and what typedefs name, and all that these need, in Rust, as for
/// the types of an object's maps. The source names `oxbpf` by path. A type that Rust cannot express is left
/// out, and told.
#[must_use]
pub fn rust_types(btf: &Btf, ids: &[TypeId]) -> RustTypes {
    let mut types = Types::new(btf, BLOCKS);
    let mut left_out = Vec::new();
    for id in ids {
        let Ok(ty) = btf.get(*id) else { continue };
        let is_type = matches!(
            ty.contents(),
            Contents::Struct(_) | Contents::Union(_) | Contents::Enum(_) | Contents::Typedef(_)
        );
        // What has no name is a part of something that has one, or a list of constants.
        if !is_type || ty.name().is_empty() {
            continue;
        }
        let what = format!("`{}`", ty.name());
        let asker = Asker {
            name: ty.name(),
            what: &what,
        };
        if let Err(error) = types.rust_type(*id, asker) {
            left_out.push(error);
        }
    }
    let definitions = types.into_definitions();
    let mut code = Code::default();
    export(&mut code);
    open_module(&mut code);
    code.append(&definitions);
    code.close();
    RustTypes {
        text: code.into_text(),
        left_out,
    }
}
