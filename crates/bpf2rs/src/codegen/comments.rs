//! Comments that the C source has BTF carry: `__attribute__((btf_decl_tag("doc:…")))`.

use std::collections::HashMap;

use oxbpf_object::btf::{Btf, Contents, Kind, TypeId};

/// What a tag that is a comment begins with. Other tags speak to the kernel or to other tools.
const MARK: &str = "doc:";

/// The comments of an object, by what they are on: a type, variable or function, or a member of it.
#[derive(Debug)]
pub(super) struct Comments<'a> {
    btf: &'a Btf,
    texts: HashMap<(TypeId, Option<u32>), Vec<&'a str>>,
}

impl<'a> Comments<'a> {
    pub(super) fn of(btf: &'a Btf) -> Self {
        let mut texts: HashMap<_, Vec<_>> = HashMap::new();
        for (_, ty) in btf.types() {
            let Contents::DeclTag(tag) = ty.contents() else {
                continue;
            };
            if let Some(text) = ty.name().strip_prefix(MARK) {
                let on = (tag.target, tag.component);
                texts.entry(on).or_default().push(text.trim());
            }
        }
        Self { btf, texts }
    }

    /// The comment on a type, or on one of its members, before what else there is to say.
    pub(super) fn with(&self, id: TypeId, component: Option<u32>, facts: &str) -> String {
        match self.texts.get(&(id, component)) {
            Some(texts) => format!("{}\n\n{facts}", texts.join("\n\n")),
            None => facts.to_owned(),
        }
    }

    /// The comment on a variable or function, before what else there is to say.
    pub(super) fn on(&self, kind: Kind, name: &str, facts: &str) -> String {
        // Finding a type by its name takes a look at all.
        if self.texts.is_empty() {
            return facts.to_owned();
        }
        let tagged = |id: &TypeId| self.texts.contains_key(&(*id, None));
        let found = self
            .btf
            .find_all(name)
            .filter(|ty| ty.kind() == kind)
            .map(|ty| ty.id())
            .find(tagged);
        match found {
            Some(id) => self.with(id, None, facts),
            None => facts.to_owned(),
        }
    }
}
