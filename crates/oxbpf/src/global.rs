//! Global variables of a loaded object.
//!
//! The variables of one section live in the only value of an array map, or in an arena. Where the kernel
//! lets that value be mapped (5.5 and later), reading and writing a variable takes no system call.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};

use oxbpf_object::kernel::MapFlags;

use crate::error::{Error, ErrorKind, Result};
use crate::map::{Arena, Map, Plain, UpdateFlags};
use crate::sys::{Access, Mapping};

/// The value of a data map, and the way to its bytes.
#[derive(Debug)]
pub(crate) struct Section {
    map: Map,
    /// `None` where the map cannot be mapped: then each access is a system call.
    mapping: Option<Arc<Mapping>>,
    read_only: bool,
}

impl Section {
    /// Opens the variables of a data map. `read_only` where the map is frozen.
    pub(crate) fn new(map: Map, read_only: bool) -> Self {
        let access = if read_only {
            Access::Read
        } else {
            Access::ReadWrite
        };
        let mapping = map
            .flags()
            .contains(MapFlags::MMAPABLE)
            .then(|| Mapping::shared(map.as_fd(), 0, map.value_size() as usize, access).ok())
            .flatten();
        Self {
            map,
            mapping: mapping.map(Arc::new),
            read_only,
        }
    }

    /// The variables in an arena, whose offsets count from its start.
    pub(crate) fn of_arena(arena: &Arena) -> Self {
        Self {
            map: arena.as_map().clone(),
            mapping: Some(arena.memory().clone()),
            read_only: false,
        }
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<()> {
        let copied = match &self.mapping {
            Some(mapping) => mapping.copy_out(offset, into),
            None => {
                let value = self.map.get(&FIRST)?.unwrap_or_default();
                let from = value.get(offset..).and_then(|v| v.get(..into.len()));
                from.is_some_and(|from| {
                    into.copy_from_slice(from);
                    true
                })
            }
        };
        if copied {
            Ok(())
        } else {
            Err(self.outside(offset, into.len()))
        }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<()> {
        if self.read_only {
            return Err(self.frozen());
        }
        let copied = match &self.mapping {
            Some(mapping) => mapping.copy_in(offset, from),
            None => {
                let mut value = self.map.get(&FIRST)?.unwrap_or_default();
                let into = value
                    .get_mut(offset..)
                    .and_then(|v| v.get_mut(..from.len()));
                match into {
                    Some(into) => {
                        into.copy_from_slice(from);
                        self.map.set(&FIRST, &value, UpdateFlags::empty())?;
                        true
                    }
                    None => false,
                }
            }
        };
        if copied {
            Ok(())
        } else {
            Err(self.outside(offset, from.len()))
        }
    }

    fn outside(&self, offset: usize, size: usize) -> Error {
        Error::new(
            ErrorKind::WrongSize,
            format!("accessing global data `{}`", self.map.name()),
        )
        .with_reason(format!(
            "{size} bytes at offset {offset} reach outside of its {} bytes",
            self.map.value_size()
        ))
    }

    fn frozen(&self) -> Error {
        Error::new(
            ErrorKind::ReadOnly,
            format!("writing global data `{}`", self.map.name()),
        )
        .with_reason("it is frozen: the verifier has relied on its values")
        .with_remedy("set `const volatile` variables in the spec, before load")
    }
}

/// The key of a data map's only value.
const FIRST: [u8; 4] = [0; 4];

/// A global variable of a loaded object, shared with its programs.
///
/// A handle is cheap to clone, and keeps its map alive.
#[derive(Clone)]
pub struct Global<T> {
    section: Arc<Section>,
    offset: usize,
    name: String,
    _value: PhantomData<fn() -> T>,
}

impl<T: Plain> Global<T> {
    /// The variable `name` at `offset` of `section`, whose `size` must be that of `T`.
    pub(crate) fn new(section: Arc<Section>, name: &str, offset: u32, size: u32) -> Result<Self> {
        if size as usize != size_of::<T>() {
            return Err(Error::new(
                ErrorKind::WrongSize,
                format!("opening global variable `{name}`"),
            )
            .with_reason(format!(
                "it has {size} bytes, `{}` has {}",
                std::any::type_name::<T>(),
                size_of::<T>()
            )));
        }
        Ok(Self {
            section,
            offset: offset as usize,
            name: name.to_owned(),
            _value: PhantomData,
        })
    }

    /// Its name in C.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies the value out.
    ///
    /// Aligned words of up to 8 bytes are read whole; what is longer may be a mix of two values
    /// if a program writes at the same time.
    ///
    /// # Errors
    ///
    /// What the kernel says, where the map is not mapped.
    pub fn load(&self) -> Result<T> {
        let mut value = T::zeroed();
        self.section.read(self.offset, value.bytes_mut())?;
        Ok(value)
    }

    /// Copies a value in.
    ///
    /// Aligned words of up to 8 bytes are written whole; what is longer may be seen in part.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] for a constant (`.rodata`); what the kernel says, where the map
    /// is not mapped.
    pub fn store(&self, value: T) -> Result<()> {
        self.section.write(self.offset, value.bytes())
    }
}

impl<T: Word> Global<T> {
    /// The variable as an atomic of the standard library, for what programs change with
    /// `__sync_fetch_and_add` and its like.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] for a constant, [`ErrorKind::Unsupported`] where the map cannot be
    /// mapped, or [`ErrorKind::InvalidInput`] where the variable is not aligned to its size.
    pub fn atomic(&self) -> Result<&T::Atomic> {
        if self.section.read_only {
            return Err(self.section.frozen());
        }
        let doing = || format!("mapping global variable `{}`", self.name);
        let mapping = self.section.mapping.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, doing())
                .with_reason("this kernel does not map arrays")
                .with_remedy("use `load` and `store`")
        })?;
        T::at(mapping, self.offset).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, doing())
                .with_reason("it is not aligned to its size")
        })
    }
}

impl<T> fmt::Debug for Global<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Global")
            .field("name", &self.name)
            .field("section", &self.section.map.name())
            .field("offset", &self.offset)
            .finish()
    }
}

/// An integer that the standard library has an atomic of.
pub trait Word: Plain + sealed::Word {}

mod sealed {
    use crate::sys::Mapping;

    pub trait Word {
        /// The atomic of the same size.
        type Atomic;

        #[doc(hidden)]
        #[allow(
            private_interfaces,
            reason = "the trait is sealed, nobody else calls this"
        )]
        fn at(mapping: &Mapping, offset: usize) -> Option<&Self::Atomic>;
    }
}

macro_rules! words {
    ($($int:ident $atomic:ident $at:ident)*) => {$(
        impl Word for $int {}
        impl sealed::Word for $int {
            type Atomic = $atomic;

            #[allow(private_interfaces, reason = "as the trait's")]
            fn at(mapping: &Mapping, offset: usize) -> Option<&$atomic> {
                mapping.$at(offset)
            }
        }
    )*};
}

words! {
    u8 AtomicU8 atomic_u8
    u16 AtomicU16 atomic_u16
    u32 AtomicU32 atomic_u32
    u64 AtomicU64 atomic_u64
    i8 AtomicI8 atomic_i8
    i16 AtomicI16 atomic_i16
    i32 AtomicI32 atomic_i32
    i64 AtomicI64 atomic_i64
}
