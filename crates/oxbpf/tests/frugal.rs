//! What operations cost: no allocation for each, no descriptor left behind.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use oxbpf::map::{
    Array, CreateOptions, HashMap, Map, PerCpu, PerCpuArray, PerCpuHashMap, UpdateFlags,
};
use oxbpf::object::kernel::MapType;
use oxbpf::object::spec::MapSpec;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[allow(unsafe_code)]
// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[track_caller]
fn without_allocating<T>(operation: impl FnOnce() -> T) -> T {
    let before = ALLOCATIONS.get();
    let result = operation();
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations");
    result
}

/// One test at a time: they count the descriptors of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn create(map_type: MapType, key_size: u32, value_size: u32) -> Map {
    let spec = MapSpec {
        map_type,
        key_size,
        value_size,
        max_entries: 64,
        ..MapSpec::default()
    };
    Map::create("frugal", &spec, CreateOptions::default()).unwrap()
}

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}

#[test]
fn map_operations_do_not_allocate() {
    let _alone = alone();
    let hash: HashMap<u32, [u64; 8]> = create(MapType::HASH, 4, 64).typed().unwrap();
    without_allocating(|| {
        for key in 0..64 {
            hash.set(&key, &[u64::from(key); 8]).unwrap();
        }
        assert_eq!(hash.get(&3).unwrap(), Some([3; 8]));
        assert_eq!(hash.get(&99).unwrap(), None);
        assert_eq!(
            hash.iter().map(|entry| entry.unwrap().1[0]).sum::<u64>(),
            2016
        );
        assert!(hash.remove(&3).unwrap());
        assert!(!hash.remove(&3).unwrap());
        assert_eq!(hash.keys().count(), 63);
    });
    let array: Array<u64> = create(MapType::ARRAY, 4, 8).typed().unwrap();
    without_allocating(|| {
        array.set(1, &5).unwrap();
        assert_eq!(array.iter().map(Result::unwrap).sum::<u64>(), 5);
    });
    let map = create(MapType::HASH, 4, 8);
    without_allocating(|| {
        map.set(&[1; 4], &[2; 8], UpdateFlags::empty()).unwrap();
        let (mut key, mut value) = ([0; 4], [0; 8]);
        assert!(map.next_key_into(None, &mut key).unwrap());
        assert!(map.get_into(&key, &mut value).unwrap());
        assert_eq!(value, [2; 8]);
    });
}

#[test]
fn per_cpu_values_reuse_their_memory() {
    let _alone = alone();
    let array: PerCpuArray<u64> = create(MapType::PERCPU_ARRAY, 4, 8).typed().unwrap();
    let hash: PerCpuHashMap<u32, u64> = create(MapType::PERCPU_HASH, 4, 8).typed().unwrap();
    let mut values = PerCpu::all(&7).unwrap();
    let count = values.values().count() as u64;
    without_allocating(|| {
        array.set(0, &values).unwrap();
        hash.set(&1, &values).unwrap();
        array.get_into(0, &mut values).unwrap();
        assert!(hash.get_into(&1, &mut values).unwrap());
        assert_eq!(values.values().sum::<u64>(), 7 * count);
    });
}

#[test]
fn maps_close_their_descriptors() {
    let _alone = alone();
    let before = open_descriptors();
    {
        let map = create(MapType::HASH, 4, 8);
        let clone = map.clone();
        let typed: HashMap<u32, u64> = clone.typed().unwrap();
        assert_eq!(open_descriptors(), before + 1);
        let id = map.info().unwrap().id;
        let same = Map::from_id(id).unwrap();
        Map::from_fd(same.as_fd().try_clone_to_owned().unwrap()).unwrap();
        typed.set(&1, &1).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        Map::from_fd(file.into()).unwrap_err();
        Map::create("bad", &MapSpec::default(), CreateOptions::default()).unwrap_err();
        assert_eq!(open_descriptors(), before + 2);
    }
    assert_eq!(open_descriptors(), before);
}
