//! What generated code costs, in processor time: to generate it, beyond clang's, and to compile it, by
//! the number of structures that cross the kernel boundary, each with an enumeration of its own. `cargo
//! xtask bench generated` runs this.

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bpf2rs::{Builder, Target};

const COUNTS: [usize; 6] = [0, 20, 50, 100, 200, 400];
const GENERATE_RUNS: usize = 30;
const BUILD_RUNS: usize = 3;

/// A C source with so many structures, each the value of a variable.
fn source(types: usize) -> String {
    let mut text = String::from(
        "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\
         char LICENSE[] SEC(\"license\") = \"GPL\";\n\
         SEC(\"xdp\") int f(void *ctx) { return 0; }\n",
    );
    for n in 0..types {
        writeln!(
            text,
            "struct event_{n} {{ __u32 pid; char comm[16]; union {{ __u32 v4; __u8 v6[16]; }}; \
             __u8 kind : 3, flags : 5; enum {{ A{n}, B{n} }} side; __u64 times[4]; }};\n\
             struct event_{n} value_{n};"
        )
        .unwrap();
    }
    text
}

/// Processor time that this process, and its children that have ended, have taken so far, in seconds:
/// what does not depend on how busy the machine is.
fn cpu_time() -> (f64, f64) {
    /// Of user space's clock, by the kernel's promise.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program, in parentheses, may have blanks.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let field = |n: usize| -> f64 {
        let field = fields.split(' ').nth(n - 3).unwrap();
        field.parse::<f64>().unwrap() / TICKS
    };
    (field(14) + field(15), field(16) + field(17))
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/cost");
    fs::create_dir_all(&root).unwrap();
    let what = env::args().nth(1).unwrap_or_default();
    let measure = match what.as_str() {
        "generate" => generate,
        "build" => build,
        _ => panic!("cost generate|build [TYPES...]"),
    };
    let counts: Vec<usize> = env::args().skip(2).map(|n| n.parse().unwrap()).collect();
    let counts = if counts.is_empty() {
        COUNTS.to_vec()
    } else {
        counts
    };
    for count in counts {
        let project = project(&root, count);
        println!("{count:>5}  {}", measure(&project));
    }
}

/// The time to generate a module from an object: what there is beyond clang's.
fn generate(project: &Path) -> String {
    let object = project.join("src/bpf/many.bpfel.o");
    let (before, _) = cpu_time();
    let mut lines = 0;
    for _ in 0..GENERATE_RUNS {
        let output = Builder::new(&object).name("many").generate().unwrap();
        lines = output.module().lines().count();
    }
    let (after, _) = cpu_time();
    let each = (after - before) / GENERATE_RUNS as f64;
    format!("{:>6.1} ms  {lines:>6} lines", each * 1e3)
}

/// The time that rustc takes for a program with the module, its dependencies not counted.
fn build(project: &Path) -> String {
    cargo_build(project);
    let (_, before) = cpu_time();
    for _ in 0..BUILD_RUNS {
        let main = project.join("src/main.rs");
        let text = fs::read(&main).unwrap();
        fs::write(&main, text).unwrap();
        cargo_build(project);
    }
    let (_, after) = cpu_time();
    format!("{:>6.2} s", (after - before) / BUILD_RUNS as f64)
}

/// A program that uses a module with so many types.
fn project(root: &Path, count: usize) -> PathBuf {
    let project = root.join(format!("many-{count}"));
    let bpf = project.join("src/bpf");
    fs::create_dir_all(&bpf).unwrap();
    let write = |path: &str, text: &str| fs::write(project.join(path), text).unwrap();
    write("src/bpf/many.bpf.c", &source(count));
    let oxbpf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../oxbpf");
    write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"many-{count}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\noxbpf = {{ path = {:?} }}\n\n[workspace]\n",
            oxbpf.canonicalize().unwrap().display().to_string()
        ),
    );
    write(
        "src/main.rs",
        "#[path = \"bpf/many.rs\"]\nmod many;\nfn main() {\n    \
         println!(\"{:?}\", many::Spec::embedded().map(|spec| spec.programs.f.name));\n}\n",
    );
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).unwrap();
    let builder = Builder::new(bpf.join("many.bpf.c")).target(Target::Bpfel);
    builder.generate().unwrap().write(&bpf).unwrap();
    project
}

fn cargo_build(project: &Path) {
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(project)
        .args(["build", "--quiet", "--offline"])
        .env("CARGO_TARGET_DIR", project.parent().unwrap().join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .status()
        .unwrap();
    assert!(status.success());
}
