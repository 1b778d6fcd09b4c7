//! `vmlinux.h` alone.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;

use crate::{
    Builder,
    error::{Error, Result},
};

/// Write `vmlinux.h`: the kernel's types, as C
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// C sources to write no more for than they need
    #[arg(value_name = "FILE.c")]
    sources: Vec<PathBuf>,

    /// A file with kernel types (BTF), instead of this kernel's
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,

    /// The file to write, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Flags for clang
    #[arg(last = true, value_name = "CFLAGS")]
    cflags: Vec<std::ffi::OsString>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut sources = arguments.sources.iter();
    let header = match sources.next() {
        None => crate::vmlinux::header(arguments.btf.as_deref(), None)?,
        Some(first) => {
            let mut builder = Builder::new(first).cflags(&arguments.cflags);
            for source in sources {
                builder = builder.source(source);
            }
            if let Some(btf) = &arguments.btf {
                builder = builder.vmlinux(btf);
            }
            builder.vmlinux_header()?
        }
    };
    match &arguments.output {
        Some(path) => fs::write(path, header).map_err(|e| Error::io("writing", path, e))?,
        None => {
            // Who closed the pipe does not want to know.
            let _ = io::stdout().lock().write_all(header.as_bytes());
        }
    }
    Ok(ExitCode::SUCCESS)
}
