//! Our structures against those of the running kernel.

use oxbpf_object::btf::Btf;

use super::layout::{Form, flatten};
use super::uapi::{SOURCES, Source};

/// The parts of a structure that only an older or only a newer kernel has may be anywhere but where the other has something else.
#[test]
fn structures_are_those_of_the_running_kernel() {
    let Ok(types) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        println!(
            "SKIP {}: this kernel does not tell its types",
            module_path!()
        );
        return;
    };
    let kernel = Btf::parse(types).unwrap();
    let mut compared = Vec::new();
    for source in SOURCES {
        let Source {
            name,
            root,
            path,
            size,
            fields,
        } = *source;
        let Ok(layout) = flatten(&kernel, root, path) else {
            continue;
        };
        let mut common = 0;
        for theirs in &layout.fields {
            let (start, end) = (
                theirs.offset as usize,
                (theirs.offset + theirs.size) as usize,
            );
            let ours = fields
                .iter()
                .filter(|(_, offset, size)| *offset < end && offset + size > start);
            for (ours, offset, size) in ours {
                let ours = (ours.trim_start_matches("r#"), *offset, *size);
                let name_of_theirs = match &theirs.form {
                    Form::Bits(_) if ours.0 == "flags" => "flags",
                    // What was kept for later may have got a name since.
                    _ if theirs.name.starts_with("__reserved") => ours.0,
                    _ => &theirs.name,
                };
                assert_eq!(ours, (name_of_theirs, start, end - start), "{name}");
                common += 1;
            }
        }
        assert!(common > 0, "{name}: {layout:?}");
        let end = fields.iter().map(|(_, offset, size)| offset + size).max();
        assert!(end <= Some(size), "{name}");
        compared.push(name);
    }
    // Linux 5.10 has these.
    for name in [
        "MapCreate",
        "MapElem",
        "MapBatch",
        "ProgLoad",
        "BtfLoad",
        "LinkCreate",
        "MapInfo",
        "ProgInfo",
        "PerfEventAttr",
    ] {
        assert!(compared.contains(&name), "{name} not among {compared:?}");
    }
}
