//! Which SQLSTATE each error condition has. The table holds Spark's condition names and
//! states, and those of our own: `REMOTE`, `CLUSTER`, `INVALID_USAGE` and others that no part of Spark raises.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Sorted lines `CONDITION<TAB>SQLSTATE`; sub-conditions inherit from the part before the dot.
const TABLE: &str = include_str!("conditions.tsv");

fn table() -> &'static HashMap<&'static str, &'static str> {
    static MAP: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    MAP.get_or_init(|| TABLE.lines().filter_map(|l| l.split_once('\t')).collect())
}

/// SQLSTATE of `condition`, looking at its main condition when the sub-condition has none of its own.
pub fn sqlstate_of(condition: &str) -> Option<&'static str> {
    let map = table();
    map.get(condition)
        .or_else(|| condition.split_once('.').and_then(|(main, _)| map.get(main)))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_conditions_inherit() {
        assert_eq!(sqlstate_of("DIVIDE_BY_ZERO"), Some("22012"));
        assert_eq!(sqlstate_of("UNRESOLVED_COLUMN.WITH_SUGGESTION"), Some("42703"));
        assert_eq!(sqlstate_of("NO_SUCH_THING"), None);
    }
}
