//! What may have been meant by a name that there is not.

use clap::error::{ContextKind, ContextValue};
use oxbpf::suggest::{did_you_mean, nearest};

/// "; did you mean …?", to end a sentence with; nothing if no name is near.
pub(crate) fn suggestion<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let question = did_you_mean(&nearest(name, names));
    question.map_or(String::new(), |question| format!("; {question}"))
}

/// Names the commands that are near to one that there is not, where clap finds none that are.
pub(crate) fn of_verbs(error: &mut clap::Error, all: &clap::Command) {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return;
    }
    let verbs = all.get_subcommands().flat_map(|noun| {
        let below = noun.get_subcommands();
        std::iter::once(String::from(noun.get_name()))
            .chain(below.map(|verb| format!("{} {}", noun.get_name(), verb.get_name())))
    });
    // Of `dump` the whole command is meant; letters in another order are as near as one letter too many.
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let near: Vec<String> = verbs
        .filter(|verb| {
            let last = verb.rsplit(' ').next().unwrap_or_default();
            sorted(last) == sorted(unknown) || !nearest(unknown, [last]).is_empty()
        })
        .collect();
    if !near.is_empty() {
        error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(near),
        );
    }
}
