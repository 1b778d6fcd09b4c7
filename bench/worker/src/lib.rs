//! What every peer does the same: one step of work for each line that the driver sends, timed here, so that the driver
//! can take the peers in turn.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How often a step does what takes but nanoseconds.
pub const OPERATIONS: u32 = 10_000;

/// How many entries there are to go through.
pub const ENTRIES: u32 = 100_000;

/// Were these all entries?
pub fn all(entries: u32) -> Result<()> {
    match entries {
        ENTRIES => Ok(()),
        _ => Err(format!("{entries} entries of {ENTRIES}").into()),
    }
}

/// The case and its argument, as the driver gave them.
pub fn arguments() -> Result<(String, String)> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("a case and its argument are wanted");
    Ok((next()?, next()?))
}

/// The object, and the functions that are listed in a file: `OBJECT,LIST`.
pub fn functions(argument: &str) -> Result<(Vec<u8>, Vec<String>)> {
    let (object, list) = argument.split_once(',').ok_or("OBJECT,LIST")?;
    let names = std::fs::read_to_string(list)?;
    Ok((
        std::fs::read(object)?,
        names.lines().map(str::to_owned).collect(),
    ))
}

/// Did all records come, of 64 bytes each?
pub fn all_records(bytes: u64) -> Result<()> {
    match bytes / 64 {
        100_000 => Ok(()),
        records => Err(format!("{records} records").into()),
    }
}

/// Says that it is ready, does the step for each line that comes in, says the nanoseconds it took, and in the end the most
/// memory there was.
pub fn serve(mut step: impl FnMut() -> Result<()>) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "0")?;
    output.flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let start = Instant::now();
        step()?;
        writeln!(output, "{}", start.elapsed().as_nanos())?;
        output.flush()?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    writeln!(
        output,
        "{}",
        peak.ok_or("no VmHWM")?.trim().trim_end_matches(" kB")
    )?;
    Ok(())
}

pub fn unknown(case: &str) -> Result<()> {
    Err(format!("this peer cannot do {case}").into())
}
