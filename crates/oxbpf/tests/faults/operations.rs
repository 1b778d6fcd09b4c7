//! What is done while the kernel says no.

use std::io::Read as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use oxbpf::link::{ProbeSource, Sampling, SoftwareEvent};
use oxbpf::map::{HashMap, Map};
use oxbpf::object::asm::{self, Reg};
use oxbpf::object::kernel::ProgramType;
use oxbpf::program::ProgramLoad;
use oxbpf::{
    Iter, Kprobe, KprobeMulti, Kretprobe, Loadable, Loader, PerfBuffer, PerfEvent, Program,
    RawTracepoint, Result, RingBuffer, Tracepoint, Uprobe, Uretprobe, Xdp,
};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// An operation and its name.
pub(crate) type Operation = (&'static str, fn() -> Result<()>);

/// Those that work on every kernel come first.
pub(crate) const OPERATIONS: &[Operation] = &[
    ("use_map", use_map),
    ("load_maps", load_maps),
    ("load_globals", load_globals),
    ("read_rings", read_rings),
    ("load_core", load_core),
    ("load_kconfig", load_kconfig),
    ("load_ksyms", load_ksyms),
    ("attach_tracepoint", attach_tracepoint),
    ("attach_kprobe", attach_kprobe),
    ("attach_kprobe_by_tracefs", attach_kprobe_by_tracefs),
    ("attach_kprobe_multi", attach_kprobe_multi),
    ("attach_uprobe", attach_uprobe),
    ("attach_perf_event", attach_perf_event),
    ("attach_xdp", attach_xdp),
    ("attach_struct_ops", attach_struct_ops),
    ("read_iterator", read_iterator),
];

fn load_maps() -> Result<()> {
    let objects = Loader::new().load(fixtures::maps::Spec::embedded()?)?;
    drop(objects);
    Ok(())
}

fn load_core() -> Result<()> {
    let objects = Loader::new().load(fixtures::core::Spec::embedded()?)?;
    let link = RawTracepoint::new("sys_enter").attach(&objects.programs.read_task)?;
    link.detach()
}

/// What no kernel has is given; what is not given is looked up.
fn load_kconfig() -> Result<()> {
    let text = "CONFIG_BOOL=y\nCONFIG_CHAR=m\nCONFIG_TRISTATE=m\nCONFIG_SHORT=-2\nCONFIG_INT=1\nCONFIG_LONG=1\nCONFIG_TEXT=\"x\"\n";
    Loader::new()
        .kconfig(text)
        .load(fixtures::kconfig::Spec::embedded()?)
        .map(drop)
}

fn load_ksyms() -> Result<()> {
    Loader::new()
        .load(fixtures::ksyms::Spec::embedded()?)
        .map(drop)
}

fn load_globals() -> Result<()> {
    let objects = Loader::new().load(fixtures::globals::Spec::embedded()?)?;
    drop(objects);
    Ok(())
}

fn read_rings() -> Result<()> {
    let objects = Loader::new().load(fixtures::rings::Spec::embedded()?)?;
    let mut ring: RingBuffer = objects.maps.events.typed()?;
    ring.add(objects.maps.more.clone())?;
    let mut samples: PerfBuffer = objects.maps.samples.typed()?;
    ring.wait(Some(Duration::from_millis(1)))?;
    samples.wait(Some(Duration::from_millis(1)))?;
    Ok(())
}

fn attach_tracepoint() -> Result<()> {
    let objects = Loader::new().load(fixtures::events::Spec::embedded()?)?;
    let link = Tracepoint::new("sched", "sched_process_exit").attach(&objects.programs.on_exit)?;
    link.info()?;
    link.detach()
}

fn use_map() -> Result<()> {
    let spec = oxbpf::object::MapSpec {
        map_type: oxbpf::object::MapType::HASH,
        key_size: 4,
        value_size: 8,
        max_entries: 64,
        ..oxbpf::object::MapSpec::default()
    };
    let map = Map::create("faulty", &spec, oxbpf::map::CreateOptions::default())?;
    let hash: HashMap<u32, u64> = map.typed()?;
    hash.set(&1, &2)?;
    hash.get(&1)?;
    for entry in hash.iter() {
        entry?;
    }
    hash.remove(&1)?;
    map.freeze()
}

/// A program that does nothing.
fn program(program_type: ProgramType) -> Result<Program> {
    let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
    let load = ProgramLoad {
        name: "nothing",
        program_type,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    load.load()
}

fn attach_kprobe() -> Result<()> {
    let link = Kprobe::new("sys_getpgid").attach(&program(ProgramType::KPROBE)?)?;
    link.info()?;
    link.detach()
}

/// A probe that the kernel does not take back by itself.
fn attach_kprobe_by_tracefs() -> Result<()> {
    let program = program(ProgramType::KPROBE)?;
    let entry = Kprobe::new("sys_getpgid").source(ProbeSource::Tracefs);
    let dropped = entry.attach(&program)?;
    drop(dropped);
    Kretprobe::new("sys_getpgid")
        .max_active(4)
        .attach(&program)?
        .detach()
}

fn attach_kprobe_multi() -> Result<()> {
    let mut spec = fixtures::tracing::Spec::embedded()?.into_spec()?;
    spec.program_mut("at_kprobe_multi").unwrap().autoload = true;
    let collection = Loader::new().load(spec)?;
    KprobeMulti::pattern("*sys_getpgid")
        .attach(&collection.program("at_kprobe_multi")?)?
        .detach()
}

fn attach_uprobe() -> Result<()> {
    let program = program(ProgramType::KPROBE)?;
    Uprobe::new("libc.so.6", "getpgid")
        .attach(&program)?
        .detach()?;
    Uretprobe::new("libc.so.6", "getpgid")
        .attach(&program)?
        .detach()
}

/// On each processor: several links, or none.
fn attach_perf_event() -> Result<()> {
    let program = program(ProgramType::PERF_EVENT)?;
    PerfEvent::software(SoftwareEvent::CPU_CLOCK, Sampling::Frequency(10))
        .attach_on_each_cpu(&program)?
        .detach()
}

/// At an interface that nobody else has.
#[allow(unsafe_code)]
fn attach_xdp() -> Result<()> {
    // SAFETY: takes only the network of this thread apart.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.expect("a network");
    let link = Xdp::new("lo").attach(&program(ProgramType::XDP)?)?;
    link.info()?;
    link.detach()
}

/// With a link where the kernel has such: what is registered without one outlives us if taking it back fails.
fn attach_struct_ops() -> Result<()> {
    static HAS_LINKS: OnceLock<bool> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let attach = |structure: &str| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("oxf{}_{number}", std::process::id() % 100_000);
        let mut spec = fixtures::struct_ops::Spec::embedded()?.into_spec()?;
        let structures = spec.maps_mut().iter_mut();
        for map in structures.filter(|map| map.section.contains("struct_ops")) {
            map.autocreate = map.name == structure;
            // The first member.
            let place = &mut map.data.as_mut().unwrap().contents[..16];
            place.fill(0);
            place[..name.len()].copy_from_slice(name.as_bytes());
        }
        let collection = Loader::new().load(spec)?;
        collection.struct_ops(structure)?.attach()?.detach()
    };
    // Found out before anything goes wrong.
    let linked = *HAS_LINKS.get_or_init(|| attach("linked").is_ok());
    attach(if linked { "linked" } else { "registered" })
}

fn read_iterator() -> Result<()> {
    let mut spec = fixtures::iters::Spec::embedded()?.into_spec()?;
    spec.program_mut("each_task").unwrap().autoload = true;
    let collection = Loader::new().load(spec)?;
    let link = Iter::new().attach(&collection.program("each_task")?)?;
    let mut text = Vec::new();
    // What goes wrong here is no error of ours.
    let _ = link.read_iter()?.take(1 << 16).read_to_end(&mut text);
    link.detach()
}
