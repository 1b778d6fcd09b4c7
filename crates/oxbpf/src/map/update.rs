//! How a value is set.

use bitflags::bitflags;

bitflags! {
    /// What setting a value is allowed to do. Empty: whatever is needed.
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    #[doc(alias = "BPF_ANY")]
    pub struct UpdateFlags: u64 {
        /// Only add: an error of kind [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the
        /// key is there.
        #[doc(alias = "BPF_NOEXIST")]
        const NO_EXIST = 1;
        /// Only replace: an error of kind [`NotFound`](crate::ErrorKind::NotFound) if the key is
        /// not there.
        #[doc(alias = "BPF_EXIST")]
        const EXIST = 2;
        /// Take the `bpf_spin_lock` in the value meanwhile. Linux 5.1.
        #[doc(alias = "BPF_F_LOCK")]
        const LOCK = 4;
    }
}
