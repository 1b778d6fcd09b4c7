//! Everybody's tools under `oxbpf run`: the objects of Debian's libbpf-tools and libxdp1, on this kernel and inside others.
//! Each shows something, or says in one sentence why this kernel cannot.

use crate::cargo::{cargo, messages, static_program};
use crate::corpus;
use crate::expected::{Expected, Outcome, Results};
use crate::install;
use crate::kernel::Kernel;
use crate::process::{Context, Result, Scratch, root, workspace};
use crate::vm::Machine;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const USAGE: &str =
    "[--kernel host,6.1,7] [--program OXBPF | --debug] [--bless] [PART,...]";

/// The packages, and what their objects take to be of use.
const PACKAGES: &[(&str, &str)] = &[("libbpf-tools", ""), ("libxdp1", "--interface lo")];

/// What the programs around some objects would say, which have no target of their own.
const OPTIONS: &[(&str, &str)] = &[("funclatency", "--at dummy_*=vfs_read")];

/// What must be in the output of some, on every kernel where they show anything.
const MUST_SHOW: &[(&str, &str)] = &[
    ("execsnoop", "true seen_by_oxbpf"),
    ("opensnoop", "\"file\""),
    ("runqlat", "|****************************************|"),
    ("cpudist", "|****************************************|"),
    ("funclatency", "|****************************************|"),
];

/// Of these, something is shown on every kernel, this one included.
const EVERYWHERE: &[&str] = &[
    "cpudist",
    "execsnoop",
    "exitsnoop",
    "opensnoop",
    "runqlat",
    "syscount",
];

const TOOLS: &str = include_str!("../../vmtest/tools.sh");
const BUSY: &str = include_str!("../../vmtest/busy.sh");

/// An object to run.
#[derive(Clone, Debug)]
struct Tool {
    /// Suite, package and name.
    id: String,
    name: String,
    object: PathBuf,
    options: String,
}

pub(crate) fn main(args: &[String]) -> Result<()> {
    let (mut kernels, mut bless, mut part) = (vec!["host".to_owned()], false, String::new());
    let mut program = None;
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--kernel" => kernels = value()?.split(',').map(str::to_owned).collect(),
            "--program" => program = Some(std::path::absolute(value()?).context(word)?),
            "--debug" => program = Some(debug_program()?),
            "--bless" => bless = true,
            option if option.starts_with("--") => {
                return Err(format!("no option {option}; usage: tools {USAGE}").into());
            }
            _ => part = word.clone(),
        }
    }
    let mut tools = tools()?;
    tools.retain(|tool| part.split(',').any(|part| tool.id.contains(part)));
    if tools.is_empty() {
        return Err(format!("no object is called like `{part}`").into());
    }
    let oxbpf = match program {
        Some(program) => program,
        None => static_program(&install::OXBPF)?,
    };
    let file = workspace().join("vmtest/tools.tsv");
    let mut expected = Expected::parse(&std::fs::read_to_string(&file).unwrap_or_default());
    let mut deviations = Vec::new();
    for kernel in &kernels {
        let start = Instant::now();
        let mut results = match kernel.as_str() {
            "host" => here(&oxbpf, &tools)?,
            name => inside(&Kernel::get(name)?, &oxbpf, &tools),
        };
        if !bless {
            overlook_chance(&expected, kernel, &mut results);
        }
        let seconds = start.elapsed().as_secs_f64();
        if bless && kernel != "host" {
            expected.bless(kernel, &results, part.is_empty());
        }
        deviations.extend(expected.deviations(kernel, &results, part.is_empty()));
        report(kernel, &results, seconds);
    }
    if bless {
        std::fs::write(&file, expected.render()).context(file.display())?;
    }
    for deviation in &deviations {
        println!("{deviation}");
    }
    match deviations.is_empty() {
        true => Ok(()),
        false => Err("not as vmtest/tools.tsv says".into()),
    }
}

/// Whether something happens in time that a tool watches is chance: where it did once, it may not now, and the other way round.
fn overlook_chance(expected: &Expected, kernel: &str, results: &mut Results) {
    let nothing = Outcome::Skip(NOTHING.to_owned());
    for (id, outcome) in results {
        let was = expected.cell(id, kernel);
        if *outcome == nothing && was == Some("pass") {
            *outcome = Outcome::Pass;
        } else if *outcome == Outcome::Pass && was == Some(&nothing.to_string()) {
            *outcome = nothing.clone();
        }
    }
}

/// What `cargo xtask vmtest` has built already.
fn debug_program() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--package", install::OXBPF.package]);
    let messages = messages(build.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1"))?;
    let built = messages.iter().rev();
    let mut built = built.filter_map(|message| message.get("executable").str());
    Ok(built.next().ok_or("the command has no program")?.into())
}

/// The objects, each once: releases of Debian share some.
fn tools() -> Result<Vec<Tool>> {
    let mut tools = Vec::new();
    let mut seen = HashSet::new();
    let names: Vec<&str> = PACKAGES.iter().map(|(name, _)| *name).collect();
    for (suite, package, object) in corpus::objects_of(&names)? {
        if !seen.insert(std::fs::read(&object).context(object.display())?) {
            continue;
        }
        let stem = object.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.trim_end_matches("-libbpf").to_owned();
        let of = |table: &[(&str, &str)], name: &str| {
            let row = table.iter().find(|(known, _)| *known == name);
            row.map_or(String::new(), |(_, options)| (*options).to_owned())
        };
        tools.push(Tool {
            id: format!("{suite}/{package}/{name}"),
            options: [of(PACKAGES, &package), of(OPTIONS, &name)].join(" "),
            name,
            object,
        });
    }
    Ok(tools)
}

fn plan(tools: &[Tool]) -> String {
    let line = |tool: &Tool| format!("{} {}\n", tool.object.display(), tool.options);
    tools.iter().map(line).collect()
}

/// In a network and with mounts of their own, so that nobody else notices.
fn here(oxbpf: &Path, tools: &[Tool]) -> Result<Results> {
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let write = |name: &str, text: &str| {
        let path = scratch.0.join(name);
        std::fs::write(&path, text).context(path.display())?;
        Ok::<_, Box<dyn std::error::Error>>(path)
    };
    let (script, busy) = (write("tools.sh", TOOLS)?, write("busy.sh", BUSY)?);
    let plan = write("plan", &plan(tools))?;
    let output = root("unshare")
        .args([
            "--net",
            "--mount",
            "sh",
            "-c",
            "ip link set lo up && exec sh \"$@\"",
            "sh",
        ])
        .args([&script, oxbpf, &plan, &busy])
        .stderr(Stdio::inherit())
        .output()
        .context("unshare")?;
    Ok(results(tools, &String::from_utf8_lossy(&output.stdout)))
}

/// As many machines as there are processors here share the tools.
fn inside(kernel: &Kernel, oxbpf: &Path, tools: &[Tool]) -> Results {
    let machines = thread::available_parallelism().map_or(1, |cpus| cpus.get());
    let shares: Vec<Vec<Tool>> = (0..machines)
        .map(|n| tools.iter().skip(n).step_by(machines).cloned().collect())
        .filter(|share: &Vec<Tool>| !share.is_empty())
        .collect();
    thread::scope(|scope| {
        let run = |share: Vec<Tool>| scope.spawn(move || run_share(kernel, oxbpf, &share));
        let running: Vec<_> = shares.into_iter().map(run).collect();
        let join = |one: thread::ScopedJoinHandle<'_, Results>| one.join().unwrap_or_default();
        running.into_iter().flat_map(join).collect()
    })
}

fn run_share(kernel: &Kernel, oxbpf: &Path, tools: &[Tool]) -> Results {
    let extra = [
        ("/tools.sh", TOOLS),
        ("/busy.sh", BUSY),
        ("/plan", &plan(tools)),
    ];
    let machine = Machine {
        timeout: Duration::from_secs(3600),
        files: std::iter::once(oxbpf.to_owned())
            .chain(tools.iter().map(|tool| tool.object.clone()))
            .collect(),
        extra: extra
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_owned()))
            .to_vec(),
        script: format!("sh /tools.sh {} /plan /busy.sh", oxbpf.display()),
        ..Machine::default()
    };
    let mut said = Vec::new();
    if let Err(error) = machine.run(kernel, |chunk| said.extend_from_slice(chunk)) {
        eprintln!("{}: {error}", kernel.name);
    }
    results(tools, &String::from_utf8_lossy(&said))
}

/// Reads how the tools of a plan ended, and shows what those that failed had to say.
fn results(tools: &[Tool], said: &str) -> Results {
    let said = said.replace('\r', "");
    let judged = tools.iter().enumerate().map(|(index, tool)| {
        let number = index + 1;
        let begun = said.rsplit_once(&format!("\n@@ {number} begin\n"));
        let ended = begun.and_then(|(_, after)| after.split_once(&format!("\n@@ {number} end ")));
        let outcome = match ended {
            None => Outcome::Fail("did not end".to_owned()),
            Some((printed, status)) => {
                let outcome = judge(tool, printed, status.lines().next().unwrap_or_default());
                if matches!(outcome, Outcome::Fail(_)) {
                    eprintln!("---- {}\n{}", tool.id, printed.trim());
                }
                outcome
            }
        };
        (tool.id.clone(), outcome)
    });
    judged.collect()
}

/// What is said of a tool that waited for nothing.
const NOTHING: &str = "nothing happened that it watches";

fn judge(tool: &Tool, printed: &str, status: &str) -> Outcome {
    let of = |stream: &str| -> Vec<&str> {
        let lines = printed.lines();
        lines.filter_map(|line| line.strip_prefix(stream)).collect()
    };
    let (shown, said) = (of("1 "), of("2 "));
    let fail = |why: &str| Outcome::Fail(why.to_owned());
    if let Some(panic) = said.iter().find(|line| line.contains("panicked")) {
        return fail(panic);
    }
    let last = said.last().copied().unwrap_or_default();
    let is_everywhere = EVERYWHERE.contains(&tool.name.as_str());
    match (status, last.strip_prefix("oxbpf: ")) {
        ("0", None) if !last.contains("; detached ") => fail("it ended without a summary"),
        ("0", None) if !said.iter().any(|line| line.starts_with("attached ")) => {
            fail("it does not say what is attached")
        }
        ("0", None) if shown.is_empty() && is_everywhere => fail("it shows nothing"),
        ("0", None) if shown.is_empty() => Outcome::Skip(NOTHING.to_owned()),
        ("0", None) => {
            let must = MUST_SHOW.iter().find(|(name, _)| *name == tool.name);
            match must.filter(|(_, text)| !shown.iter().any(|line| line.contains(text))) {
                Some((_, text)) => fail(&format!("`{text}` is not in its output")),
                None => Outcome::Pass,
            }
        }
        ("1" | "2", Some(_)) if !shown.is_empty() => fail("it gave half an answer"),
        ("1" | "2", Some(why)) if is_everywhere => fail(why),
        ("1" | "2", Some(why)) => Outcome::Skip(why.to_owned()),
        _ => fail(&format!("exit status {status}, and said `{last}`")),
    }
}

fn report(kernel: &str, results: &Results, seconds: f64) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut shown = 0;
    for (id, outcome) in results {
        match outcome {
            Outcome::Pass => shown += 1,
            Outcome::Skip(why) => reasons.entry(why).or_default().push(id),
            Outcome::Fail(why) => println!("FAIL {id}: {why}"),
        }
    }
    println!("{kernel}: {} objects in {seconds:.0} s", results.len());
    println!("{shown:4} show something");
    for (why, ids) in reasons {
        let names: Vec<&str> = ids.iter().filter_map(|id| id.rsplit('/').next()).collect();
        println!("{:4} {why}\n     {}", names.len(), names.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> Tool {
        Tool {
            id: name.to_owned(),
            name: name.to_owned(),
            object: "/o".into(),
            options: String::new(),
        }
    }

    #[test]
    fn how_a_tool_did_is_read_from_its_status_and_its_words() {
        let judge = |name: &str, printed: &str, status: &str| judge(&tool(name), printed, status);
        let fine = "2 attached 1 of 1 programs\n2 1.0 s; detached 1 programs\n";
        assert_eq!(judge("x", &format!("1 text\n{fine}"), "0"), Outcome::Pass);
        assert_eq!(judge("x", fine, "0"), Outcome::Skip(NOTHING.to_owned()));
        assert_eq!(
            judge("x", "2 oxbpf: it has no such thing\n", "1"),
            Outcome::Skip("it has no such thing".to_owned())
        );
        for (name, printed, status) in [
            ("runqlat", fine, "0"),
            ("runqlat", &format!("1 text\n{fine}"), "0"),
            ("runqlat", "2 oxbpf: it has no such thing\n", "1"),
            ("x", "1 text\n2 oxbpf: it has no such thing\n", "1"),
            ("x", "2 oxbpf: it has no such thing\n", "101"),
            ("x", "2 attached 1 of 1 programs\n", "0"),
            ("x", "2 1.0 s; detached 1 programs\n", "0"),
            ("x", &format!("2 thread 'main' panicked at\n{fine}"), "0"),
            ("x", "", "1"),
        ] {
            let outcome = judge(name, printed, status);
            assert!(matches!(outcome, Outcome::Fail(_)), "{printed}: {outcome}");
        }
    }
}
