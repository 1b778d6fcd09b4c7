//! The cases, done by aya.

use std::hint::black_box;

use aya::maps::{HashMap, Map, MapData, PerCpuHashMap, RingBuf};
use aya::programs::{Iter, KProbe, Program};
use aya::{Btf, EbpfLoader, Endianness};
use worker::{OPERATIONS, Result, all, all_records, arguments, functions, serve, unknown};

fn main() -> Result<()> {
    let (case, argument) = arguments()?;
    match case.as_str() {
        "parse" => {
            let bytes = std::fs::read(argument)?;
            serve(|| {
                black_box(aya_obj::Object::parse(&bytes)?);
                Ok(())
            })
        }
        "load" => {
            let bytes = std::fs::read(argument)?;
            serve(|| load(&mut EbpfLoader::new(), &bytes))
        }
        "load-with-btf" => {
            let (object, btf) = argument.split_once(',').ok_or("OBJECT,BTF")?;
            let bytes = std::fs::read(object)?;
            serve(|| {
                let btf = Btf::parse_file(btf, Endianness::default())?;
                load(EbpfLoader::new().btf(Some(&btf)), &bytes)
            })
        }
        "btf" => serve(|| {
            let kernel = Btf::parse_file(&argument, Endianness::default())?;
            black_box(kernel.id_by_type_name_kind("task_struct", aya_obj::btf::BtfKind::Struct)?);
            Ok(())
        }),
        "get" => {
            let map = HashMap::<_, u32, u64>::try_from(open(&argument)?)?;
            serve(|| {
                for key in 0..OPERATIONS {
                    black_box(map.get(&key, 0)?);
                }
                Ok(())
            })
        }
        "set" => {
            let mut map = HashMap::<_, u32, u64>::try_from(open(&argument)?)?;
            serve(|| {
                for key in 0..OPERATIONS {
                    map.insert(key, 1, 0)?;
                }
                Ok(())
            })
        }
        "iterate" => {
            let map = HashMap::<_, u32, u64>::try_from(open(&argument)?)?;
            serve(|| {
                let (mut sum, mut entries) = (0u64, 0);
                for entry in map.iter() {
                    sum += entry?.1;
                    entries += 1;
                }
                black_box(sum);
                all(entries)
            })
        }
        // It has neither batches nor a way to take an entry out.
        "drain" => {
            let mut map = HashMap::<_, u32, u64>::try_from(open(&argument)?)?;
            serve(|| {
                let keys = map.keys().map(|key| Ok(key?)).collect::<Result<Vec<_>>>()?;
                let (mut sum, mut entries) = (0u64, 0);
                for key in keys {
                    sum += map.get(&key, 0)?;
                    map.remove(&key)?;
                    entries += 1;
                }
                black_box(sum);
                all(entries)
            })
        }
        "percpu" => {
            let map = PerCpuHashMap::<_, u32, u64>::try_from(open(&argument)?)?;
            serve(|| {
                for _ in 0..OPERATIONS {
                    black_box(map.get(&1, 0)?);
                }
                Ok(())
            })
        }
        "ring" => {
            let mut ring = RingBuf::try_from(open(&argument)?)?;
            serve(|| {
                let mut sum = 0;
                while let Some(record) = ring.next() {
                    sum += record.len();
                }
                black_box(sum);
                Ok(())
            })
        }
        "kprobe" | "kprobes" => {
            let (bytes, names) = functions(&argument)?;
            let mut object = EbpfLoader::new().load(&bytes)?;
            let program: &mut KProbe = object.program_mut("at").ok_or("no program")?.try_into()?;
            program.load()?;
            serve(|| {
                let mut attach = |name| program.attach(name, 0);
                let links: Vec<_> = names
                    .iter()
                    .map(&mut attach)
                    .collect::<std::result::Result<_, _>>()?;
                for link in links {
                    program.detach(link)?;
                }
                Ok(())
            })
        }
        "kallsyms" => {
            let (_, names) = functions(&argument)?;
            serve(|| {
                let symbols = aya::util::kernel_symbols()?;
                let found = symbols.values().filter(|name| names.contains(name));
                match found.count() >= names.len() {
                    true => Ok(()),
                    false => Err("a symbol is missing".into()),
                }
            })
        }
        "iterator" => {
            let bytes = std::fs::read(argument)?;
            let mut object = EbpfLoader::new().load(&bytes)?;
            let program: &mut Iter = object.program_mut("each").ok_or("no program")?.try_into()?;
            program.load("ksym", &Btf::from_sys_fs()?)?;
            serve(|| {
                // Its link is the file that is read, once.
                let link = program.attach()?;
                let mut file = program.take_link(link)?.into_file()?;
                all_records(std::io::copy(&mut file, &mut std::io::sink())?)
            })
        }
        _ => unknown(&case),
    }
}

fn open(path: &str) -> Result<Map> {
    Ok(Map::from_map_data(MapData::from_pin(path)?)?)
}

fn load(loader: &mut EbpfLoader<'_>, bytes: &[u8]) -> Result<()> {
    let mut object = loader.load(bytes)?;
    for (_, program) in object.programs_mut() {
        match program {
            Program::SocketFilter(program) => program.load()?,
            Program::RawTracePoint(program) => program.load()?,
            _ => return Err("a kind of program that is not among the cases".into()),
        }
    }
    black_box(object);
    Ok(())
}
