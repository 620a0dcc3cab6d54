#![doc = "[ids]: self::ids"]
#![doc = "[counters]: self::counters"]
#![doc = "[conversations]: self::conversations"]
#![doc = "[rules]: self::rules"]
#![doc = "[storing]: self::storing"]
#![doc = "[syncing]: self::syncing"]
#![doc = "[strangers]: self::strangers"]
#![doc = "[own-types]: self::own_types"]
#![doc = "[choosing]: self::choosing"]
#![doc = "[serde]: self::serde"]
#![doc = "[conflicts]: self::conflicts"]
#![doc = "[glossary]: self::glossary"]
#![doc = include_str!("../../docs/guide/README.md")]

// The chapters are files under docs/guide, so that they read well where the repository is browsed,
// and modules here, so that every block of code in them is compiled and run. Links between chapters
// are named: a file ends with the files' names, and a module begins with the modules'. If a name is
// defined twice, Markdown takes the first definition.

pub mod ids {
    #![doc = "[storing]: super::storing"]
    #![doc = include_str!("../../docs/guide/ids.md")]
}

pub mod counters {
    #![doc = "[syncing]: super::syncing"]
    #![doc = include_str!("../../docs/guide/counters.md")]
}

pub mod conversations {
    #![doc = "[conflicts]: super::conflicts"]
    #![doc = "[rules]: super::rules"]
    #![doc = "[serde]: super::serde"]
    #![doc = include_str!("../../docs/guide/conversations.md")]
}

pub mod rules {
    #![doc = "[storing]: super::storing"]
    #![doc = include_str!("../../docs/guide/rules.md")]
}

pub mod storing {
    #![doc = "[rules]: super::rules"]
    #![doc = "[ids]: super::ids"]
    #![doc = include_str!("../../docs/guide/storing.md")]
}

pub mod syncing {
    #![doc = "[storing]: super::storing"]
    #![doc = "[strangers]: super::strangers"]
    #![doc = include_str!("../../docs/guide/syncing.md")]
}

#[cfg(feature = "derive")]
pub mod own_types {
    #![doc = include_str!("../../docs/guide/own-types.md")]
}

pub mod strangers {
    #![doc = include_str!("../../docs/guide/strangers.md")]
}

pub mod choosing {
    #![doc = "[ids]: super::ids"]
    #![doc = "[conflicts]: super::conflicts"]
    #![doc = include_str!("../../docs/guide/choosing.md")]
}

pub mod serde {
    #![doc = "[wire]: crate::wire"]
    #![doc = include_str!("../../docs/guide/serde.md")]
}

pub mod conflicts {
    #![doc = include_str!("../../docs/guide/conflicts.md")]
}

pub mod glossary {
    #![doc = "[ids]: super::ids"]
    #![doc = "[conflicts]: super::conflicts"]
    #![doc = "[syncing]: super::syncing"]
    #![doc = include_str!("../../docs/guide/glossary.md")]
}
