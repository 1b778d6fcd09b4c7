//! The soak test, for as long as one likes.

use crate::cargo::cargo;
use crate::process::{Result, run};

pub(crate) const USAGE: &str = "[--time SECONDS]";

pub(crate) fn main(args: &[String]) -> Result<()> {
    let seconds = match args {
        [] => "3600",
        [option, seconds] if option == "--time" => seconds,
        _ => return Err(format!("usage: soak {USAGE}").into()),
    };
    // One test after the other: they watch the memory of the process.
    let test = ["test", "--release", "--package", "oxbpf", "--test", "soak"];
    run(cargo()
        .args(test)
        .args(["--", "--ignored", "--nocapture", "--test-threads", "1"])
        // Linking for speed would take longer than it gains, and a failure is to be told.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("OXBPF_SOAK", seconds))
}
