//! The rules, one a file.
//!
//! | what a plan needs to run | |
//! |---|---|
//! | [`unnest`] | dependent joins become joins |
//! | [`replace_set_ops`] | INTERSECT and EXCEPT become joins |
//! | [`rewrite_collations`] | keys stand for texts that do not compare by bytes |
//! | [`fold_values`] | constant rows become literals |
//! | [`push_down_predicates`] | filters go down and into join conditions |
//! | [`extract_equi_join_keys`] | equalities become join keys |
//!
//! | what makes it fast | |
//! |---|---|
//! | [`eliminate_outer_join`] | outer joins become inner where NULL rows are dropped above |
//! | [`expressions`] | constants, casts, conditions and patterns get simpler |
//! | [`collapse_project`] | two projections become one |
//! | [`eliminate_limits`] | limits that no row exceeds go |
//! | [`limit_push_down`] | limits go down; a sort under a limit becomes a top-k |
//! | [`eliminate_sorts`] | sorts whose order nobody sees go |
//! | [`eliminate_distinct`] | DISTINCT over distinct rows goes |
//! | [`reuse_subplans`] | subplans that occur several times are computed once |
//! | [`propagate_empty_relation`] | operators over no rows go |
//! | [`infer_filters`] | what is known of one join key holds for the other |
//! | [`optimize_metadata_only_query`] | counts and extremes that footers tell are not computed |
//! | [`partial_aggregation`] | aggregates below joins where that joins fewer rows |
//! | [`partial_aggregation_below_expand`] | grouping sets read groups instead of rows |
//! | [`infer_window_group_limit`] | windows sort only the first rows of each partition where a filter keeps those |
//! | [`merge_scalar_subqueries`] | aggregates over the same scan are computed in one pass |
//! | [`rewrite_distinct_aggregates`] | DISTINCT without groups becomes groups |
//! | [`inline_cte`] | definitions read once are put in place |
//! | [`push_predicates_into_ctes`] | definitions read several times keep only rows that some reader keeps |
//! | [`column_pruning`] | unread columns are left out |
//! | [`generator_nested_column_aliasing`] | arrays of structs are exploded by the one field that is read |
//! | [`nested_column_aliasing`] | of structs only the fields that are read are |
//! | [`prune_buckets`] | buckets that no row which passes a filter can be in are left out |
//! | [`prune_file_source_partitions`] | files whose partition values refute a filter are left out |
//! | [`push_filters_into_scan`] | scans get the filters above them |
//! | [`remove_noop_operators`] | projections that change nothing go |

pub mod collapse_project;
pub mod column_pruning;
pub mod eliminate_distinct;
pub mod eliminate_limits;
pub mod eliminate_outer_join;
pub mod eliminate_sorts;
pub mod expressions;
pub mod extract_equi_join_keys;
pub mod fold_values;
pub mod generator_nested_column_aliasing;
pub mod infer_filters;
pub mod infer_window_group_limit;
pub mod inline_cte;
pub mod limit_push_down;
pub mod merge_scalar_subqueries;
pub mod nested_column_aliasing;
pub mod optimize_metadata_only_query;
pub mod partial_aggregation;
pub mod partial_aggregation_below_expand;
pub mod propagate_empty_relation;
pub mod prune_buckets;
pub mod prune_file_source_partitions;
pub mod push_down_predicates;
pub mod push_filters_into_scan;
pub mod push_predicates_into_ctes;
pub mod remove_noop_operators;
pub mod replace_set_ops;
pub mod reuse_subplans;
pub mod rewrite_collations;
pub mod rewrite_distinct_aggregates;
pub mod unnest;
