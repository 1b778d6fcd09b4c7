//! Running the command.
#![allow(dead_code, unused_imports, unused_macros)]

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// The command, with nothing in its environment that changes how it looks.
pub(crate) fn oxbpf() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxbpf"));
    command
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    command
}

/// Runs the command and gives what it said and its exit status.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> (String, String, i32) {
    said(oxbpf().args(args).output().unwrap())
}

/// What a finished program said, and its exit status.
pub(crate) fn said(output: Output) -> (String, String, i32) {
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code().unwrap_or(-1),
    )
}

/// Says that a test cannot be run here, and why, where `cargo xtask vmtest` looks for it; the reason is compared with
/// `vmtest/expected.tsv`.
pub(crate) fn skip(reason: &str) {
    let test = std::thread::current();
    println!("SKIP {}: {reason}", test.name().unwrap_or("test"));
}

/// Whether this process may load programs. If not, that the test is skipped is told.
pub(crate) fn may_load() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip("it takes root");
    }
    is_root
}

/// The output of another program, or `None`, with the reason told, where there is none.
pub(crate) fn other(program: &str, args: &[&str]) -> Option<Vec<u8>> {
    match Command::new(program).args(args).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            skip(&format!("{program} cannot do that here"));
            None
        }
        Err(_) => {
            skip(&format!("there is no {program}"));
            None
        }
    }
}

/// Runs the command in a terminal of 80 columns, and gives what was on it: both outputs, colours included.
/// `None`, with the reason told, where there are no terminals.
pub(crate) fn in_terminal(command: &mut Command) -> Option<(String, i32)> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    use std::io::Read;

    let opened = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY);
    let ready = opened.and_then(|ours| {
        grantpt(&ours)?;
        unlockpt(&ours)?;
        Ok((ptsname(&ours, Vec::new())?, ours))
    });
    let (name, ours) = match ready {
        Ok(ready) => ready,
        Err(_) => {
            skip("there are no terminals");
            return None;
        }
    };
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&ours, size).unwrap();
    let theirs = std::fs::File::options();
    let theirs = theirs
        .clone()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap());
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(_) => {
            skip("there are no terminals");
            return None;
        }
    };
    command
        .stdout(theirs.try_clone().unwrap())
        .stderr(theirs.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    // The command's copies go with it; so do ours, that reading ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    drop(theirs);
    let mut said = Vec::new();
    // A terminal whose other side is gone is an error to read.
    let _ = std::fs::File::from(ours).read_to_end(&mut said);
    let status = child.wait().unwrap().code().unwrap_or(-1);
    let said = String::from_utf8(said).unwrap();
    Some((said.replace("\r\n", "\n"), status))
}

/// Compares text with a golden file, or writes it there if `BLESS` is set. The file is in the test, which may run elsewhere.
macro_rules! golden {
    ($name:literal, $text:expr) => {
        $crate::common::compare($name, include_str!(concat!("golden/", $name)), $text)
    };
}
pub(crate) use golden;

pub(crate) fn compare(name: &str, expected: &str, text: &str) {
    if std::env::var_os("BLESS").is_some() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
        std::fs::write(std::path::Path::new(golden).join(name), text).unwrap();
        return;
    }
    assert_eq!(text, expected, "{name} (BLESS=1 writes it anew)");
}

/// A file with one of the fixtures' objects.
pub(crate) fn fixture(directory: &std::path::Path, name: &str) -> std::path::PathBuf {
    let path = directory.join(format!("{name}.bpf.o"));
    std::fs::write(&path, fixtures::object(name)).unwrap();
    path
}
