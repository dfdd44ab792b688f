//! The rules, one a file.
//!
//! | what a plan needs to run | |
//! |---|---|
//! | [`unnest`] | dependent joins become joins |
//! | [`replace_set_ops`] | INTERSECT and EXCEPT become joins |
//! | [`fold_values`] | constant rows become literals |
//! | [`push_down_predicates`] | filters go down and into join conditions |
//! | [`extract_equi_join_keys`] | equalities become join keys |
//!
//! | what makes it fast | |
//! |---|---|
//! | [`eliminate_outer_join`] | outer joins become inner where NULL rows are dropped above |
//! | [`inline_cte`] | definitions read once are put in place |
//! | [`column_pruning`] | unread columns are left out |
//! | [`push_filters_into_scan`] | scans get the filters above them |
//! | [`remove_noop_operators`] | projections that change nothing go |

pub mod column_pruning;
pub mod eliminate_outer_join;
pub mod extract_equi_join_keys;
pub mod fold_values;
pub mod inline_cte;
pub mod push_down_predicates;
pub mod push_filters_into_scan;
pub mod remove_noop_operators;
pub mod replace_set_ops;
pub mod unnest;
