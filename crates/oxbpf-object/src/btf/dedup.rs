//! Deduplication: types that are the same become one.
//!
//! Two types are the same if their records say the same and what they refer to is the same, however far that is followed. So the
//! types are sorted into classes by what their records say; then a class is split wherever two of its types refer to types of different
//! classes, until there is nothing left to split. Types that refer to each other in circles need no special care that way, since they
//! stay together unless something tells them apart.
//!
//! Of the parts of a split class the largest keeps its number, and only what refers to the others is looked at again. So no type gets a
//! new class more often than the logarithm of their number, and the time is near to linear whatever the types are.
//!
//! Variables and sections are never the same as others: two objects may each have a static variable of the same name and type.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

use super::kind::Word;
use super::{Btf, BtfBuilder, Error, Kind, Type, TypeId};
use crate::limits::MAX_DEDUP_PASSES;

/// What [`Btf::dedup`] makes of BTF.
#[derive(Debug, Clone)]
pub struct Deduplicated {
    types: BtfBuilder,
    /// By old id.
    ids: Vec<TypeId>,
}

impl Deduplicated {
    /// The types that are left. Strings that only `.BTF.ext` uses can be added.
    pub fn types(&self) -> &BtfBuilder {
        &self.types
    }

    /// The types that are left, to be changed.
    pub fn types_mut(&mut self) -> &mut BtfBuilder {
        &mut self.types
    }

    /// What has become of the type that had this id, if there was one. `void` and the types of a base keep their ids.
    pub fn id(&self, old: TypeId) -> Option<TypeId> {
        self.ids.get(old.0 as usize).copied()
    }
}

impl Btf {
    /// Replaces types that are the same by one, and a declaration of a structure, union or enumeration by its definition if all
    /// definitions of that name are the same.
    ///
    /// The types that are left keep their order. Those of a base are left alone, and taken instead of the same ones here.
    ///
    /// ```
    /// use oxbpf_object::btf::{Btf, BtfBuilder};
    ///
    /// let mut types = BtfBuilder::new();
    /// let (int, same) = (types.add_signed("int", 4), types.add_signed("int", 4));
    /// let (to_int, to_same) = (types.add_ptr(int), types.add_ptr(same));
    ///
    /// let dedup = types.build()?.dedup()?;
    /// assert_eq!(dedup.types().build()?.types().count(), 2);
    /// assert_eq!(dedup.id(to_int), dedup.id(to_same));
    /// # Ok::<_, oxbpf_object::btf::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When some of the types cannot be read ([`Btf::unread`]) or are of a kind unknown here, or one refers to a type or string that is
    /// not there.
    pub fn dedup(&self) -> Result<Deduplicated, Error> {
        if let Some(error) = self.unread() {
            return Err(error.clone());
        }
        let graph = Graph::new(self)?;
        let (classes, instead) = graph.classes();

        let mut types = match self.base() {
            Some(base) => BtfBuilder::split(base),
            None => BtfBuilder::new(),
        };
        let first = self.first().0;
        // The lowest type of each class stands for it.
        let mut chosen: Vec<Option<u32>> = vec![None; classes.len()];
        let mut ids = Vec::with_capacity(classes.len());
        let mut kept = Vec::new();
        let mut next = types.next_id().0;
        for (id, &class) in (0u32..).zip(&classes) {
            let replaced = at(&instead, id) != id;
            let slot = chosen.get_mut(class as usize);
            let new = match slot {
                Some(Some(new)) if id >= first => *new,
                Some(slot) if !replaced => {
                    let new = if id < first || id == 0 {
                        id
                    } else {
                        kept.push(TypeId(id));
                        let new = next;
                        next = next.saturating_add(1);
                        new
                    };
                    slot.get_or_insert(new);
                    new
                }
                _ => 0,
            };
            ids.push(TypeId(new));
        }
        // A declaration may come before its definition has got its id.
        for (id, &instead) in instead.iter().enumerate() {
            if instead as usize != id {
                let new = ids.get(instead as usize).copied().unwrap_or_default();
                if let Some(id) = ids.get_mut(id) {
                    *id = new;
                }
            }
        }
        for id in kept {
            types.add_copy(self.get(id)?, |old| {
                ids.get(old.0 as usize).copied().unwrap_or_default()
            })?;
        }
        Ok(Deduplicated { types, ids })
    }
}

/// What is declared or defined: its name, and whether it is a structure, union or enumeration.
type Tag = (u32, Kind);

/// Which type refers to which, and what else each says. Nodes are numbered as the types are; `void` is one.
struct Graph {
    /// A number that is the same for records that say the same, references left out.
    shapes: Vec<u32>,
    /// Where the references of each node start.
    starts: Vec<u32>,
    references: Vec<u32>,
    /// Declarations that may be replaced.
    declared: Vec<(u32, Tag)>,
    defined: HashMap<Tag, Vec<u32>>,
}

impl Graph {
    fn new(btf: &Btf) -> Result<Graph, Error> {
        let end = btf.end().0;
        let mut graph = Graph {
            shapes: Vec::with_capacity(end as usize),
            starts: Vec::with_capacity((end as usize).saturating_add(1)),
            references: Vec::new(),
            declared: Vec::new(),
            defined: HashMap::new(),
        };
        let mut names: HashMap<&[u8], u32> = HashMap::new();
        let mut shapes: HashMap<Box<[u32]>, u32> = HashMap::new();
        let mut shape_count = 0u32;
        let mut record = Vec::new();
        for id in 0..end {
            let ty = btf.get(TypeId(id))?;
            graph.starts.push(position(graph.references.len())?);
            record.clear();
            for (word, value) in ty.words()? {
                record.push(match word {
                    Word::Data => value,
                    Word::Name => {
                        let fresh = position(names.len())?;
                        *names.entry(btf.string(value)?).or_insert(fresh)
                    }
                    Word::Type => {
                        if value >= end {
                            return Err(Error::NoSuchType {
                                id: TypeId(value),
                                end: btf.end(),
                            });
                        }
                        graph.references.push(value);
                        0
                    }
                });
            }
            let mut shape = || {
                let fresh = shape_count;
                shape_count = shape_count.saturating_add(1);
                fresh
            };
            graph.shapes.push(match ty.kind() {
                Kind::VAR | Kind::DATASEC => shape(),
                _ => match shapes.entry(record.as_slice().into()) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => *new.insert(shape()),
                },
            });
            if let (Some(role), Some(&name)) = (Role::of(ty), record.first()) {
                match role {
                    Role::Declares(kind) if id >= btf.first().0 => {
                        graph.declared.push((id, (name, kind)))
                    }
                    Role::Declares(_) => {}
                    Role::Defines(kind) => {
                        graph.defined.entry((name, kind)).or_default().push(id);
                    }
                }
            }
        }
        graph.starts.push(position(graph.references.len())?);
        Ok(graph)
    }

    fn references_of(&self, node: usize) -> &[u32] {
        let range = match self.starts.get(node..).unwrap_or_default() {
            &[start, end, ..] => start as usize..end as usize,
            _ => 0..0,
        };
        self.references.get(range).unwrap_or_default()
    }

    /// The class of each node, and for each node itself or the definition that is taken instead of it.
    ///
    /// That all definitions of a name are the same is taken for granted until the classes show that they are not. Then its declarations
    /// stay what they are, which can only make more classes.
    fn classes(&self) -> (Vec<u32>, Vec<u32>) {
        let mut wanted: HashMap<Tag, &[u32]> = HashMap::new();
        for (_, tag) in &self.declared {
            if let Some(defined) = self.defined.get(tag) {
                wanted.insert(*tag, defined);
            }
        }
        let own_shape = |nodes: &[u32], of: &[u32]| {
            let mut of = nodes.iter().map(|&node| at(of, node));
            let first = of.next();
            of.all(|other| Some(other) == first)
        };
        wanted.retain(|_, defined| own_shape(defined, &self.shapes));
        for pass in 0.. {
            if pass == MAX_DEDUP_PASSES {
                wanted.clear();
            }
            let mut instead: Vec<u32> = (0u32..).take(self.shapes.len()).collect();
            for (declaration, tag) in &self.declared {
                let definition = wanted.get(tag).and_then(|defined| defined.first());
                if let (Some(slot), Some(&definition)) =
                    (instead.get_mut(*declaration as usize), definition)
                {
                    *slot = definition;
                }
            }
            let classes = Partition::new(self, &instead).refine();
            let before = wanted.len();
            wanted.retain(|_, defined| own_shape(defined, &classes));
            if wanted.len() == before {
                return (classes, instead);
            }
        }
        (
            self.shapes.clone(),
            (0u32..).take(self.shapes.len()).collect(),
        )
    }
}

enum Role {
    Declares(Kind),
    Defines(Kind),
}

impl Role {
    fn of(ty: Type<'_>) -> Option<Role> {
        if ty.name_offset() == 0 {
            return None;
        }
        match ty.kind() {
            Kind::FWD if ty.kind_flag() => Some(Role::Declares(Kind::UNION)),
            Kind::FWD => Some(Role::Declares(Kind::STRUCT)),
            // An enumeration that is declared only has no enumerators.
            Kind::ENUM | Kind::ENUM64 if ty.element_count() == 0 => {
                Some(Role::Declares(Kind::ENUM))
            }
            Kind::ENUM | Kind::ENUM64 => Some(Role::Defines(Kind::ENUM)),
            kind @ (Kind::STRUCT | Kind::UNION) => Some(Role::Defines(kind)),
            _ => None,
        }
    }
}

/// The nodes in classes, being split.
struct Partition {
    /// Who refers to each node, and by which of its references.
    users: Vec<(u32, u32)>,
    user_starts: Vec<u32>,
    class: Vec<u32>,
    /// What a node refers to: a sum over its references, so that one can change without the others being looked at. It is 128 bits of
    /// hash under a key drawn anew each time, so that no input can be made to have two of them alike.
    sums: Vec<u128>,
    key: [u64; 2],
    /// The nodes of each class, and some that have left it.
    members: Vec<Vec<u32>>,
    sizes: Vec<u32>,
    /// Nodes whose sums have changed, by class.
    changed: Vec<Vec<u32>>,
    is_changed: Vec<bool>,
    /// Classes with changed nodes.
    queue: Vec<u32>,
}

impl Partition {
    fn new(graph: &Graph, instead: &[u32]) -> Partition {
        let count = graph.shapes.len();
        let random = RandomState::new();
        let key = [random.hash_one(0), random.hash_one(1)];

        let mut user_starts = vec![0u32; count.saturating_add(1)];
        for &target in &graph.references {
            if let Some(start) =
                user_starts.get_mut((at(instead, target) as usize).saturating_add(1))
            {
                *start = start.saturating_add(1);
            }
        }
        let mut total = 0u32;
        for start in &mut user_starts {
            total = total.saturating_add(*start);
            *start = total;
        }
        let mut fill = user_starts.clone();
        let mut users = vec![(0, 0); graph.references.len()];
        let mut sums = vec![0u128; count];
        for (node, sum) in sums.iter_mut().enumerate() {
            for (which, &target) in (0u32..).zip(graph.references_of(node)) {
                let target = at(instead, target);
                *sum = sum.wrapping_add(hash(key, which, at(&graph.shapes, target)));
                if let Some(place) = fill.get_mut(target as usize) {
                    if let Some(user) = users.get_mut(*place as usize) {
                        *user = (node as u32, which);
                    }
                    *place = place.saturating_add(1);
                }
            }
        }
        let classes = graph
            .shapes
            .iter()
            .max()
            .map_or(0, |&max| max.saturating_add(1)) as usize;
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); classes];
        for (node, &class) in (0u32..).zip(&graph.shapes) {
            if let Some(members) = members.get_mut(class as usize) {
                members.push(node);
            }
        }
        Partition {
            users,
            user_starts,
            class: graph.shapes.clone(),
            sums,
            key,
            sizes: members.iter().map(|members| members.len() as u32).collect(),
            changed: members.clone(),
            members,
            is_changed: vec![true; count],
            queue: (0u32..).take(classes).collect(),
        }
    }

    fn refine(mut self) -> Vec<u32> {
        while let Some(class) = self.queue.pop() {
            self.split(class);
        }
        self.class
    }

    /// Splits a class by the sums of its nodes. Those that have not changed have the same one.
    fn split(&mut self, class: u32) {
        let index = class as usize;
        let mut changed = self
            .changed
            .get_mut(index)
            .map(std::mem::take)
            .unwrap_or_default();
        for &node in &changed {
            if let Some(flag) = self.is_changed.get_mut(node as usize) {
                *flag = false;
            }
        }
        let size = at(&self.sizes, class);
        if size < 2 {
            return;
        }
        let sum = |node: &u32| self.sums.get(*node as usize).copied().unwrap_or(0);
        changed.sort_by_key(sum);
        let mut groups: Vec<Vec<u32>> = changed
            .chunk_by(|a, b| sum(a) == sum(b))
            .map(<[u32]>::to_vec)
            .collect();
        let unchanged = size.saturating_sub(changed.len() as u32) as usize;
        let largest = (0..groups.len()).max_by_key(|&group| groups.get(group).map_or(0, Vec::len));
        if let Some(largest) =
            largest.filter(|&g| groups.get(g).is_some_and(|g| g.len() > unchanged))
        {
            let stays = groups.swap_remove(largest);
            if unchanged != 0 {
                // They are fewer than those that stay, so they can be looked for.
                changed.sort_unstable();
                let all = self
                    .members
                    .get_mut(index)
                    .map(std::mem::take)
                    .unwrap_or_default();
                let rest = all.into_iter().filter(|node| {
                    at(&self.class, *node) == class && changed.binary_search(node).is_err()
                });
                groups.push(rest.collect());
            }
            if let Some(members) = self.members.get_mut(index) {
                *members = stays;
            }
        }

        let mut moved = Vec::new();
        for group in groups {
            let new = self.members.len() as u32;
            for &node in &group {
                if let Some(class) = self.class.get_mut(node as usize) {
                    *class = new;
                }
            }
            if let Some(size) = self.sizes.get_mut(index) {
                *size = size.saturating_sub(group.len() as u32);
            }
            self.sizes.push(group.len() as u32);
            self.changed.push(Vec::new());
            moved.extend(group.iter().map(|&node| (node, new)));
            self.members.push(group);
        }
        for (node, new) in moved {
            self.tell_users(node, class, new);
        }
    }

    fn tell_users(&mut self, node: u32, old: u32, new: u32) {
        let range = match self.user_starts.get(node as usize..).unwrap_or_default() {
            &[start, end, ..] => start as usize..end as usize,
            _ => 0..0,
        };
        for &(user, which) in self.users.get(range).unwrap_or_default() {
            if let Some(sum) = self.sums.get_mut(user as usize) {
                *sum = sum
                    .wrapping_sub(hash(self.key, which, old))
                    .wrapping_add(hash(self.key, which, new));
            }
            let class = at(&self.class, user);
            let (Some(flag), Some(changed)) = (
                self.is_changed.get_mut(user as usize),
                self.changed.get_mut(class as usize),
            ) else {
                continue;
            };
            if !std::mem::replace(flag, true) {
                if changed.is_empty() {
                    self.queue.push(class);
                }
                changed.push(user);
            }
        }
    }
}

fn hash(key: [u64; 2], which: u32, class: u32) -> u128 {
    let word = u64::from(which) << 32 | u64::from(class);
    // The finalizer of SplitMix64, keyed before and after.
    let mix = |key: u64| {
        let mut x = word ^ key;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x.wrapping_add(key) ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    };
    let [low, high] = key.map(mix);
    u128::from(high) << 64 | u128::from(low)
}

fn at(numbers: &[u32], index: u32) -> u32 {
    numbers.get(index as usize).copied().unwrap_or(0)
}

fn position(count: usize) -> Result<u32, Error> {
    u32::try_from(count).map_err(|_| Error::TooLong)
}
