//! One object, in a process of its own: whatever it does to the process is over with it.

use std::path::{Path, PathBuf};

use oxbpf::object::Endian;
use oxbpf::object::btf::Btf;
use oxbpf::object::spec::CollectionSpec;

use crate::compare::{self, Difference};
use crate::libbpf::{Object, Options};
use crate::{expected, loading, opened, paper};

const RUNNING: &str = "/sys/kernel/btf/vmlinux";

/// Compares one object and prints what was found, a line each.
pub(crate) fn run(file: &Path, options: &crate::Options) -> Result<(), String> {
    let crate::Options {
        btf: kernels,
        load,
        types,
        ..
    } = options;
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = object_name(file);
    let ours = CollectionSpec::parse_named(&name, &bytes);
    let spec = {
        let naming = Options {
            name: &name,
            ..Options::default()
        };
        let theirs = Object::open(&bytes, naming);
        match (ours, theirs) {
            (Ok(spec), Ok(object)) => {
                let found = compare::facts(&opened::theirs(&object), &opened::ours(&spec));
                report(&found);
                spec
            }
            (Err(error), Ok(_)) => {
                report(&[Difference::new("open", "yes", error.to_string())]);
                return Ok(());
            }
            (Ok(_), Err(errno)) => {
                report(&[Difference::new("open", compare::errno(errno), "yes")]);
                return Ok(());
            }
            (Err(ours), Err(theirs)) => {
                println!("count\trefused by both\t1");
                report(opened::refused(theirs, &ours));
                return Ok(());
            }
        }
    };
    println!("count\topened by both\t1");

    let running = Path::new(RUNNING).to_owned();
    let files = (*types && running.exists())
        .then_some(&running)
        .into_iter()
        .chain(kernels);
    for types in files {
        let btf = std::fs::read(types).map_err(|error| format!("{}: {error}", types.display()))?;
        let btf = Btf::parse(btf).map_err(|error| format!("{}: {error}", types.display()))?;
        let name = match *types == running {
            true => "the running kernel",
            false => types
                .file_stem()
                .and_then(|name| name.to_str())
                .unwrap_or_default(),
        };
        let types = paper::Types {
            name,
            file: (*types != running).then_some(types),
            btf: &btf,
        };
        let (compared, found) = paper::compare(&bytes, &spec, types);
        report(&found);
        println!("count\tprograms relocated for {name}\t{compared}");
    }

    if spec.endian != Endian::NATIVE {
        report(foreign(&spec));
    } else if *load {
        let pins = PathBuf::from(format!("/sys/fs/bpf/conformance-{}", std::process::id()));
        let (counts, found) = loading::compare(&bytes, &spec, &pins);
        report(&found);
        println!("count\tmaps created\t{}", counts.maps);
        println!("count\tprograms shown to the kernel\t{}", counts.programs);
        println!("count\tprograms loaded\t{}", counts.loaded);
        let (counts, found) = expected::compare(&bytes, &spec, &pins);
        report(&found);
        println!("count\texpectations met\t{}", counts.met);
        println!(
            "count\texpectations that this kernel meets with neither\t{}",
            counts.unmet
        );
    }
    Ok(())
}

/// Neither may give an object of the other byte order to this kernel.
fn foreign(spec: &CollectionSpec) -> Option<Difference> {
    let loaded = oxbpf::Loader::new().load(spec.clone());
    loaded
        .is_ok()
        .then(|| Difference::new("load", "refused", "yes"))
}

fn report(found: impl IntoIterator<Item = impl std::borrow::Borrow<Difference>>) {
    for difference in found {
        println!("difference\t{}", difference.borrow());
    }
}

/// The file's name up to the first dot, as libbpf calls an object that it opens by file.
fn object_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}
