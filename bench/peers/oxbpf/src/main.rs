//! The cases, done by oxbpf.

use std::hint::black_box;

use oxbpf::btf::KernelBtf;
use oxbpf::map::{HashMap, PerCpu, PerCpuHashMap};
use oxbpf::object::btf::Kind;
use oxbpf::object::spec::CollectionSpec;
use oxbpf::ring::PerfBufferOptions;
use oxbpf::{
    Collection, Iter, Kprobe, KprobeMulti, Links, Loader, Map, PerfBuffer, RingBuffer,
    UserRingBuffer,
};
use worker::{OPERATIONS, Result, all, all_records, arguments, functions, serve, unknown};

fn main() -> Result<()> {
    let (case, argument) = arguments()?;
    match case.as_str() {
        "parse" => {
            let bytes = std::fs::read(argument)?;
            serve(|| {
                black_box(CollectionSpec::parse(&bytes)?);
                Ok(())
            })
        }
        "load" => {
            let bytes = std::fs::read(argument)?;
            serve(|| {
                black_box(Loader::new().load(CollectionSpec::parse(&bytes)?)?);
                Ok(())
            })
        }
        "load-with-btf" => {
            let (object, btf) = argument.split_once(',').ok_or("OBJECT,BTF")?;
            let bytes = std::fs::read(object)?;
            serve(|| {
                let btf = KernelBtf::from_file(btf)?;
                black_box(
                    Loader::new()
                        .kernel_btf(&btf)
                        .load(CollectionSpec::parse(&bytes)?)?,
                );
                Ok(())
            })
        }
        "btf" => serve(|| {
            let kernel = KernelBtf::from_file(&argument)?;
            let id = kernel
                .types()
                .find("task_struct", Kind::STRUCT)
                .ok_or("no task_struct")?;
            black_box(kernel.types().size_of(id)?);
            Ok(())
        }),
        "get" => {
            let map: HashMap<u32, u64> = Map::open_pinned(argument)?.typed()?;
            serve(|| {
                for key in 0..OPERATIONS {
                    black_box(map.get(&key)?);
                }
                Ok(())
            })
        }
        "set" => {
            let map: HashMap<u32, u64> = Map::open_pinned(argument)?.typed()?;
            serve(|| {
                for key in 0..OPERATIONS {
                    map.set(&key, &1)?;
                }
                Ok(())
            })
        }
        "iterate" | "drain" => {
            let map: HashMap<u32, u64> = Map::open_pinned(argument)?.typed()?;
            serve(|| {
                let (mut sum, mut entries) = (0u64, 0);
                for entry in if case == "drain" {
                    map.drain()
                } else {
                    map.iter()
                } {
                    sum += entry?.1;
                    entries += 1;
                }
                black_box(sum);
                all(entries)
            })
        }
        "percpu" => {
            let map: PerCpuHashMap<u32, u64> = Map::open_pinned(argument)?.typed()?;
            let mut values = PerCpu::zeroed()?;
            serve(|| {
                for _ in 0..OPERATIONS {
                    black_box(map.get_into(&1, &mut values)?);
                }
                Ok(())
            })
        }
        "mapped" => {
            let collection = Loader::new().load(CollectionSpec::from_file(argument)?)?;
            let counter = collection.variable::<u64>("counter")?;
            serve(|| {
                for _ in 0..OPERATIONS {
                    black_box(counter.load()?);
                }
                Ok(())
            })
        }
        "ring" => {
            let mut ring = RingBuffer::new(Map::open_pinned(argument)?)?;
            serve(|| {
                let mut sum = 0;
                while ring.for_each(usize::MAX, |record| sum += record.len())? != 0 {}
                black_box(sum);
                Ok(())
            })
        }
        "perf" => {
            let mut ring = PerfBuffer::with_options(
                Map::open_pinned(argument)?,
                PerfBufferOptions {
                    size: 256 << 10,
                    ..Default::default()
                },
            )?;
            serve(|| {
                let mut sum = 0;
                ring.for_each(usize::MAX, |record| sum += record.len())?;
                black_box(sum);
                Ok(())
            })
        }
        "user-ring" => {
            let mut ring = UserRingBuffer::new(Map::open_pinned(argument)?)?;
            serve(|| {
                for _ in 0..OPERATIONS {
                    let mut record = ring.reserve(64)?.ok_or("full")?;
                    record.fill(1);
                    record.submit();
                }
                Ok(())
            })
        }
        "kprobe" | "kprobes" | "kprobes-in-turn" => {
            let (object, names) = functions(&argument)?;
            let program = load(&object)?.program("at")?;
            let attach = || names.iter().map(|name| Kprobe::new(name).attach(&program));
            match case.as_str() {
                "kprobes-in-turn" => serve(|| {
                    let links: Vec<_> = attach().collect::<oxbpf::Result<_>>()?;
                    drop(links);
                    Ok(())
                }),
                _ => serve(|| Ok(attach().collect::<oxbpf::Result<Links>>()?.detach()?)),
            }
        }
        "kprobe-multi" => {
            let (object, names) = functions(&argument)?;
            let program = load(&object)?.program("at")?;
            serve(|| Ok(KprobeMulti::functions(&names).attach(&program)?.detach()?))
        }
        "kallsyms" => {
            let (_, names) = functions(&argument)?;
            serve(|| {
                let symbols = oxbpf::kallsyms::find(names.iter().map(String::as_str))?;
                let found = |name: &String| !symbols.named(name).is_empty();
                match names.iter().all(found) {
                    true => Ok(()),
                    false => Err("a symbol is missing".into()),
                }
            })
        }
        "iterator" => {
            let program = load(&std::fs::read(argument)?)?.program("each")?;
            let link = Iter::new().attach(&program)?;
            serve(|| all_records(std::io::copy(&mut link.read_iter()?, &mut std::io::sink())?))
        }
        _ => unknown(&case),
    }
}

fn load(object: &[u8]) -> Result<Collection> {
    Ok(Loader::new().load(CollectionSpec::parse(object)?)?)
}
