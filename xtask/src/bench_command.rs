//! What the `oxbpf` command costs, beside Debian's newest `bpftool` and `veristat`, and against what we promise.

use crate::cargo::static_program;
use crate::corpus;
use crate::install;
use crate::json::Json;
use crate::peer::Tools;
use crate::process::{Context, Result, Scratch, root, workspace};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Promises: megabytes of the program, milliseconds to start, parts of what others take, milliseconds beyond clang.
const SIZE: f64 = 6.0;
const START: f64 = 5.0;
const DUMP: f64 = 0.4;
const VERIFY: f64 = 0.6;
const FIRST_EVENT: f64 = 300.0;

/// How often the first event is waited for.
const FIRST_EVENTS: usize = 31;

/// How many objects are verified.
const OBJECTS: usize = 100;

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

pub(crate) fn main(args: &[String]) -> Result<()> {
    let oxbpf = match args {
        [] => static_program(&install::OXBPF)?,
        [option, program] if option == "--program" => {
            std::path::absolute(program).context(program)?
        }
        _ => return Err("usage: bench command [--program OXBPF]".into()),
    };
    let oxbpf = oxbpf.display().to_string();
    let tools = Tools::get()?;
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let mut rows = Rows::default();
    let size = std::fs::metadata(&oxbpf).context(&oxbpf)?.len() as f64 / 1e6;
    rows.promise("size of the static program", size, SIZE, "MB");

    let [start] = medians(101, &[words(&[&oxbpf, "--version"])])?;
    rows.promise("start and end", start, START, "ms");

    let dump = [
        words(&[&oxbpf, "btf", "dump"]),
        with(
            &tools.program("bpftool")?,
            &["btf", "dump", "file", KERNEL, "format", "c"],
        ),
    ];
    let [ours, theirs] = medians(31, &dump)?;
    rows.beside("C of the kernel's types", ours, theirs, "bpftool", DUMP);
    let [ours, theirs] = [memory(&dump[0])?, memory(&dump[1])?];
    rows.show(&format!(
        "  memory at most: {ours:.1} MB, bpftool {theirs:.1} MB"
    ));

    let objects = objects()?;
    let objects: Vec<&str> = objects.iter().filter_map(|path| path.to_str()).collect();
    let verify = [
        with(&words(&[&oxbpf, "verify"]), &objects),
        with(
            &tools.program("veristat")?,
            &[&["-q"], &objects[..]].concat(),
        ),
    ];
    let [ours, theirs] = medians(5, &verify)?;
    rows.beside(
        &format!("verify {OBJECTS} objects"),
        ours,
        theirs,
        "veristat",
        VERIFY,
    );

    let source = workspace().join("bench/command/first_event.bpf.c");
    let [whole, clang, beyond] = first_event(&oxbpf, &source, &scratch)?;
    rows.show(&format!(
        "  from C to the line of its first event: {whole:.1} ms, of which clang {clang:.1} ms"
    ));
    let what = "from C to its first event, beyond clang";
    rows.promise(what, beyond, FIRST_EVENT, "ms");
    rows.end()
}

/// The objects: those of the newest libbpf-tools, then of the others.
fn objects() -> Result<Vec<PathBuf>> {
    let mut objects = corpus::objects_of(&["libbpf-tools"])?;
    objects.reverse();
    let objects = objects.into_iter().map(|(_, _, object)| object);
    Ok(objects.take(OBJECTS).collect())
}

/// Milliseconds from the start of `oxbpf run` to the line of the first event, of the clang that it calls, and their difference:
/// each the median of so many rounds.
fn first_event(oxbpf: &str, source: &Path, scratch: &Scratch) -> Result<[f64; 3]> {
    let source = source.display().to_string();
    // Where Debian keeps what differs between machines.
    let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let object = scratch.0.join("first_event.o").display().to_string();
    let run = words(&[oxbpf, "run", &source, "--count", "1"]);
    let compile = words(&[
        &clang(oxbpf)?,
        "-target",
        "bpf",
        "-O2",
        "-g",
        &headers,
        "-c",
        &source,
        "-o",
        &object,
    ]);
    let mut times = [const { Vec::new() }; 3];
    for round in 0..=FIRST_EVENTS {
        let (whole, clang) = (until_line(&run)?, duration(&compile)?);
        // The first round only warms up.
        if round > 0 {
            for (times, time) in times.iter_mut().zip([whole, clang, whole - clang]) {
                times.push(time);
            }
        }
    }
    Ok(times.map(median))
}

/// The clang that the command would use. A problem of this machine is no failure of it, whatever its exit status.
fn clang(oxbpf: &str) -> Result<String> {
    let doctor = Command::new(oxbpf).args(["-o", "json", "doctor"]).output();
    let said = String::from_utf8_lossy(&doctor.context(oxbpf)?.stdout).into_owned();
    let report = Json::parse(&said)?;
    let mut findings = report.get("findings").array().iter();
    let clang = findings
        .find(|finding| finding.get("what").str() == Some("clang"))
        .and_then(|finding| finding.get("text").str()?.rsplit_once(" ("))
        .and_then(|(_, path)| path.strip_suffix(')'))
        .ok_or("no clang")?;
    Ok(clang.to_owned())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn with(first: &[String], rest: &[&str]) -> Vec<String> {
    first.iter().cloned().chain(words(rest)).collect()
}

/// Milliseconds that commands take, each the median of so many runs, in turn.
fn medians<const N: usize>(rounds: usize, commands: &[Vec<String>; N]) -> Result<[f64; N]> {
    let mut times = [(); N].map(|()| Vec::new());
    for round in 0..=rounds {
        for (command, times) in commands.iter().zip(&mut times) {
            let time = duration(command)?;
            // The first round only warms up.
            if round > 0 {
                times.push(time);
            }
        }
    }
    Ok(times.map(median))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Milliseconds that a command takes.
fn duration(command: &[String]) -> Result<f64> {
    let start = Instant::now();
    let status = quiet(command).status().context(&command[0])?;
    // Programs that are refused are an answer.
    if !matches!(status.code(), Some(0 | 1)) {
        return Err(format!("`{}` failed: {status}", command.join(" ")).into());
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// Milliseconds until a command has printed a line.
fn until_line(command: &[String]) -> Result<f64> {
    let start = Instant::now();
    let mut piped = quiet(command);
    let mut child = piped.stdout(Stdio::piped()).spawn().context(&command[0])?;
    let stdout = child.stdout.take().ok_or("no pipe to read from")?;
    let mut line = String::new();
    let read = BufReader::new(stdout).read_line(&mut line);
    let time = start.elapsed().as_secs_f64() * 1e3;
    let status = child.wait().context(&command[0])?;
    match read.context(&command[0])? {
        0 => Err(format!("`{}` printed no line: {status}", command.join(" ")).into()),
        _ => Ok(time),
    }
}

fn quiet(command: &[String]) -> Command {
    let mut quiet = root(&command[0]);
    quiet.args(&command[1..]);
    quiet
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet
}

/// Megabytes at most, as seen whenever the command has printed something.
fn memory(command: &[String]) -> Result<f64> {
    let mut child = quiet(command)
        .stdout(Stdio::piped())
        .spawn()
        .context(&command[0])?;
    let mut stdout = child.stdout.take().ok_or("no pipe to read from")?;
    let (mut buffer, mut most) = (vec![0; 1 << 16], 0.0);
    while stdout.read(&mut buffer).context(&command[0])? > 0 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.unwrap_or_default().lines().find_map(|line| {
            let kilobytes = line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?;
            kilobytes.parse::<f64>().ok()
        });
        most = peak.map_or(most, |kilobytes| kilobytes * 1024.0 / 1e6);
    }
    child.wait().context(&command[0])?;
    Ok(most)
}

/// What was measured.
#[derive(Default)]
struct Rows {
    has_failed: bool,
}

impl Rows {
    fn show(&mut self, line: &str) {
        println!("{line}");
    }

    fn promise(&mut self, what: &str, measured: f64, promised: f64, unit: &str) {
        let verdict = self.verdict(measured <= promised);
        println!("{what:44} {measured:8.2} {unit}  (promised {promised}){verdict}");
    }

    fn beside(&mut self, what: &str, ours: f64, theirs: f64, name: &str, promised: f64) {
        let ratio = ours / theirs;
        let verdict = self.verdict(ratio <= promised);
        println!(
            "{what:44} {ours:8.1} ms, {name} {theirs:.1} ms: {ratio:.2}  (promised {promised}){verdict}"
        );
    }

    fn verdict(&mut self, is_kept: bool) -> &'static str {
        self.has_failed |= !is_kept;
        if is_kept { "" } else { "  TOO MUCH" }
    }

    fn end(self) -> Result<()> {
        match self.has_failed {
            true => Err("more than was promised".into()),
            false => Ok(()),
        }
    }
}
