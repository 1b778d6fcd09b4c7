//! What may have been meant by a name that there is not.

use oxbpf::suggest::{did_you_mean, nearest};

/// "; did you mean …?", to end a sentence with; nothing if no name is near.
pub(crate) fn suggestion<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let question = did_you_mean(&nearest(name, names));
    question.map_or(String::new(), |question| format!("; {question}"))
}
