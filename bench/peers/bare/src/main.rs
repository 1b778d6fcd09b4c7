//! The cases that are but system calls, done by nothing but system calls: the limit.

use std::ffi::CString;
use std::hint::black_box;
use std::io;
use worker::{OPERATIONS, Result, all, arguments, serve, unknown};

const LOOKUP: i64 = 1;
const UPDATE: i64 = 2;
const OBJ_GET: i64 = 7;
const LOOKUP_BATCH: i64 = 24;
const LOOKUP_AND_DELETE_BATCH: i64 = 25;

#[repr(C)]
#[derive(Default)]
struct Element {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct Batch {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    flags: [u64; 2],
}

#[repr(C)]
#[derive(Default)]
struct Path {
    name: u64,
    fd: u32,
    flags: u32,
}

fn bpf<T>(command: i64, request: &mut T) -> io::Result<i64> {
    // SAFETY: each request is laid out as its command's part of `union bpf_attr`, and what it points to outlives it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(request),
            size_of::<T>(),
        )
    };
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

fn open(path: &str) -> Result<u32> {
    let path = CString::new(path)?;
    let mut request = Path {
        name: path.as_ptr() as u64,
        ..Default::default()
    };
    Ok(bpf(OBJ_GET, &mut request)? as u32)
}

fn main() -> Result<()> {
    let (case, argument) = arguments()?;
    let map = open(&argument)?;
    match case.as_str() {
        "get" | "set" => {
            let command = if case == "get" { LOOKUP } else { UPDATE };
            serve(|| {
                for key in 0..OPERATIONS {
                    let mut value = 1u64;
                    let mut request = Element {
                        map,
                        key: &raw const key as u64,
                        value: &raw mut value as u64,
                        ..Default::default()
                    };
                    bpf(command, &mut request)?;
                    black_box(value);
                }
                Ok(())
            })
        }
        "percpu" => {
            let mut values = [0u64; 1024];
            serve(|| {
                for _ in 0..OPERATIONS {
                    let key = 1u32;
                    let mut request = Element {
                        map,
                        key: &raw const key as u64,
                        value: values.as_mut_ptr() as u64,
                        ..Default::default()
                    };
                    bpf(LOOKUP, &mut request)?;
                    black_box(values[0]);
                }
                Ok(())
            })
        }
        "iterate" | "drain" => {
            let command = match case.as_str() {
                "drain" => LOOKUP_AND_DELETE_BATCH,
                _ => LOOKUP_BATCH,
            };
            const AT_ONCE: usize = 4096;
            let mut keys = vec![0u32; AT_ONCE];
            let mut values = vec![0u64; AT_ONCE];
            serve(|| {
                let (mut position, mut sum, mut entries, mut first) = (0u32, 0, 0, true);
                loop {
                    let at = &raw mut position as u64;
                    let mut request = Batch {
                        in_batch: if first { 0 } else { at },
                        out_batch: at,
                        keys: keys.as_mut_ptr() as u64,
                        values: values.as_mut_ptr() as u64,
                        count: AT_ONCE as u32,
                        map,
                        ..Default::default()
                    };
                    let result = bpf(command, &mut request);
                    sum += values[..request.count as usize].iter().sum::<u64>();
                    entries += request.count;
                    match result {
                        Ok(_) => first = false,
                        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => break,
                        Err(error) => return Err(error.into()),
                    }
                }
                black_box(sum);
                all(entries)
            })
        }
        _ => unknown(&case),
    }
}
