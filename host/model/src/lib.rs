//! The nouns of the system: ids, specs, events, commands, questions, plans.
