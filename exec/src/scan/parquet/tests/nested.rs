//! Fields of structs as columns.

use rsql_catalog::{NestedColumn, SourceColumn};
use rsql_expr::{CompareOp, Literal, Slot, SqlType};

use super::*;

#[test]
fn fields_of_structs_are_read_without_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let ints = |f: &dyn Fn(usize) -> Option<i64>| -> ArrayRef { Arc::new((0..ROWS).map(f).collect::<Int64Array>()) };
    let field = |name: &str, a: &ArrayRef| Arc::new(arrow::datatypes::Field::new(name, a.data_type().clone(), true));
    let nulls = |every: usize| {
        Some(
            (0..ROWS)
                .map(|i| !i.is_multiple_of(every))
                .collect::<Vec<bool>>()
                .into(),
        )
    };
    let (x, y) = (
        ints(&|i| (!i.is_multiple_of(3)).then_some(i as i64)),
        ints(&|i| Some(-(i as i64))),
    );
    let inner: ArrayRef = Arc::new(StructArray::new(
        vec![field("x", &x), field("y", &y)].into(),
        vec![x.clone(), y.clone()],
        nulls(5),
    ));
    let outer: ArrayRef = Arc::new(StructArray::new(
        vec![field("y", &y), field("Inner", &inner)].into(),
        vec![y.clone(), inner.clone()],
        nulls(7),
    ));
    let data = RecordBatch::try_from_iter_with_nullable([("a", y.clone(), true), ("s", outer, true)]).unwrap();
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(2_000));
    write(&path, &data, properties.build());
    let nested = |path: &[&str], ty: SqlType| NestedColumn {
        root: 1,
        path: path.iter().map(|p| Arc::from(*p)).collect(),
        column: SourceColumn {
            name: path.join(".").into(),
            ty,
            nullable: true,
        },
    };
    let mut source = source(&path);
    source.nested = vec![
        nested(&["inner", "x"], SqlType::Long),
        nested(&["y"], SqlType::Long),
        nested(&["inner", "z"], SqlType::Long),
    ]
    .into();
    let slot = |index: usize| {
        Expr::Slot(Slot {
            index,
            ty: SqlType::Long,
        })
    };
    let fields = (0..3).map(|i| Field {
        id: ColumnId(i),
        name: "n".into(),
        ty: SqlType::Long,
        nullable: true,
    });
    let mut scan = Scan {
        schema: Schema::new(fields),
        columns: vec![2, 3, 4],
        projection: vec![0, 1, 2],
        source: Arc::new(source),
        filters: vec![],
        consumes: vec![],
        limit: None,
        best_first: None,
        shared: None,
        by_bucket: false,
        estimate: 0.0,
    };
    let x = |i: usize| (!i.is_multiple_of(3) && !i.is_multiple_of(5) && !i.is_multiple_of(7)).then_some(i as i64);
    let y = |i: usize| (!i.is_multiple_of(7)).then_some(-(i as i64));
    let plan = PhysicalPlan::Scan(scan.clone());
    assert_eq!(longs(&plan, cx("2", "512"), 0), (0..ROWS).map(x).collect::<Vec<_>>());
    assert_eq!(longs(&plan, cx("1", "4096"), 1), (0..ROWS).map(y).collect::<Vec<_>>());
    // A field that the file does not have.
    assert_eq!(longs(&plan, cx("1", "4096"), 2), vec![None; ROWS]);
    // Their statistics prune like those of other columns.
    scan.filters = vec![Expr::compare(CompareOp::Gt, slot(0), Expr::lit(Literal::long(4_500)))];
    let mut cx = TaskContext::new(
        &Settings::default(),
        Arc::new(FunctionRegistry::default()),
        MemoryPool::unbounded(),
    )
    .unwrap();
    let metrics = Arc::new(crate::metrics::PlanMetrics::default());
    cx.metrics = Some(Arc::clone(&metrics));
    let got = longs(&PhysicalPlan::Scan(scan), Arc::new(cx), 0);
    assert_eq!(got, (4_501..ROWS).map(x).filter(Option::is_some).collect::<Vec<_>>());
    assert_eq!(metrics.node(0).scan.groups_pruned.get(), 2);
}
