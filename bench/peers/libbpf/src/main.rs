//! The cases, done by libbpf through libbpf-rs.

use std::hint::black_box;

use libbpf_rs::btf::types::Struct;
use libbpf_rs::btf::{Btf, HasSize};
use libbpf_rs::{
    Iter, IterOpts, MapCore, MapFlags, MapHandle, Object, ObjectBuilder, PerfBufferBuilder,
    RingBufferBuilder, UserRingBuffer,
};
use worker::{OPERATIONS, Result, all, all_records, arguments, functions, serve, unknown};

fn main() -> Result<()> {
    libbpf_rs::set_print(None);
    let (case, argument) = arguments()?;
    match case.as_str() {
        "parse" => {
            let bytes = std::fs::read(argument)?;
            serve(|| {
                black_box(ObjectBuilder::default().open_memory(&bytes)?);
                Ok(())
            })
        }
        "load" => {
            let bytes = std::fs::read(argument)?;
            serve(|| {
                black_box(ObjectBuilder::default().open_memory(&bytes)?.load()?);
                Ok(())
            })
        }
        "load-with-btf" => {
            let (object, btf) = argument.split_once(',').ok_or("OBJECT,BTF")?;
            let bytes = std::fs::read(object)?;
            serve(|| {
                let mut builder = ObjectBuilder::default();
                black_box(builder.btf_custom_path(btf)?.open_memory(&bytes)?.load()?);
                Ok(())
            })
        }
        "btf" => serve(|| {
            let kernel = Btf::from_path(&argument)?;
            let task: Struct<'_> = kernel.type_by_name("task_struct").ok_or("no task_struct")?;
            black_box(task.size());
            Ok(())
        }),
        "get" => {
            let map = MapHandle::from_pinned_path(argument)?;
            let mut value = [0; 8];
            serve(|| {
                for key in 0..OPERATIONS {
                    map.lookup_into(&key.to_ne_bytes(), &mut value, MapFlags::ANY)?;
                    black_box(u64::from_ne_bytes(value));
                }
                Ok(())
            })
        }
        "set" => {
            let map = MapHandle::from_pinned_path(argument)?;
            serve(|| {
                for key in 0..OPERATIONS {
                    map.update(&key.to_ne_bytes(), &1u64.to_ne_bytes(), MapFlags::ANY)?;
                }
                Ok(())
            })
        }
        "iterate" => {
            let map = MapHandle::from_pinned_path(argument)?;
            serve(|| {
                // Its iterator of batches stops early, so this is what is left.
                let (mut sum, mut entries) = (0, 0);
                let mut value = [0; 8];
                for key in map.keys() {
                    map.lookup_into(&key, &mut value, MapFlags::ANY)?;
                    sum += u64::from_ne_bytes(value);
                    entries += 1;
                }
                black_box(sum);
                all(entries)
            })
        }
        "percpu" => {
            let map = MapHandle::from_pinned_path(argument)?;
            serve(|| {
                for _ in 0..OPERATIONS {
                    black_box(map.lookup_percpu(&1u32.to_ne_bytes(), MapFlags::ANY)?);
                }
                Ok(())
            })
        }
        "ring" => {
            let map = MapHandle::from_pinned_path(argument)?;
            let sum = std::cell::Cell::new(0);
            let mut builder = RingBufferBuilder::new();
            builder.add(&map, |record| {
                sum.set(sum.get() + record.len());
                0
            })?;
            let ring = builder.build()?;
            serve(|| {
                ring.consume()?;
                black_box(sum.get());
                Ok(())
            })
        }
        "perf" => {
            let map = MapHandle::from_pinned_path(argument)?;
            let sum = std::cell::Cell::new(0);
            let ring = PerfBufferBuilder::new(&map)
                .pages(64)
                .sample_cb(|_, record: &[u8]| sum.set(sum.get() + record.len()))
                .build()?;
            serve(|| {
                ring.consume()?;
                black_box(sum.get());
                Ok(())
            })
        }
        "user-ring" => {
            let map = MapHandle::from_pinned_path(argument)?;
            let ring = UserRingBuffer::new(&map)?;
            serve(|| {
                for _ in 0..OPERATIONS {
                    let mut record = ring.reserve(64)?;
                    record.as_mut().fill(1);
                    ring.submit(record)?;
                }
                Ok(())
            })
        }
        "kprobe" | "kprobes" => {
            let (bytes, names) = functions(&argument)?;
            let object = load(&bytes)?;
            let program = object.progs_mut().next().ok_or("no program")?;
            serve(|| {
                let attach = |name| program.attach_kprobe(false, name);
                let links: Vec<_> = names.iter().map(attach).collect::<libbpf_rs::Result<_>>()?;
                drop(links);
                Ok(())
            })
        }
        "kprobe-multi" => {
            let (bytes, names) = functions(&argument)?;
            let object = load(&bytes)?;
            let program = object.progs_mut().next().ok_or("no program")?;
            serve(|| {
                drop(program.attach_kprobe_multi(false, names.iter().collect::<Vec<_>>())?);
                Ok(())
            })
        }
        "iterator" => {
            let object = load(&std::fs::read(argument)?)?;
            let program = object.progs_mut().next().ok_or("no program")?;
            let link = program.attach_iter_with_opts(IterOpts::None)?;
            serve(|| all_records(std::io::copy(&mut Iter::new(&link)?, &mut std::io::sink())?))
        }
        _ => unknown(&case),
    }
}

fn load(object: &[u8]) -> Result<Object> {
    Ok(ObjectBuilder::default().open_memory(object)?.load()?)
}
