//! Questions that follow a chain of types: size, alignment, the type beneath modifiers.

use super::{Btf, Contents, Error, Kind, Type, TypeId};
use crate::limits::MAX_TYPE_DEPTH;

impl Btf {
    /// The size in bytes of a value of this type, seen through typedefs and modifiers.
    ///
    /// # Errors
    ///
    /// [`Error::NoSize`] for `void`, functions, and types that are only declared; otherwise as [`get`](Btf::get), or an endless or overlong chain.
    pub fn size_of(&self, id: TypeId) -> Result<u64, Error> {
        let mut at = id;
        let mut count = 1u64;
        for _ in 0..MAX_TYPE_DEPTH {
            let ty = self.get(at)?;
            let size = match ty.contents() {
                Contents::Ptr(_) => self.pointer_size().into(),
                Contents::Array(array) => {
                    count = count
                        .checked_mul(array.len.into())
                        .ok_or(Error::SizeOverflow { id })?;
                    at = array.element;
                    continue;
                }
                Contents::Typedef(next)
                | Contents::Volatile(next)
                | Contents::Const(next)
                | Contents::Restrict(next)
                | Contents::TypeTag(super::TypeTag { target: next, .. })
                | Contents::Var(super::Var { ty: next, .. })
                | Contents::DeclTag(super::DeclTag { target: next, .. }) => {
                    at = next;
                    continue;
                }
                _ => ty.size().ok_or(Error::NoSize {
                    id: at,
                    kind: ty.kind(),
                })?,
            };
            return count
                .checked_mul(size.into())
                .ok_or(Error::SizeOverflow { id });
        }
        Err(Error::TooDeep { id })
    }

    /// The type beneath `const`, `volatile`, `restrict` and type tags.
    ///
    /// # Errors
    ///
    /// As [`get`](Btf::get), or [`Error::TooDeep`].
    pub fn skip_modifiers(&self, id: TypeId) -> Result<Type<'_>, Error> {
        self.skip(id, Kind::is_modifier)
    }

    /// The type beneath `const`, `volatile`, `restrict`, type tags and typedefs.
    ///
    /// # Errors
    ///
    /// As [`get`](Btf::get), or [`Error::TooDeep`].
    pub fn skip_modifiers_and_typedefs(&self, id: TypeId) -> Result<Type<'_>, Error> {
        self.skip(id, |kind| kind.is_modifier() || kind == Kind::TYPEDEF)
    }

    fn skip(&self, id: TypeId, passes: impl Fn(Kind) -> bool) -> Result<Type<'_>, Error> {
        let mut ty = self.get(id)?;
        for _ in 0..MAX_TYPE_DEPTH {
            match ty.target() {
                Some(next) if passes(ty.kind()) => ty = self.get(next)?,
                _ => return Ok(ty),
            }
        }
        Err(Error::TooDeep { id })
    }

    /// The size in bytes of a pointer in the program these types are of.
    ///
    /// BTF does not say; it is the size of `long` where that is described, else 8.
    pub fn pointer_size(&self) -> u8 {
        const LONG: [&str; 6] = [
            "long",
            "long int",
            "int long",
            "unsigned long",
            "long unsigned int",
            "unsigned long int",
        ];
        *self.0.pointer_size.get_or_init(|| {
            if let Some(base) = self.base() {
                return base.pointer_size();
            }
            let mut longs = self
                .types()
                .map(|(_, ty)| ty)
                .filter(|ty| ty.kind() == Kind::INT && LONG.contains(&ty.name()));
            match longs.next().and_then(|long| long.size()) {
                Some(4) => 4,
                _ => 8,
            }
        })
    }
}
