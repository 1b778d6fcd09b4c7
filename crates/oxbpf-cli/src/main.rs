//! The `oxbpf` command. It has no verbs yet.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!(
        "oxbpf {}: this version has no commands yet",
        env!("CARGO_PKG_VERSION")
    );
    ExitCode::from(2)
}
