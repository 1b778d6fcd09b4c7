//! Puts `record.rs` between both libraries and the kernel: each `syscall()` of the program becomes `__wrap_syscall()`.

fn main() {
    println!("cargo::rustc-link-arg-bins=-Wl,--wrap=syscall");
    println!("cargo::rerun-if-changed=build.rs");
}
