//! `oxbpf btf min`.

use std::fs;

use anyhow::Context;
use oxbpf_object::btf::MinBtf;
use serde::Serialize;

use crate::Verdict;
use crate::command::BtfMinArgs;
use crate::input;
use crate::output::{Output, counted};
use crate::progress::Progress;

#[derive(Serialize)]
struct Report<'a> {
    file: &'a str,
    bytes: usize,
    bytes_before: usize,
    types: usize,
    types_before: usize,
    objects: usize,
}

pub(crate) fn run(args: &BtfMinArgs, output: &Output) -> anyhow::Result<Verdict> {
    let kernel = args.btf.read()?;
    let mut min = MinBtf::new(&kernel)?;
    let mut objects = 0;
    let progress = Progress::counting("files", args.objects.len());
    for path in &args.objects {
        progress.begin(path.display().to_string());
        for object in input::objects(path)? {
            let spec = object.parse()?;
            min.keep(&spec)
                .with_context(|| format!("reading the relocations of {object} failed"))?;
            objects += 1;
        }
        progress.step();
    }
    drop(progress);
    let bytes = min.build()?.to_bytes(kernel.endian())?;
    let out = args.out.display().to_string();
    let types = oxbpf_object::btf::Btf::parse(bytes.clone())?.types().len();
    fs::write(&args.out, &bytes).with_context(|| format!("writing `{out}` failed"))?;
    let report = Report {
        file: &out,
        bytes: bytes.len(),
        bytes_before: kernel.raw().len(),
        types,
        types_before: kernel.types().len(),
        objects,
    };
    if output.is_json {
        output.json(&report)?;
    } else {
        println(&format!(
            "{out}: {types} of {} types, {} of {} bytes, for {}",
            report.types_before,
            report.bytes,
            report.bytes_before,
            counted(objects, "object"),
        ))?;
    }
    Ok(Verdict::Yes)
}

fn println(line: &str) -> anyhow::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
