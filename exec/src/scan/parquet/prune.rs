//! What statistics rule out: row groups and pages whose bounds refute a conjunct.

use std::cmp::Ordering;

use arrow::array::ArrayRef;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use rsql_catalog::parquet_stats::{Bounds, bound, chunk_bounds, compare};
use rsql_expr::eval::scalar_at;
use rsql_expr::types::Repr;
use rsql_expr::{CompareOp, Expr, Scalar, SqlType};

use super::file::{File, FileColumn, StoredColumn};
use crate::runtime_filter::RuntimeFilter;
use crate::scan::runtime::may_pass;

/// A condition on one read column that bounds can refute.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    pub column: usize,
    pub kind: TestKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TestKind {
    Compare(CompareOp, Scalar),
    /// Sorted candidates do not matter: one inside the bounds is enough.
    In(Vec<Scalar>),
    IsNull,
    IsNotNull,
    /// A string starts with this.
    Prefix(Box<[u8]>),
}

/// Branches of which one has to pass, each of tests that have to pass together; a condition without OR is one branch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AnyOf(Vec<Vec<Test>>);

impl AnyOf {
    /// Whether the condition may hold where `test` says which tests may pass.
    pub fn may_hold(&self, test: impl Fn(&Test) -> bool) -> bool {
        self.0.iter().any(|branch| branch.iter().all(&test))
    }
}

/// The refutable conditions among conjuncts.
pub(super) fn tests_of(filters: &[Expr]) -> Vec<AnyOf> {
    let mut out = Vec::new();
    for filter in filters {
        conditions(filter, &mut out);
    }
    out
}

fn conditions(e: &Expr, out: &mut Vec<AnyOf>) {
    match e {
        Expr::And(parts) => parts.iter().for_each(|p| conditions(p, out)),
        Expr::Or(branches) => {
            let branches: Vec<Vec<Test>> = branches.iter().map(tests_in).collect();
            // A branch that nothing refutes may always hold.
            if !branches.iter().any(Vec::is_empty) {
                out.push(AnyOf(branches));
            }
        }
        other => out.extend(tests_in(other).into_iter().map(|t| AnyOf(vec![vec![t]]))),
    }
}

fn tests_in(e: &Expr) -> Vec<Test> {
    let mut tests = Vec::new();
    collect(e, &mut tests);
    tests
}

fn collect(e: &Expr, out: &mut Vec<Test>) {
    let slot = |e: &Expr| if let Expr::Slot(s) = e { Some(s.index) } else { None };
    match e {
        Expr::And(parts) => parts.iter().for_each(|p| collect(p, out)),
        Expr::Compare { op, left, right } => {
            let (column, literal, op) = match (slot(left), right.as_literal(), slot(right), left.as_literal()) {
                (Some(c), Some(l), _, _) => (c, l, *op),
                (_, _, Some(c), Some(l)) => (c, l, op.flip()),
                _ => return,
            };
            if !literal.value.is_null() {
                let kind = TestKind::Compare(op, literal.value.clone());
                out.push(Test { column, kind });
            }
        }
        Expr::In { expr, list } => {
            let literals: Option<Vec<Scalar>> = list.iter().map(|l| l.as_literal().map(|l| l.value.clone())).collect();
            if let (Some(column), Some(values)) = (slot(expr), literals) {
                let kind = TestKind::In(values.into_iter().filter(|v| !v.is_null()).collect());
                out.push(Test { column, kind });
            }
        }
        Expr::IsNull(e) => out.extend(slot(e).map(|column| Test {
            column,
            kind: TestKind::IsNull,
        })),
        Expr::IsNotNull(e) => out.extend(slot(e).map(|column| Test {
            column,
            kind: TestKind::IsNotNull,
        })),
        Expr::Call(c) if &*c.func == "startswith" && c.args.len() == 2 => {
            let prefix = c.args[1].as_literal().and_then(|l| l.value.as_str());
            if let (Some(column), Some(prefix)) = (slot(&c.args[0]), prefix) {
                let kind = TestKind::Prefix(prefix.as_bytes().into());
                out.push(Test { column, kind });
            }
        }
        _ => {}
    }
}

impl Test {
    /// False only if no value within the bounds of `rows` rows can pass.
    fn may_match(&self, bounds: &Bounds, rows: u64) -> bool {
        let all_null = bounds.nulls == Some(rows) && rows > 0;
        let float = matches!(bounds.min, Some(Scalar::F32(_) | Scalar::F64(_)));
        // Orderings that are certain; unknown bounds refute nothing.
        let below_min = |v: &Scalar| matches!(bounds.min.as_ref().and_then(|m| compare(v, m)), Some(Ordering::Less));
        let above_max = |v: &Scalar| matches!(bounds.max.as_ref().and_then(|m| compare(v, m)), Some(Ordering::Greater));
        let at_most_min = |v: &Scalar| {
            matches!(
                bounds.min.as_ref().and_then(|m| compare(v, m)),
                Some(Ordering::Less | Ordering::Equal)
            )
        };
        let at_least_max = |v: &Scalar| {
            matches!(
                bounds.max.as_ref().and_then(|m| compare(v, m)),
                Some(Ordering::Greater | Ordering::Equal)
            )
        };
        match &self.kind {
            TestKind::IsNull => bounds.nulls != Some(0),
            TestKind::IsNotNull => !all_null,
            _ if all_null => false,
            TestKind::Compare(op, v) => match op {
                CompareOp::Eq | CompareOp::NullSafeEq => !(below_min(v) || above_max(v)),
                CompareOp::Lt => !at_most_min(v),
                CompareOp::LtEq => !below_min(v),
                // NaN is above all numbers and in no bounds.
                CompareOp::Gt | CompareOp::GtEq if float => true,
                CompareOp::Gt => !at_least_max(v),
                CompareOp::GtEq => !above_max(v),
                CompareOp::NotEq => true,
            },
            TestKind::In(values) => values.iter().any(|v| !(below_min(v) || above_max(v))),
            TestKind::Prefix(prefix) => {
                let bytes = |s: &Option<Scalar>| s.as_ref().and_then(|s| s.as_str().map(|s| s.as_bytes().to_vec()));
                let head = |s: &[u8]| s[..s.len().min(prefix.len())].to_vec();
                let low = bytes(&bounds.min).is_some_and(|m| head(&m) > prefix.to_vec());
                let high = bytes(&bounds.max).is_some_and(|m| head(&m) < prefix[..m.len().min(prefix.len())].to_vec());
                !(low || high)
            }
        }
    }
}

impl File {
    /// False if statistics say that no row of a row group passes a test.
    pub fn group_may_match(&self, row_group: usize, test: &Test) -> bool {
        match &self.columns[test.column] {
            FileColumn::Constant(value) => constant_bounds(value).is_none_or(|b| test.may_match(&b, 1)),
            FileColumn::Stored(column) => {
                let rows = self.footer.row_group(row_group).num_rows().max(0) as u64;
                self.group_bounds(row_group, column)
                    .is_none_or(|b| test.may_match(&b, rows))
            }
        }
    }

    /// Bounds of a column in a row group.
    fn group_bounds(&self, row_group: usize, column: &StoredColumn) -> Option<Bounds> {
        if column.file_type != column.ty {
            return None;
        }
        let chunk = self.footer.row_group(row_group).column(column.leaf?);
        Some(chunk_bounds(chunk.statistics()?, chunk.column_descr(), &column.ty))
    }

    /// False if the pages that hold rows `start..start + rows` cannot pass a test.
    pub fn rows_may_match(&self, row_group: usize, start: usize, rows: usize, test: &Test) -> bool {
        let FileColumn::Stored(column) = &self.columns[test.column] else {
            return true;
        };
        let pages = self.page_bounds(row_group, start, rows, column);
        pages.is_none_or(|pages| pages.iter().any(|(b, n)| test.may_match(b, *n)))
    }

    /// Bounds and rows of the pages that hold a row range.
    fn page_bounds(
        &self,
        row_group: usize,
        start: usize,
        rows: usize,
        column: &StoredColumn,
    ) -> Option<Vec<(Bounds, u64)>> {
        if column.file_type != column.ty {
            return None;
        }
        let leaf = column.leaf?;
        let index = self.footer.column_index()?.get(row_group)?.get(leaf)?;
        let pages = self.footer.offset_index()?.get(row_group)?.get(leaf)?.page_locations();
        let descr = self.footer.row_group(row_group).column(leaf).column_descr();
        let total = usize::try_from(self.footer.row_group(row_group).num_rows()).ok()?;
        let first = |i: usize| {
            pages
                .get(i)
                .map_or(total, |p| usize::try_from(p.first_row_index).unwrap_or(0))
        };
        if matches!(index, ColumnIndexMetaData::NONE) || index.num_pages() as usize != pages.len() {
            return None;
        }
        let mut out = Vec::new();
        for i in 0..pages.len() {
            let (from, to) = (first(i), first(i + 1));
            if to <= start || from >= start + rows || to <= from {
                continue;
            }
            let n = (to - from) as u64;
            let (min, max) = page_values(index, i);
            out.push((
                Bounds {
                    min: min.and_then(|b| bound(&b, descr, &column.ty)),
                    max: max.and_then(|b| bound(&b, descr, &column.ty)),
                    nulls: if index.is_null_page(i) {
                        Some(n)
                    } else {
                        index.null_counts().and_then(|c| u64::try_from(c[i]).ok())
                    },
                },
                n,
            ));
        }
        Some(out)
    }

    /// False if no key of a row range can have a partner.
    pub fn rows_may_join(
        &self,
        row_group: usize,
        start: usize,
        rows: usize,
        column: usize,
        filter: &RuntimeFilter,
    ) -> bool {
        let column = match &self.columns[column] {
            FileColumn::Constant(value) => return may_pass(filter, value),
            FileColumn::Stored(column) => column,
        };
        if !matches!(
            column.ty.repr(),
            Repr::I8 | Repr::I16 | Repr::I32 | Repr::I64 | Repr::Str | Repr::Bin
        ) {
            return true;
        }
        let total = self.footer.row_group(row_group).num_rows().max(0) as u64;
        if self
            .group_bounds(row_group, column)
            .is_some_and(|b| !overlaps(filter, &b, total))
        {
            return false;
        }
        let pages = self.page_bounds(row_group, start, rows, column);
        pages.is_none_or(|pages| pages.iter().any(|(b, n)| overlaps(filter, b, *n)))
    }

    /// The best value that the statistics of a row range promise, for reading the best ones first.
    pub fn best_value(
        &self,
        row_group: usize,
        start: usize,
        rows: usize,
        column: usize,
        large: bool,
    ) -> Option<Scalar> {
        let of = |b: Bounds| if large { b.max } else { b.min };
        let column = match &self.columns[column] {
            FileColumn::Constant(value) => return constant_bounds(value).and_then(of),
            FileColumn::Stored(column) => column,
        };
        let Some(pages) = self.page_bounds(row_group, start, rows, column) else {
            return self.group_bounds(row_group, column).and_then(of);
        };
        let better = if large { Ordering::Greater } else { Ordering::Less };
        let values = pages.into_iter().filter_map(|(b, _)| of(b));
        values.reduce(|a, b| if compare(&b, &a) == Some(better) { b } else { a })
    }
}

/// Bounds of a column that has one value; none for nested values.
fn constant_bounds(value: &ArrayRef) -> Option<Bounds> {
    let value = scalar_at(value, 0, &SqlType::Void).ok()?;
    let nulls = u64::from(value.is_null());
    let value = Some(value).filter(|v| !v.is_null());
    Some(Bounds {
        min: value.clone(),
        max: value,
        nulls: Some(nulls),
    })
}

/// False if none of `rows` values within bounds can pass a runtime filter.
fn overlaps(filter: &RuntimeFilter, bounds: &Bounds, rows: u64) -> bool {
    let (min, max) = (bounds.min.as_ref(), bounds.max.as_ref());
    if let RuntimeFilter::AtMost(threshold) = filter {
        return match bounds.nulls {
            Some(nulls) if nulls == rows => threshold.nulls_first,
            nulls => threshold.may_pass(min, max, nulls != Some(0)),
        };
    }
    if bounds.nulls == Some(rows) && rows > 0 {
        return false;
    }
    if let RuntimeFilter::Bytes {
        min: low, max: high, ..
    } = filter
    {
        let above = |v: &Scalar| bytes_of(v).is_some_and(|v| v > &**high);
        let below = |v: &Scalar| bytes_of(v).is_some_and(|v| v < &**low);
        return !(min.is_some_and(above) || max.is_some_and(below));
    }
    match (min.and_then(Scalar::as_i64), max.and_then(Scalar::as_i64)) {
        (Some(min), Some(max)) => filter.may_overlap(min, max),
        _ => true,
    }
}

fn bytes_of(value: &Scalar) -> Option<&[u8]> {
    match value {
        Scalar::Str(s) => Some(s.as_bytes()),
        Scalar::Bin(b) => Some(b),
        _ => None,
    }
}

/// Plain-encoded bounds of a page.
fn page_values(index: &ColumnIndexMetaData, page: usize) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    macro_rules! le {
        ($i:expr) => {
            (
                $i.min_value(page).map(|v| v.to_le_bytes().to_vec()),
                $i.max_value(page).map(|v| v.to_le_bytes().to_vec()),
            )
        };
    }
    match index {
        ColumnIndexMetaData::INT32(i) => le!(i),
        ColumnIndexMetaData::INT64(i) => le!(i),
        ColumnIndexMetaData::FLOAT(i) => le!(i),
        ColumnIndexMetaData::DOUBLE(i) => le!(i),
        ColumnIndexMetaData::BYTE_ARRAY(i) | ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(i) => (
            i.min_value(page).map(<[u8]>::to_vec),
            i.max_value(page).map(<[u8]>::to_vec),
        ),
        ColumnIndexMetaData::BOOLEAN(i) => (
            i.min_value(page).map(|v| vec![u8::from(*v)]),
            i.max_value(page).map(|v| vec![u8::from(*v)]),
        ),
        ColumnIndexMetaData::NONE | ColumnIndexMetaData::INT96(_) => (None, None),
    }
}
