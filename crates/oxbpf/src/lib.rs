//! BPF in the kernel: load, attach and read BPF programs.
#![deny(missing_docs)]
