//! Compiles the programs in `src/bpf` and generates their modules.

fn main() -> Result<(), bpf2rs::Error> {
    for name in ["execsnoop", "packets", "runqlat", "tasks"] {
        bpf2rs::Builder::new(format!("src/bpf/{name}.bpf.c")).compile()?;
    }
    Ok(())
}
