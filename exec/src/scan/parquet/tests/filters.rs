//! Filters, runtime filters and limits against plain filtering.

use parquet::basic::Compression;
use rsql_expr::{CompareOp, Literal, Scalar, Slot, SqlType};

use super::*;
use crate::runtime_filter::{RuntimeFilter, Threshold};

#[test]
fn filters_and_keeps_the_order_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(2_000))
        .set_compression(Compression::SNAPPY);
    let data = batch(true);
    write(&path, &data, properties.build());
    let slot = |index: usize, ty: SqlType| Expr::Slot(Slot { index, ty });
    let filters = vec![
        Expr::compare(CompareOp::Lt, slot(1, SqlType::Long), Expr::lit(Literal::long(900))),
        Expr::compare(CompareOp::GtEq, slot(0, SqlType::Long), Expr::lit(Literal::long(4))),
    ];
    let few = data.column(0).as_primitive::<arrow::datatypes::Int64Type>();
    let many = data.column(1).as_primitive::<arrow::datatypes::Int64Type>();
    let passes = |i: usize| few.is_valid(i) && many.value(i) < 900 && few.value(i) >= 4;
    let want: Vec<Option<i64>> = (0..ROWS).filter(|i| passes(*i)).map(|i| Some(many.value(i))).collect();
    for (threads, chunk_rows) in [("1", "4096"), ("2", "100"), ("3", "1")] {
        let plan = scan(source(&path), filters.clone(), vec![]);
        assert_eq!(longs(&plan, cx(threads, chunk_rows), 1), want);
    }
    let cx = cx("2", "512");
    cx.filters
        .publish(FilterId(1), RuntimeFilter::Range { min: 100, max: 120 });
    let plan = scan(source(&path), vec![], vec![(FilterId(1), 1)]);
    let want: Vec<Option<i64>> = (0..ROWS)
        .filter(|i| many.is_valid(*i) && (100..=120).contains(&many.value(*i)))
        .map(|i| Some(many.value(i)))
        .collect();
    assert_eq!(longs(&plan, cx, 1), want);
}

#[test]
fn thresholds_limits_and_strings_leave_rows_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(2_000));
    let data = batch(true);
    write(&path, &data, properties.build());
    let many = data.column(1).as_primitive::<arrow::datatypes::Int64Type>();
    let of = |pass: &dyn Fn(usize) -> bool| -> Vec<Option<i64>> {
        let rows = (0..ROWS).filter(|i| pass(*i));
        rows.map(|i| many.is_valid(i).then(|| many.value(i))).collect()
    };
    let filtered = |filter: RuntimeFilter, column: usize| {
        let cx = cx("2", "512");
        cx.filters.publish(FilterId(1), filter);
        longs(&scan(source(&path), vec![], vec![(FilterId(1), column)]), cx, 1)
    };
    for descending in [false, true] {
        for nulls_first in [false, true] {
            for column in [0, 1] {
                let values = data.column(column).as_primitive::<arrow::datatypes::Int64Type>();
                let limit = 5;
                let threshold = Threshold {
                    value: Scalar::I64(limit),
                    descending,
                    nulls_first,
                };
                let pass = |i: usize| match values.is_valid(i) {
                    true if descending => values.value(i) >= limit,
                    true => values.value(i) <= limit,
                    false => nulls_first,
                };
                assert_eq!(filtered(RuntimeFilter::AtMost(threshold), column), of(&pass));
            }
        }
    }
    let nulls = Threshold {
        value: Scalar::Null,
        descending: false,
        nulls_first: true,
    };
    assert_eq!(filtered(RuntimeFilter::AtMost(nulls), 1), of(&|i| many.is_null(i)));
    // Strings, few of them in a dictionary and many not.
    let text = data.column(8).as_string::<i32>();
    let word = data.column(9).as_string::<i32>();
    let keys: ArrayRef = Arc::new(StringViewArray::from(vec!["RAIL", "é7", "a somewhat longer value"]));
    let filter = || crate::hash_join::bytes_filter(&keys);
    let among =
        |a: &StringArray, i: usize| a.is_valid(i) && ["RAIL", "é7", "a somewhat longer value"].contains(&a.value(i));
    assert_eq!(filtered(filter(), 9), of(&|i| among(word, i)));
    assert_eq!(filtered(filter(), 8), of(&|i| among(text, i)));
    let threshold = Threshold {
        value: Scalar::Str("RAIL".into()),
        descending: true,
        nulls_first: false,
    };
    let pass = |i: usize| word.is_valid(i) && word.value(i) >= "RAIL";
    assert_eq!(filtered(RuntimeFilter::AtMost(threshold), 9), of(&pass));
    // A bare limit reads no more than it says.
    let PhysicalPlan::Scan(mut limited) = scan(source(&path), vec![], vec![]) else {
        unreachable!()
    };
    limited.limit = Some(2_100);
    assert_eq!(
        longs(&PhysicalPlan::Scan(limited.clone()), cx("2", "512"), 1),
        of(&|i| i < 2_100)
    );
    // What is read first is numbered as it lies.
    limited.limit = None;
    limited.best_first = Some((1, true));
    assert_eq!(longs(&PhysicalPlan::Scan(limited), cx("1", "512"), 1).len(), ROWS);
}

/// Row groups and pages that no branch of a disjunction may pass are not read.
#[test]
fn disjunctions_prune() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(1_000));
    let rising: ArrayRef = Arc::new((0..ROWS as i64).collect::<Int64Array>());
    let other: ArrayRef = Arc::new((0..ROWS as i64).map(|i| i % 7).collect::<Int64Array>());
    let data = RecordBatch::try_from_iter([("rising", rising), ("other", other)]).unwrap();
    write(&path, &data, properties.build());
    let compare = |op, index: usize, value| {
        let ty = SqlType::Long;
        Expr::compare(op, Expr::Slot(Slot { index, ty }), Expr::lit(Literal::long(value)))
    };
    let low = || compare(CompareOp::Lt, 0, 100);
    let high = || Expr::And(vec![compare(CompareOp::GtEq, 0, 4_100), compare(CompareOp::Eq, 1, 3)]);
    for (filter, groups_pruned) in [
        (Expr::Or(vec![low(), high()]), 3),
        // A branch that any row group may pass.
        (Expr::Or(vec![low(), compare(CompareOp::Eq, 1, 3)]), 0),
    ] {
        let mut cx = TaskContext::new(&Settings::default(), Arc::default(), MemoryPool::unbounded()).unwrap();
        let metrics = Arc::new(crate::metrics::PlanMetrics::default());
        cx.metrics = Some(Arc::clone(&metrics));
        let got = longs(&scan(source(&path), vec![filter], vec![]), Arc::new(cx), 0);
        let passes = |i: &i64| *i < 100 || i % 7 == 3 && (groups_pruned == 0 || *i >= 4_100);
        assert_eq!(got, (0..ROWS as i64).filter(passes).map(Some).collect::<Vec<_>>());
        assert_eq!(metrics.node(0).scan.groups_pruned.get(), groups_pruned);
    }
}
