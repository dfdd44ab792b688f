//! Which rules run, in which order, and why.

use crate::join_order::ReorderJoin;
use crate::rule::{Batch, Rule, Strategy};
use crate::rules::collapse_project::CollapseProject;
use crate::rules::column_pruning::ColumnPruning;
use crate::rules::eliminate_distinct::EliminateDistinct;
use crate::rules::eliminate_limits::EliminateLimits;
use crate::rules::eliminate_outer_join::EliminateOuterJoin;
use crate::rules::eliminate_sorts::EliminateSorts;
use crate::rules::expressions;
use crate::rules::extract_equi_join_keys::ExtractEquiJoinKeys;
use crate::rules::fold_values::FoldValues;
use crate::rules::generator_nested_column_aliasing::GeneratorNestedColumnAliasing;
use crate::rules::infer_filters::InferFiltersFromConstraints;
use crate::rules::infer_window_group_limit::InferWindowGroupLimit;
use crate::rules::inline_cte::InlineCte;
use crate::rules::limit_push_down::LimitPushDown;
use crate::rules::merge_scalar_subqueries::MergeScalarSubqueries;
use crate::rules::nested_column_aliasing::NestedColumnAliasing;
use crate::rules::optimize_metadata_only_query::OptimizeMetadataOnlyQuery;
use crate::rules::partial_aggregation::PartialAggregationBelowJoin;
use crate::rules::partial_aggregation_below_expand::PartialAggregationBelowExpand;
use crate::rules::propagate_empty_relation::PropagateEmptyRelation;
use crate::rules::prune_buckets::PruneBuckets;
use crate::rules::prune_file_source_partitions::PruneFileSourcePartitions;
use crate::rules::push_down_predicates::PushDownPredicates;
use crate::rules::push_filters_into_scan::PushFiltersIntoScan;
use crate::rules::push_predicates_into_ctes::PushDownPredicatesIntoCtes;
use crate::rules::remove_noop_operators::RemoveNoopOperators;
use crate::rules::replace_set_ops::ReplaceSetOps;
use crate::rules::reuse_subplans::ReuseSubplans;
use crate::rules::rewrite_collations::RewriteCollations;
use crate::rules::rewrite_distinct_aggregates::RewriteDistinctAggregates;
use crate::rules::unnest::UnnestDependentJoins;

/// All batches.
pub(crate) fn batches() -> Vec<Batch> {
    use Rule::{Expressions, Node, Pass};
    use Strategy::{FixedPoint, Once};
    let batch = |name, strategy, mandatory, rules| Batch {
        name,
        strategy,
        mandatory,
        rules,
    };
    vec![
        // Subqueries meet small inputs and joins only once predicates are down; set operations are joins from here on.
        batch(
            "Finish Analysis",
            Once,
            true,
            vec![
                Node(&ReplaceSetOps),
                // Before anything looks at what is compared.
                Pass(&RewriteCollations),
                Node(&FoldValues),
                // An equality that every branch of a disjunction has is one.
                Expressions(expressions::BOOLEAN),
                Pass(&PushDownPredicates),
            ],
        ),
        // Every dependent join goes before any other rule looks at the plan.
        batch(
            "Unnest Subqueries",
            Once,
            true,
            vec![Pass(&UnnestDependentJoins), Node(&FoldValues)],
        ),
        // Predicates move and shrink until nothing changes.
        batch("Operator Optimization", FixedPoint(20), false, operators()),
        // Once: each run would add what the last one pushed down.
        batch(
            "Infer Filters",
            Once,
            false,
            vec![Node(&InferFiltersFromConstraints), Pass(&PushDownPredicatesIntoCtes)],
        ),
        batch(
            "Operator Optimization after Inferring Filters",
            FixedPoint(20),
            false,
            operators(),
        ),
        // No cross product where an equality exists, even with the optimizer off.
        batch(
            "Join Conditions",
            Once,
            true,
            vec![Pass(&PushDownPredicates), Node(&ExtractEquiJoinKeys)],
        ),
        // Sizes are known once filters are in place; what was a condition of one join may now be another's.
        batch(
            "Join Order",
            Once,
            false,
            vec![
                Node(&PruneFileSourcePartitions),
                Node(&PruneBuckets),
                Node(&OptimizeMetadataOnlyQuery),
                Pass(&MergeScalarSubqueries),
                Pass(&ReorderJoin),
                Node(&ExtractEquiJoinKeys),
                // What it puts below grouping sets may go below a join.
                Node(&PartialAggregationBelowExpand),
                Node(&PartialAggregationBelowJoin),
                Node(&RewriteDistinctAggregates),
                Pass(&ReuseSubplans),
            ],
        ),
        // Last, when nothing moves any more: scans read what is needed and no more.
        batch(
            "Scans",
            Once,
            false,
            vec![
                Node(&InferWindowGroupLimit),
                Pass(&GeneratorNestedColumnAliasing),
                Pass(&NestedColumnAliasing),
                Node(&PushFiltersIntoScan),
                Pass(&ColumnPruning),
                Node(&RemoveNoopOperators),
            ],
        ),
    ]
}

fn operators() -> Vec<Rule> {
    use Rule::{Expressions, Node, Pass};
    vec![
        Expressions(expressions::ALL),
        Pass(&InlineCte),
        Pass(&PushDownPredicates),
        Pass(&EliminateOuterJoin),
        Node(&ExtractEquiJoinKeys),
        Node(&CollapseProject),
        Node(&EliminateLimits),
        Node(&LimitPushDown),
        Node(&EliminateSorts),
        Node(&EliminateDistinct),
        Node(&PropagateEmptyRelation),
        Node(&RemoveNoopOperators),
    ]
}
