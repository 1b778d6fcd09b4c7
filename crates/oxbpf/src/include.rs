//! The way from a build script's output into a crate.

/// Includes the module that `bpf2rs::Builder::compile` generated in the crate's `build.rs`, by the
/// name of its object.
///
/// It goes into a module of its own:
///
/// ```ignore
/// mod exec_count {
///     oxbpf::include_bpf!("exec_count");
/// }
/// ```
///
/// Output that is committed needs no macro: there, `mod exec_count;` will do.
#[macro_export]
macro_rules! include_bpf {
    ($name:literal) => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/", $name, ".rs"));
    };
}
