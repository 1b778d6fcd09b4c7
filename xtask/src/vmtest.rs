//! The tests that need a kernel, run as root inside real ones, one process each, and compared with what they are known
//! to do there.

use crate::cargo::{cargo, messages};
use crate::expected::{Expected, Outcome, Results};
use crate::json::Json;
use crate::kernel::Kernel;
use crate::process::{Context, Result, Scratch, find_program, output, root, workspace};
use crate::vm::Machine;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const USAGE: &str = "[--kernel 6.1,7,host|all] [--bless] [--console] [FILTER,...]";

/// Packages whose tests need a kernel.
pub(crate) const PACKAGES: &[&str] = &["oxbpf", "oxbpf-cli", "exec-count"];

/// What `--kernel all` means.
const ALL: &[&str] = &["5.10", "6.1", "6.12", "6.18", "7", "host"];

/// Directories with what tests read.
const FIXTURES: &[&str] = &["crates", "demo"];

/// What is tested of those packages beside what they are without asking.
const FEATURES: &str = "oxbpf/tokio,oxbpf/async-io,oxbpf/symbols";

/// Programs which tests use if they are there.
const PROGRAMS: &[&str] = &["bpftool", "ip", "openssl", "tc"];

/// A machine unlike the others, for tests that would be in the way of others.
struct OddMachine {
    /// How the names of its tests begin.
    tests: &'static [&'static str],
    cpus: u32,
    /// More words for the kernel's command line.
    append: &'static str,
}

const ODD_MACHINES: &[OddMachine] = &[
    OddMachine {
        tests: &["oxbpf::links::lockdown::"],
        cpus: 1,
        append: "lockdown=confidentiality",
    },
    OddMachine {
        tests: &[
            "oxbpf::rings::a_cpu_that_goes_away",
            "oxbpf::rings::records_arrive_whole",
            "oxbpf::rings::samples_arrive_whole",
        ],
        cpus: 2,
        append: "",
    },
];

const RUN: &str = include_str!("../../vmtest/run.sh");

/// One line of the plan: a test, or all unit tests of a crate together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Test {
    /// Package, target and test.
    id: String,
    directory: PathBuf,
    binary: PathBuf,
    name: Option<String>,
}

/// What cargo built.
#[derive(Debug, Default)]
struct Built {
    tests: Vec<Test>,
    /// Programs and build script outputs that tests may ask for.
    files: Vec<PathBuf>,
}

pub(crate) fn main(args: &[String]) -> Result<()> {
    let mut kernels: Vec<String> = Vec::new();
    let (mut bless, mut console, mut filter) = (false, false, String::new());
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--kernel" => {
                let names = rest.next().ok_or("--kernel needs a value")?;
                kernels.extend(
                    names
                        .split(',')
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned),
                );
            }
            "--bless" => bless = true,
            "--console" => console = true,
            option if option.starts_with("--") => {
                return Err(format!("no option {option}; usage: vmtest {USAGE}").into());
            }
            _ => filter = word.clone(),
        }
    }
    if kernels.is_empty() {
        kernels.push("6.1".to_owned());
    }
    if kernels.iter().any(|kernel| kernel == "all") {
        kernels = ALL.iter().map(|kernel| kernel.to_string()).collect();
    }

    let mut built = build()?;
    let is_wanted = |test: &Test| filter.split(',').any(|part| test.id.contains(part));
    built.tests.retain(is_wanted);
    if built.tests.is_empty() {
        return Err(format!("no test matches `{filter}`").into());
    }
    let file = workspace().join("vmtest/expected.tsv");
    let mut expected = Expected::parse(&std::fs::read_to_string(&file).unwrap_or_default());
    let mut columns = Vec::new();
    let mut deviations = Vec::new();
    for kernel in &kernels {
        let start = Instant::now();
        let results = if kernel == "host" {
            run_here(&built)?
        } else {
            run_inside(kernel, &built, console)?
        };
        eprintln!(
            "{kernel}: {} tests in {:.0} s",
            results.len(),
            start.elapsed().as_secs_f64()
        );
        // Whose kernel the host's is we cannot know.
        if bless && kernel != "host" {
            expected.bless(kernel, &results, filter.is_empty());
        }
        deviations.extend(expected.deviations(kernel, &results, filter.is_empty()));
        columns.push((kernel.as_str(), results));
    }
    if bless {
        std::fs::write(&file, expected.render()).context(file.display())?;
    }
    print!("{}", table(&columns));
    for (reason, count) in skip_reasons(&columns) {
        println!("{count:3} x skip: {reason}");
    }
    for deviation in &deviations {
        println!("{deviation}");
    }
    let count = |wanted: fn(&Outcome) -> bool| {
        columns
            .iter()
            .flat_map(|(_, results)| results.values())
            .filter(|outcome| wanted(outcome))
            .count()
    };
    let (failed, skipped) = (
        count(|o| matches!(o, Outcome::Fail(_))),
        count(|o| matches!(o, Outcome::Skip(_))),
    );
    if deviations.len() > failed {
        println!("not as vmtest/expected.tsv says; `cargo xtask vmtest --bless` makes it say so");
    }
    println!(
        "{} passed, {failed} failed, {skipped} skipped",
        count(|o| *o == Outcome::Pass)
    );
    if deviations.is_empty() {
        Ok(())
    } else {
        Err("not as expected".into())
    }
}

/// Builds the tests and asks each binary what is in it.
fn build() -> Result<Built> {
    let mut cargo = cargo();
    // QEMU does every instruction by itself: what the compiler saves once is saved on each kernel.
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    let build = select_packages(cargo.args(["test", "--no-run", "--features", FEATURES]));
    let mut built = Built::default();
    for message in messages(build)? {
        built.add(&message)?;
    }
    built.tests.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(built)
}

/// Makes a cargo command be about the packages whose tests need a kernel.
pub(crate) fn select_packages(cargo: &mut Command) -> &mut Command {
    PACKAGES
        .iter()
        .fold(cargo, |cargo, package| cargo.args(["--package", package]))
}

impl Built {
    /// Takes what matters from one message of cargo.
    fn add(&mut self, message: &Json) -> Result<()> {
        let ours = message
            .get("package_id")
            .str()
            .is_some_and(|id| id.starts_with("path+file:"));
        if let (true, Some(out_dir)) = (ours, message.get("out_dir").str()) {
            self.files.push(out_dir.into());
        }
        let manifest = Path::new(message.get("manifest_path").str().unwrap_or_default());
        let (Some(binary), Some(directory)) = (message.get("executable").str(), manifest.parent())
        else {
            return Ok(());
        };
        if !ours {
            return Ok(());
        }
        let binary = PathBuf::from(binary);
        if *message.get("profile").get("test") != Json::Bool(true) {
            self.files.push(binary);
            return Ok(());
        }
        let package = package_name(manifest)?;
        let target = message.get("target");
        let target_name = target.get("name").str().unwrap_or_default();
        let test = Test {
            id: String::new(),
            directory: directory.to_owned(),
            binary,
            name: None,
        };
        if target.get("kind").array() != [Json::String("test".into())] {
            let names = list(&test.binary)?;
            let unit = Test {
                id: format!("{package}::{}::unit", target_name.replace('-', "_")),
                ..test
            };
            self.tests.extend((!names.is_empty()).then_some(unit));
            return Ok(());
        }
        for name in list(&test.binary)? {
            self.tests.push(Test {
                id: format!("{package}::{target_name}::{name}"),
                name: Some(name),
                ..test.clone()
            });
        }
        Ok(())
    }
}

/// Package ids have several shapes; the manifest has one.
fn package_name(manifest: &Path) -> Result<String> {
    let text = std::fs::read_to_string(manifest).context(manifest.display())?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    name.map(str::to_owned)
        .ok_or_else(|| format!("{} names no package", manifest.display()).into())
}

/// The tests in a binary.
fn list(binary: &Path) -> Result<Vec<String>> {
    let listed = output(Command::new(binary).args(["--list", "--format", "terse"]))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    Ok(listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect())
}

fn plan(tests: &[Test]) -> String {
    let line = |test: &Test| {
        let name = test.name.as_deref().unwrap_or_default();
        format!(
            "{} {} {name}\n",
            test.directory.display(),
            test.binary.display()
        )
    };
    tests.iter().map(line).collect()
}

fn run_here(built: &Built) -> Result<Results> {
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let (plan_file, script) = (scratch.0.join("plan"), scratch.0.join("run.sh"));
    std::fs::write(&plan_file, plan(&built.tests)).context(plan_file.display())?;
    std::fs::write(&script, RUN).context(script.display())?;
    let output = root("sh")
        .arg(&script)
        .arg(&plan_file)
        .stderr(Stdio::inherit())
        .output()
        .context("sh")?;
    Ok(results(
        &built.tests,
        &String::from_utf8_lossy(&output.stdout),
    ))
}

fn run_inside(name: &str, built: &Built, console: bool) -> Result<Results> {
    let kernel = Kernel::get(name)?;
    let scratch = Scratch::new(&workspace().join("target"))?;
    let mut machine = Machine {
        timeout: Duration::from_secs(600),
        console,
        ..Machine::default()
    };
    machine
        .files
        .extend(FIXTURES.iter().map(|dir| workspace().join(dir)));
    machine
        .files
        .extend(PROGRAMS.iter().filter_map(|program| find_program(program)));
    let mut binaries: Vec<&PathBuf> = built.tests.iter().map(|test| &test.binary).collect();
    binaries.extend(built.files.iter().filter(|file| file.is_file()));
    binaries.sort();
    binaries.dedup();
    for (number, binary) in binaries.into_iter().enumerate() {
        // Debug information is most of a test binary and of no use there; symbols stay, for uprobes.
        let stripped = scratch.0.join(number.to_string());
        output(
            Command::new("strip")
                .arg("--strip-debug")
                .arg("-o")
                .arg(&stripped)
                .arg(binary),
        )?;
        let contents = std::fs::read(&stripped).context(stripped.display())?;
        machine
            .extra
            .push((binary.to_string_lossy().into_owned(), contents));
        machine.files.push(binary.clone());
    }
    machine
        .files
        .extend(built.files.iter().filter(|file| file.is_dir()).cloned());
    machine
        .extra
        .push(("/run.sh".to_owned(), RUN.as_bytes().to_owned()));
    machine.script = RUN_PLAN.to_owned();
    let mut tests = built.tests.clone();
    let odd: Vec<(Machine, Vec<Test>)> = ODD_MACHINES
        .iter()
        .map(|odd| (odd.made_from(&machine), odd.take(&mut tests)))
        .filter(|(_, tests)| !tests.is_empty())
        .collect();
    // A machine has one processor: as many machines as there are here share the tests.
    let machines = thread::available_parallelism().map_or(1, |cpus| cpus.get());
    let shares = shares(&tests, machines.min(MAX_MACHINES));
    let alike = shares.into_iter().map(|share| (machine.clone(), share));
    let queue = Mutex::new(alike.chain(odd));
    let (queue, kernel) = (&queue, &kernel);
    let worker = move || {
        let mut results = Results::new();
        loop {
            let next = queue.lock().map_or(None, |mut queue| queue.next());
            let Some((machine, tests)) = next else {
                break results;
            };
            results.extend(run_share(kernel, machine, &tests));
        }
    };
    let all = thread::scope(|scope| {
        let running: Vec<_> = (0..machines).map(|_| scope.spawn(worker)).collect();
        let join =
            |thread: thread::ScopedJoinHandle<'_, Results>| thread.join().unwrap_or_default();
        running.into_iter().flat_map(join).collect()
    });
    Ok(all)
}

const RUN_PLAN: &str = "sh /run.sh /plan watch";

impl OddMachine {
    fn made_from(&self, machine: &Machine) -> Machine {
        Machine {
            cpus: self.cpus,
            append: self.append.to_owned(),
            script: RUN_PLAN.to_owned(),
            ..machine.clone()
        }
    }

    /// Takes its tests out of all.
    fn take(&self, tests: &mut Vec<Test>) -> Vec<Test> {
        let (own, others) = std::mem::take(tests)
            .into_iter()
            .partition(|test| self.tests.iter().any(|start| test.id.starts_with(start)));
        *tests = others;
        own
    }
}

/// More than this many do not share a test run.
const MAX_MACHINES: usize = 4;

/// A machine takes some seconds to start: fewer tests than these are not shared.
const MIN_SHARE: usize = 16;

/// The tests in as many parts, every part with some of each target.
fn shares(tests: &[Test], parts: usize) -> Vec<Vec<Test>> {
    let parts = parts.min(tests.len().div_ceil(MIN_SHARE));
    let part = |first| tests.iter().skip(first).step_by(parts).cloned().collect();
    (0..parts).map(part).collect()
}

fn run_share(kernel: &Kernel, mut machine: Machine, tests: &[Test]) -> Results {
    machine
        .extra
        .push(("/plan".to_owned(), plan(tests).into_bytes()));
    let mut said = Vec::new();
    if let Err(error) = machine.run(kernel, |chunk| said.extend_from_slice(chunk)) {
        eprintln!("{}: {error}", kernel.name);
    }
    results(tests, &String::from_utf8_lossy(&said))
}

/// Reads how the tests of a plan ended, and shows what those that failed had to say.
fn results(tests: &[Test], said: &str) -> Results {
    let said = said.replace('\r', "");
    let ended = tests.iter().enumerate().map(|(index, test)| {
        let number = index + 1;
        // The last, if the guest had to be started twice.
        let begun = said
            .rsplit_once(&format!("\n@@ {number} begin\n"))
            .map(|(_, after)| after);
        let outcome =
            match begun.map(|after| (after, after.split_once(&format!("\n@@ {number} end ")))) {
                None => Outcome::Fail("was not reached".into()),
                Some((after, None)) => {
                    eprintln!("---- {}\n{after}", test.id);
                    Outcome::Fail("did not end".into())
                }
                Some((_, Some((printed, status)))) => {
                    let outcome = outcome(test, printed, status.lines().next().unwrap_or_default());
                    if matches!(outcome, Outcome::Fail(_)) {
                        eprintln!("---- {}\n{}", test.id, printed.trim());
                    }
                    outcome
                }
            };
        (test.id.clone(), outcome)
    });
    ended.collect()
}

fn outcome(test: &Test, printed: &str, status: &str) -> Outcome {
    if status != "0" {
        return Outcome::Fail(match status {
            "124" | "143" => "took too long".to_owned(),
            "left" => "left something behind".to_owned(),
            _ => format!("exit status {status}"),
        });
    }
    let Some(summary) = printed
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("test result: ok. "))
    else {
        return Outcome::Fail("ended without a summary".into());
    };
    if test.name.is_none() {
        return Outcome::Pass;
    }
    if summary.contains(" 1 ignored") {
        return Outcome::Skip("ignored".into());
    }
    if !summary.starts_with("1 passed") {
        return Outcome::Fail("did not run".into());
    }
    // `test NAME ... ` may precede it on its line.
    let reason = printed.lines().find_map(|line| {
        let line = if line.starts_with("test ") {
            line.split_once(" ... ").map_or(line, |(_, after)| after)
        } else {
            line
        };
        Some(line.strip_prefix("SKIP ")?.split_once(": ")?.1)
    });
    reason.map_or(Outcome::Pass, |reason| {
        Outcome::Skip(reason.trim().to_owned())
    })
}

/// Why tests were skipped, and how many for each reason.
fn skip_reasons<'a>(columns: &'a [(&str, Results)]) -> BTreeMap<&'a str, usize> {
    let mut reasons = BTreeMap::new();
    for outcome in columns.iter().flat_map(|(_, results)| results.values()) {
        if let Outcome::Skip(reason) = outcome {
            *reasons.entry(reason.as_str()).or_default() += 1;
        }
    }
    reasons
}

/// Tests down, kernels across.
fn table(columns: &[(&str, Results)]) -> String {
    let cell = |outcome: Option<&Outcome>| match outcome {
        Some(Outcome::Pass) => "pass",
        Some(Outcome::Skip(_)) => "skip",
        Some(Outcome::Fail(_)) => "FAIL",
        None => "",
    };
    let mut tests: Vec<&String> = columns
        .iter()
        .flat_map(|(_, results)| results.keys())
        .collect();
    tests.sort();
    tests.dedup();
    let width = tests.iter().map(|test| test.len()).max().unwrap_or(0);
    let row = |name: &str, cells: Vec<&str>| {
        let cells: String = cells.iter().map(|cell| format!("  {cell:<5}")).collect();
        format!("{name:<width$}{cells}").trim_end().to_owned() + "\n"
    };
    let header = row("", columns.iter().map(|(kernel, _)| *kernel).collect());
    let rows = tests.iter().map(|test| {
        row(
            test,
            columns
                .iter()
                .map(|(_, results)| cell(results.get(*test)))
                .collect(),
        )
    });
    std::iter::once(header).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(name: &str) -> Test {
        Test {
            id: format!("p::t::{name}"),
            directory: "/d".into(),
            binary: "/b".into(),
            name: Some(name.into()),
        }
    }

    #[test]
    fn every_test_is_in_one_share() {
        let tests: Vec<Test> = (0..100).map(|n| test(&n.to_string())).collect();
        for parts in [1, 2, 3] {
            let shares = shares(&tests, parts);
            assert_eq!(shares.len(), parts);
            let mut all: Vec<Test> = shares.into_iter().flatten().collect();
            all.sort_by_key(|test| test.name.as_deref().map(|n| n.parse::<u32>().unwrap()));
            assert_eq!(all, tests);
        }
        assert_eq!(shares(&tests[..3], 2).len(), 1);
    }

    const OK: &str = "test result: ok. 1 passed; 0 failed; 0 ignored";

    #[test]
    fn how_a_test_ended_is_read_from_its_status_and_its_words() {
        let outcome = |printed: &str, status| outcome(&test("a"), printed, status);
        assert_eq!(outcome(&format!("test a ... ok\n{OK}"), "0"), Outcome::Pass);
        assert_eq!(
            outcome(&format!("test a ... SKIP main: no x: none\nok\n{OK}"), "0"),
            Outcome::Skip("no x: none".into())
        );
        assert_eq!(
            outcome(&format!("test a ... noise\nSKIP a::b: why\nok\n{OK}"), "0"),
            Outcome::Skip("why".into())
        );
        assert!(
            matches!(
                outcome(&format!("test a ... ok\n{OK}"), "101"),
                Outcome::Fail(_)
            ),
            "the status is the truth"
        );
        assert!(matches!(
            outcome("test result: ok. 0 passed; 0 failed; 0 ignored", "0"),
            Outcome::Fail(_)
        ));
        assert!(matches!(outcome("", "0"), Outcome::Fail(_)));
        assert_eq!(
            outcome("test result: ok. 0 passed; 0 failed; 1 ignored", "0"),
            Outcome::Skip("ignored".into())
        );
    }

    #[test]
    fn a_guest_that_died_leaves_failures() {
        let tests = ["a", "b", "c"].map(test);
        let said = format!(
            "\r\n@@ 1 begin\r\ntest a ... ok\r\n{OK}\r\n\r\n@@ 1 end 0\r\n\r\n@@ 2 begin\r\ntest b ... "
        );
        let results: Vec<String> = results(&tests, &said)
            .values()
            .map(Outcome::to_string)
            .collect();
        assert_eq!(
            results,
            ["pass", "FAIL: did not end", "FAIL: was not reached"]
        );
    }

    #[test]
    fn the_second_boot_counts() {
        let said = format!(
            "\n@@ 1 begin\nboom\n@@ 1 end 101\n\n@@ 1 begin\ntest a ... ok\n{OK}\n\n@@ 1 end 0\n"
        );
        assert_eq!(results(&[test("a")], &said)["p::t::a"], Outcome::Pass);
    }

    #[test]
    fn the_script_runs_each_test_of_a_plan() {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let fake = scratch.0.join("fake");
        std::fs::write(
            &fake,
            "#!/bin/sh\necho \"$PWD $CARGO_MANIFEST_DIR $*\"\nexit 3\n",
        )
        .unwrap();
        output(Command::new("chmod").arg("+x").arg(&fake)).unwrap();
        let with = |name: Option<&str>| Test {
            id: String::new(),
            directory: scratch.0.clone(),
            binary: fake.clone(),
            name: name.map(str::to_owned),
        };
        std::fs::write(
            scratch.0.join("plan"),
            plan(&[with(Some("a::b")), with(None)]),
        )
        .unwrap();
        std::fs::write(scratch.0.join("run.sh"), RUN).unwrap();
        let said = output(
            Command::new("sh")
                .arg(scratch.0.join("run.sh"))
                .arg(scratch.0.join("plan")),
        )
        .unwrap();
        let dir = scratch.0.display();
        let expected = format!(
            "\n@@ 1 begin\n{dir} {dir} --exact a::b --test-threads=1 --nocapture\n\n@@ 1 end 3\n\
             \n@@ 2 begin\n{dir} {dir} --test-threads=1 --nocapture\n\n@@ 2 end 3\n"
        );
        assert_eq!(String::from_utf8(said).unwrap(), expected);
    }

    #[test]
    fn the_table_has_a_column_for_each_kernel() {
        let one = Results::from([
            ("t::a".into(), Outcome::Pass),
            ("t::long".into(), Outcome::Skip("x".into())),
        ]);
        let two = Results::from([("t::a".into(), Outcome::Fail("x".into()))]);
        let columns = [("6.1", one), ("7", two)];
        assert_eq!(skip_reasons(&columns), BTreeMap::from([("x", 1)]));
        let table = table(&columns);
        assert_eq!(
            table,
            "         6.1    7\nt::a     pass   FAIL\nt::long  skip\n"
        );
    }
}
