//! Enums whose encoding and text stand beside each variant.

/// Declares an enum and, per variant, a row of data: `row()` gives a variant's row, `find` the
/// first variant whose row satisfies a predicate, `ALL` every variant in order.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $row:ty = $what:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $value:expr,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        #[allow(dead_code)]
        impl $name {
            pub(super) const ALL: &'static [$name] = &[$($name::$variant),+];

            #[doc = $what]
            pub(super) fn row(self) -> $row {
                match self {
                    $($name::$variant => $value,)+
                }
            }

            pub(super) fn find(matches: impl Fn($row) -> bool) -> Option<$name> {
                Self::ALL.iter().copied().find(|v| matches(v.row()))
            }
        }
    };
}

pub(super) use table;
