//! The answer to a question about the kernel, and what it would take.

use std::fmt;

use rustix::io::Errno;

/// Whether the kernel can do something.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Support {
    /// It was tried, and it worked as far as the question goes.
    Yes,
    /// It was tried, and the kernel does not know it.
    No,
    /// This process is not let try, with this errno.
    Unknown(Errno),
}

impl Support {
    /// Whether the answer is yes.
    #[must_use]
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }

    /// What an answer to a request says that any kernel which has the feature would grant.
    pub(super) fn of(answer: Result<(), Errno>) -> Self {
        match answer {
            Ok(()) => Self::Yes,
            Err(errno @ (Errno::PERM | Errno::ACCESS)) => Self::Unknown(errno),
            Err(_) => Self::No,
        }
    }
}

impl From<bool> for Support {
    fn from(has: bool) -> Self {
        if has { Self::Yes } else { Self::No }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.pad("yes"),
            Self::No => f.pad("no"),
            Self::Unknown(_) => f.pad("not permitted"),
        }
    }
}

/// What it takes to have something.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Minimum {
    /// The first kernel that has it, on the first architecture.
    pub kernel: Option<(u8, u8)>,
    /// Options that it must be built with, besides `CONFIG_BPF_SYSCALL`.
    pub options: &'static [&'static str],
    /// Architectures on which it came later, with that kernel: as [`std::env::consts::ARCH`] calls them.
    pub architectures: &'static [(&'static str, (u8, u8))],
}

impl Minimum {
    /// The first kernel that has it on the architecture `arch`, as [`std::env::consts::ARCH`] names it.
    #[must_use]
    pub fn kernel_on(&self, arch: &str) -> Option<(u8, u8)> {
        let later = self.architectures.iter().find(|(name, _)| *name == arch);
        later.map_or(self.kernel, |(_, kernel)| Some(*kernel))
    }
}

/// Such as "Linux 5.5 (aarch64 6.0), CONFIG_DEBUG_INFO_BTF".
impl fmt::Display for Minimum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kernel {
            Some((major, minor)) => write!(f, "Linux {major}.{minor}")?,
            None => f.write_str("unknown")?,
        }
        for (position, (arch, (major, minor))) in self.architectures.iter().enumerate() {
            let before = if position == 0 { " (" } else { ", " };
            write!(f, "{before}{arch} {major}.{minor}")?;
        }
        if !self.architectures.is_empty() {
            f.write_str(")")?;
        }
        for option in self.options {
            write!(f, ", {option}")?;
        }
        Ok(())
    }
}

/// Something that a kernel may have, whether this one has it, and what it takes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Feature<T> {
    /// What it is.
    pub what: T,
    /// Whether this kernel has it.
    pub support: Support,
    /// What it takes to have it.
    pub minimum: Minimum,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimum_names_kernel_architectures_and_options() {
        let minimum = Minimum {
            kernel: Some((5, 5)),
            options: &["CONFIG_DEBUG_INFO_BTF"],
            architectures: &[("aarch64", (6, 0)), ("s390x", (6, 3))],
        };
        assert_eq!(
            minimum.to_string(),
            "Linux 5.5 (aarch64 6.0, s390x 6.3), CONFIG_DEBUG_INFO_BTF"
        );
        assert_eq!(minimum.kernel_on("s390x"), Some((6, 3)));
        assert_eq!(minimum.kernel_on("x86_64"), Some((5, 5)));
        assert_eq!(Minimum::default().to_string(), "unknown");
    }

    #[test]
    fn being_refused_is_no_answer() {
        assert_eq!(Support::of(Ok(())), Support::Yes);
        assert_eq!(Support::of(Err(Errno::INVAL)), Support::No);
        assert_eq!(Support::of(Err(Errno::PERM)), Support::Unknown(Errno::PERM));
    }
}
