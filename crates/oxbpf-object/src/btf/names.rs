//! Finding types by name.
//!
//! A load asks for a few names of the hundred thousand in a kernel's BTF, a code generator for many. So the first few
//! questions are answered by going through the records, which is quick since most are of another kind; whoever goes on
//! asking gets an index.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Btf, Kind, Type, TypeId, Types};

/// Questions answered without an index. Making one costs about as much as so many scans.
const SCANS: u32 = 8;

#[derive(Debug, Default)]
pub(super) struct Names {
    scans: AtomicU32,
    index: OnceLock<Index>,
}

/// A hash table of the positions of types that have names. Each bucket is a list by ascending position.
#[derive(Debug)]
struct Index {
    /// The first position in each bucket. A power of two of them.
    buckets: Box<[u32]>,
    /// The position that comes after each position in its bucket.
    next: Box<[u32]>,
}

/// The end of a list.
const END: u32 = u32::MAX;

impl Index {
    fn new(btf: &Btf) -> Index {
        let types = btf.types();
        let mut next = vec![END; types.len()];
        let mut buckets = vec![END; types.len().next_power_of_two()];
        let mask = buckets.len().wrapping_sub(1);
        // At first, the bucket that a type belongs in.
        for (slot, (_, ty)) in next.iter_mut().zip(types) {
            let name = ty.name_bytes().unwrap_or_default();
            if !name.is_empty() {
                *slot = (hash(name) & mask) as u32;
            }
        }
        for (position, slot) in next.iter_mut().enumerate().rev() {
            if let Some(bucket) = buckets.get_mut(*slot as usize) {
                *slot = std::mem::replace(bucket, position as u32);
            }
        }
        Index {
            buckets: buckets.into(),
            next: next.into(),
        }
    }

    fn first(&self, name: &[u8]) -> u32 {
        let mask = self.buckets.len().wrapping_sub(1);
        self.buckets.get(hash(name) & mask).copied().unwrap_or(END)
    }
}

/// Multiply and rotate, eight bytes at a time (the scheme of rustc's own tables): names are short and the hash stays in here.
fn hash(name: &[u8]) -> usize {
    const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;
    let mut chunks = name.chunks_exact(8);
    let mut hash = name.len() as u64;
    let mut add = |word: u64| hash = (hash.rotate_left(26) ^ word).wrapping_mul(FACTOR);
    for chunk in &mut chunks {
        add(chunk
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes)));
    }
    add(chunks
        .remainder()
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte)));
    // The upper half is where the multiplications have mixed most.
    (hash >> 32) as usize
}

impl Btf {
    /// The type of this kind with this name; the one with the lowest id if there are several.
    ///
    /// In split BTF its own types come before the base's.
    pub fn find(&self, name: &str, kind: Kind) -> Option<TypeId> {
        FindAll::new(self, name, Some(kind)).next().map(Type::id)
    }

    /// All types with this name, of any kind, by ascending id.
    ///
    /// In split BTF its own types come before the base's.
    pub fn find_all<'a>(&'a self, name: &'a str) -> FindAll<'a> {
        FindAll::new(self, name, None)
    }

    /// The type of our own at a position.
    fn at(&self, position: u32) -> Option<Type<'_>> {
        let id = TypeId(self.0.first.checked_add(position)?);
        Some(Type::new(self, id, self.record(id)?))
    }

    fn name_index(&self) -> Option<&Index> {
        let names = &self.0.names;
        if names.index.get().is_none() && names.scans.fetch_add(1, Ordering::Relaxed) < SCANS {
            return None;
        }
        Some(names.index.get_or_init(|| Index::new(self)))
    }
}

/// Iterator over the types with a name; see [`Btf::find_all`].
#[derive(Debug, Clone)]
pub struct FindAll<'a> {
    btf: &'a Btf,
    /// The BTF being searched: `btf`, then its base.
    searched: &'a Btf,
    name: &'a str,
    kind: Option<Kind>,
    candidates: Candidates<'a>,
}

/// The types of one BTF that may have the name.
#[derive(Debug, Clone)]
enum Candidates<'a> {
    All(Types<'a>),
    Bucket {
        btf: &'a Btf,
        index: &'a Index,
        next: u32,
    },
}

impl<'a> Candidates<'a> {
    fn new(btf: &'a Btf, name: &str) -> Candidates<'a> {
        match btf.name_index() {
            Some(index) => Candidates::Bucket {
                btf,
                index,
                next: index.first(name.as_bytes()),
            },
            None => Candidates::All(btf.types()),
        }
    }
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Type<'a>;

    #[inline]
    fn next(&mut self) -> Option<Type<'a>> {
        match self {
            Candidates::All(types) => types.next().map(|(_, ty)| ty),
            Candidates::Bucket { btf, index, next } => {
                let following = *index.next.get(*next as usize)?;
                btf.at(std::mem::replace(next, following))
            }
        }
    }
}

impl<'a> FindAll<'a> {
    fn new(btf: &'a Btf, name: &'a str, kind: Option<Kind>) -> FindAll<'a> {
        FindAll {
            btf,
            searched: btf,
            name,
            kind,
            candidates: Candidates::new(btf, name),
        }
    }
}

impl<'a> Iterator for FindAll<'a> {
    type Item = Type<'a>;

    fn next(&mut self) -> Option<Type<'a>> {
        // Types without a name are not found by the empty one.
        if self.name.is_empty() {
            return None;
        }
        loop {
            for ty in self.candidates.by_ref() {
                if self.kind.is_none_or(|kind| kind == ty.kind()) && ty.is_named(self.name) {
                    return Some(Type::new(self.btf, ty.id(), ty.raw()));
                }
            }
            self.searched = self.searched.base()?;
            self.candidates = Candidates::new(self.searched, self.name);
        }
    }
}
