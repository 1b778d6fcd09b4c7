//! Tables that mirror the kernel's user interface.
//!
//! Each is an open newtype: a value that a newer kernel brings is carried, printed as its number, and never an error.
//! A new kernel is a few new rows.

mod attach_type;
mod flags;
mod helper;
mod link_type;
mod map_type;
mod program_type;

pub use attach_type::AttachType;
pub use flags::{MapFlags, ProgramFlags};
pub use helper::Helper;
pub use link_type::LinkType;
pub use map_type::MapType;
pub use program_type::ProgramType;

/// Makes one table: `NAME = value, "text name", (major, minor) of the first kernel, "C_NAME";` a row.
macro_rules! kernel_enum {
    (
        $(#[$type_meta:meta])*
        pub struct $type:ident $(, unspecified $unspecified:tt)?;
        $(
            $(#[$meta:meta])*
            $name:ident = $value:literal, $text:literal, ($major:literal, $minor:literal), $c_name:tt;
        )*
    ) => {
        $(#[$type_meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $type(pub u32);

        impl $type {
            $(
                /// Zero: none is meant.
                #[doc(alias = $unspecified)]
                pub const UNSPEC: Self = Self(0);
            )?
            $(
                $(#[$meta])*
                ///
                #[doc = concat!("Since Linux ", $major, ".", $minor, ".")]
                #[doc(alias = $c_name)]
                pub const $name: Self = Self($value);
            )*

            /// Every value of the table, lowest first, without `UNSPEC`.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The text name, or `None` for a value that this table does not know.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    $(0 => { let _ = $unspecified; Some("unspec") })?
                    _ => None,
                }
            }

            /// The name in the kernel's C headers.
            #[must_use]
            pub const fn c_name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($c_name),)*
                    $(0 => Some($unspecified),)?
                    _ => None,
                }
            }

            /// The first kernel that has it, as (major, minor). Its options and architecture may still leave it out.
            #[must_use]
            pub const fn minimum_kernel(self) -> Option<(u8, u8)> {
                match self.0 {
                    $($value => Some(($major, $minor)),)*
                    _ => None,
                }
            }

            /// The value with that text name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    $("unspec" => { let _ = $unspecified; Some(Self::UNSPEC) })?
                    _ => None,
                }
            }
        }

        /// The text name, or the number where there is none.
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => core::fmt::Display::fmt(&self.0, f),
                }
            }
        }

        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, concat!(stringify!($type), "({})"), name),
                    None => write!(f, concat!(stringify!($type), "({})"), self.0),
                }
            }
        }

        impl From<u32> for $type {
            fn from(value: u32) -> Self {
                Self(value)
            }
        }

        impl From<$type> for u32 {
            fn from(value: $type) -> Self {
                value.0
            }
        }
    };
}
use kernel_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_names_are_those_of_the_kernel() {
        assert_eq!(MapType::ALL.len(), 35);
        assert_eq!(MapType::RHASH, MapType(35));
        assert_eq!(MapType::PERCPU_HASH.name(), Some("percpu_hash"));
        assert_eq!(ProgramType::ALL.len(), 32);
        assert_eq!(ProgramType::NETFILTER, ProgramType(32));
        assert_eq!(ProgramType::RAW_TRACEPOINT.name(), Some("raw_tracepoint"));
        assert_eq!(AttachType::ALL.len(), 62);
        assert_eq!(AttachType::TRACE_FSESSION_MULTI, AttachType(61));
        assert_eq!(LinkType::ALL.len(), 15);
        assert_eq!(LinkType::SOCKMAP, LinkType(14));
        assert_eq!(Helper::ALL.len(), 211);
        assert_eq!(Helper::CGRP_STORAGE_DELETE, Helper(211));
        assert_eq!(Helper::MAP_LOOKUP_ELEM.name(), Some("bpf_map_lookup_elem"));
        assert_eq!(
            Helper::MAP_LOOKUP_ELEM.c_name(),
            Some("BPF_FUNC_map_lookup_elem")
        );
    }

    #[test]
    fn tables_have_no_gap_and_name_each_value_once() {
        macro_rules! check {
            ($type:ident, $first:literal) => {
                for (position, value) in $type::ALL.iter().enumerate() {
                    assert_eq!(value.0 as usize, position + $first);
                    assert_eq!($type::from_name(value.name().unwrap()), Some(*value));
                    assert!(value.minimum_kernel().unwrap() >= (3, 19));
                }
            };
        }
        check!(MapType, 1);
        check!(ProgramType, 1);
        check!(AttachType, 0);
        check!(LinkType, 1);
        check!(Helper, 1);
    }

    #[test]
    fn values_of_a_newer_kernel_survive() {
        let unknown = MapType(4000);
        assert_eq!(unknown.name(), None);
        assert_eq!(unknown.minimum_kernel(), None);
        assert_eq!(unknown.to_string(), "4000");
        assert_eq!(
            format!("{unknown:?} {:?}", MapType::ARRAY),
            "MapType(4000) MapType(array)"
        );
        assert_eq!(u32::from(MapType::from(4000)), 4000);
        assert_eq!(MapType::UNSPEC.to_string(), "unspec");
        assert_eq!(MapFlags::from_bits_retain(1 << 31).bits(), 1 << 31);
        assert_eq!(
            ProgramFlags::all() & ProgramFlags::from_bits_retain(1 << 30),
            ProgramFlags::from_bits_retain(1 << 30)
        );
    }

    /// Every value that the installed kernel headers know must be in the table with the same number.
    #[test]
    fn agrees_with_the_installed_headers() {
        let Ok(header) = std::fs::read_to_string("/usr/include/linux/bpf.h") else {
            println!("skipped: no /usr/include/linux/bpf.h (package linux-libc-dev)");
            return;
        };
        let mut compared = 0;
        let mut check = |first: &str, known: &dyn Fn(u32) -> Option<&'static str>| {
            let start = header.find(first).unwrap();
            let body = &header[start..start + header[start..].find("};").unwrap()];
            let body = body.split_once('{').unwrap().1;
            let code: String = body
                .split("/*")
                .map(|part| part.split_once("*/").map_or(part, |(_, code)| code))
                .collect();
            let mut value = 0;
            for item in code
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
            {
                let (name, explicit) = item
                    .split_once('=')
                    .map_or((item, None), |(name, value)| (name, Some(value.trim())));
                let name = name.trim();
                if name.starts_with("__") || name.starts_with("MAX_") {
                    continue;
                }
                match explicit.map(str::parse::<u32>) {
                    Some(Ok(number)) => value = number,
                    Some(Err(_)) => continue,
                    None => {}
                }
                assert_eq!(
                    known(value).map(|known| name.starts_with(known)),
                    Some(true),
                    "{name} = {value}"
                );
                compared += 1;
                value += 1;
            }
        };
        check("enum bpf_map_type {", &|value| MapType(value).c_name());
        check("enum bpf_prog_type {", &|value| ProgramType(value).c_name());
        check("enum bpf_attach_type {", &|value| {
            AttachType(value).c_name()
        });
        check("enum bpf_link_type {", &|value| LinkType(value).c_name());
        assert!(compared > 100, "{compared}");
    }
}
