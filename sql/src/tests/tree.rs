//! Trees as compact S-expressions, for tests.

use rsql_ast::data_type::TypeKind;
use rsql_ast::expr::{
    BinaryOp, CastKind, FrameBound, FunctionCall, LikeKind, OrderItem, Quantifier, TrimSide, UnaryOp, WindowRef,
    WindowSpec,
};
use rsql_ast::query::{GroupBy, GroupItem, LateralView, NamedWindow, PipeOp, QueryTail};
use rsql_ast::relation::{JoinCondition, SampleKind, TableAlias, TableSample};
use rsql_ast::{Expr, ExprKind, Ident, Literal, Query, Relation, Select, SetExpr, TypeExpr};

/// `(head a b)`, empty parts left out.
fn list(head: impl AsRef<str>, parts: impl IntoIterator<Item = String>) -> String {
    let mut text = format!("({}", head.as_ref());
    for part in parts.into_iter().filter(|p| !p.is_empty()) {
        text.push(' ');
        text.push_str(&part);
    }
    text.push(')');
    text
}

fn join<T>(items: &[T], f: impl Fn(&T) -> String) -> String {
    items.iter().map(f).collect::<Vec<_>>().join(" ")
}

fn clause<T>(name: &str, items: &[T], f: impl Fn(&T) -> String) -> String {
    if items.is_empty() {
        String::new()
    } else {
        list(name, items.iter().map(f))
    }
}

fn optional(name: &str, value: &Option<Expr>) -> String {
    value.as_ref().map_or(String::new(), |e| list(name, [expr(e)]))
}

fn flag(set: bool, name: &str) -> String {
    if set { name.to_string() } else { String::new() }
}

fn names(parts: &[Ident]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

fn dotted(parts: &[Vec<Ident>]) -> String {
    join(parts, |p| names(p))
}

pub(super) fn expr(e: &Expr) -> String {
    let not = |negated: bool, name: &str| format!("{}{name}", if negated { "not-" } else { "" });
    match &e.kind {
        ExprKind::Literal(l) => literal(l),
        ExprKind::Column(parts) => names(parts),
        ExprKind::Star { qualifier, except } => {
            let star = if qualifier.is_empty() {
                "*".to_string()
            } else {
                format!("{}.*", names(qualifier))
            };
            if except.is_empty() {
                star
            } else {
                list(star, ["except".into(), dotted(except)])
            }
        }
        ExprKind::PositionalParameter(n) => format!("?{n}"),
        ExprKind::NamedParameter(n) => format!(":{n}"),
        ExprKind::Identifier(e) => list("identifier", [expr(e)]),
        ExprKind::Unary { op, expr: e } => {
            let op = match op {
                UnaryOp::Plus => "+",
                UnaryOp::Minus => "-",
                UnaryOp::BitNot => "~",
            };
            list(op, [expr(e)])
        }
        ExprKind::Binary { op, left, right } => list(operator(*op), [expr(left), expr(right)]),
        ExprKind::And(items) => clause("and", items, expr),
        ExprKind::Or(items) => clause("or", items, expr),
        ExprKind::Not(e) => list("not", [expr(e)]),
        ExprKind::IsNull { expr: e, negated } => list(not(*negated, "null?"), [expr(e)]),
        ExprKind::IsBoolean {
            expr: e,
            value,
            negated,
        } => {
            let name = value.map_or("unknown?".to_string(), |v| format!("{v}?"));
            list(not(*negated, &name), [expr(e)])
        }
        ExprKind::IsDistinctFrom { left, right, negated } => {
            list(not(*negated, "distinct?"), [expr(left), expr(right)])
        }
        ExprKind::Between {
            expr: e,
            low,
            high,
            negated,
        } => list(not(*negated, "between"), [expr(e), expr(low), expr(high)]),
        ExprKind::InList {
            expr: e,
            list: l,
            negated,
        } => list(not(*negated, "in"), [expr(e), join(l, expr)]),
        ExprKind::InSubquery {
            expr: e,
            query: q,
            negated,
        } => list(not(*negated, "in"), [expr(e), query(q)]),
        ExprKind::Exists(q) => list("exists", [query(q)]),
        ExprKind::ScalarSubquery(q) => list("scalar", [query(q)]),
        ExprKind::QuantifiedSubquery {
            expr: e,
            op,
            quantifier,
            query: q,
        } => list(
            format!("{}-{}", operator(*op), quantified(*quantifier)),
            [expr(e), query(q)],
        ),
        ExprKind::Like {
            kind,
            expr: e,
            pattern,
            escape,
            negated,
        } => {
            let escape = escape.as_ref().map_or(String::new(), |e| list("escape", [expr(e)]));
            list(not(*negated, like(*kind)), [expr(e), expr(pattern), escape])
        }
        ExprKind::LikeQuantified {
            kind,
            expr: e,
            quantifier,
            patterns,
            negated,
        } => {
            let name = format!("{}-{}", like(*kind), quantified(*quantifier));
            list(not(*negated, &name), [expr(e), join(patterns, expr)])
        }
        ExprKind::Case {
            operand,
            branches,
            otherwise,
        } => list(
            "case",
            [
                operand.as_ref().map_or(String::new(), |e| expr(e)),
                join(branches, |(w, t)| list("when", [expr(w), expr(t)])),
                otherwise.as_ref().map_or(String::new(), |e| list("else", [expr(e)])),
            ],
        ),
        ExprKind::Cast { kind, expr: e, ty } => {
            let name = match kind {
                CastKind::Cast => "cast",
                CastKind::TryCast => "try_cast",
                CastKind::DoubleColon => "::",
            };
            list(name, [expr(e), data_type(ty)])
        }
        ExprKind::Function(call) => function(call),
        ExprKind::Extract { field, expr: e } => list("extract", [field.to_string(), expr(e)]),
        ExprKind::Trim { side, chars, expr: e } => {
            let side = match side {
                TrimSide::Both => "both",
                TrimSide::Leading => "leading",
                TrimSide::Trailing => "trailing",
            };
            list(
                "trim",
                [side.into(), chars.as_ref().map_or(String::new(), |c| expr(c)), expr(e)],
            )
        }
        ExprKind::Lambda { params, body } => {
            list("lambda", [list("", [join(params, ToString::to_string)]), expr(body)])
        }
        ExprKind::Subscript { expr: e, index } => list("at", [expr(e), expr(index)]),
        ExprKind::Field { expr: e, name } => list("field", [expr(e), name.to_string()]),
        ExprKind::Path { expr: e, path } => list("path", [expr(e), path.clone()]),
        ExprKind::Row(members) => clause("row", members, expr),
        ExprKind::Alias { expr: e, names } => list("as", [expr(e), join(names, ToString::to_string)]),
        ExprKind::Collate { expr: e, collation } => list("collate", [expr(e), collation.to_string()]),
        ExprKind::Default => "DEFAULT".into(),
        ExprKind::Unit(unit) => format!("unit:{unit}"),
    }
}

fn quantified(quantifier: Quantifier) -> &'static str {
    match quantifier {
        Quantifier::Any => "any",
        Quantifier::All => "all",
    }
}

fn like(kind: LikeKind) -> &'static str {
    match kind {
        LikeKind::Like => "like",
        LikeKind::ILike => "ilike",
        LikeKind::RLike => "rlike",
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::IntegralDivide => "div",
        BinaryOp::Remainder => "%",
        BinaryOp::Concat => "||",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
        BinaryOp::ShiftRightUnsigned => ">>>",
        BinaryOp::Eq => "=",
        BinaryOp::NotEq => "<>",
        BinaryOp::Lt => "<",
        BinaryOp::LtEq => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::GtEq => ">=",
        BinaryOp::NullSafeEq => "<=>",
    }
}

fn literal(l: &Literal) -> String {
    match l {
        Literal::Null => "NULL".into(),
        Literal::Boolean(b) => b.to_string(),
        Literal::Byte(n) => format!("{n}Y"),
        Literal::Short(n) => format!("{n}S"),
        Literal::Int(n) => n.to_string(),
        Literal::Long(n) => format!("{n}L"),
        Literal::Decimal(d) => format!("{d}BD"),
        Literal::Float(f) => format!("{f:?}F"),
        Literal::Double(d) => format!("{d:?}D"),
        Literal::String(s) => format!("{s:?}"),
        Literal::Binary(b) => format!("X{b:02x?}"),
        Literal::Typed { type_name, text } => format!("{type_name}{text:?}"),
        Literal::IntervalRange { text, from, to, .. } => {
            format!("INTERVAL{text:?}-{}-TO-{}", from.name(), to.name())
        }
        Literal::IntervalUnits(units) => clause("INTERVAL", units, |(e, u)| format!("{} {}", expr(e), u.name())),
        Literal::IntervalText(text) => format!("INTERVAL{text:?}"),
    }
}

pub(super) fn data_type(ty: &TypeExpr) -> String {
    match &ty.kind {
        TypeKind::Simple { name, args } if args.is_empty() => name.clone(),
        TypeKind::Simple { name, args } => list(name, args.iter().map(ToString::to_string)),
        TypeKind::Interval(None) => "interval".into(),
        TypeKind::Interval(Some((from, to))) => format!("interval-{}-{}", from.name(), to.name()),
        TypeKind::Array(e) => list("array", [data_type(e)]),
        TypeKind::Map(k, v) => list("map", [data_type(k), data_type(v)]),
        TypeKind::Struct(fields) => list(
            "struct",
            fields.iter().map(|f| {
                let comment = f.comment.as_ref().map_or(String::new(), |c| format!("{c:?}"));
                list(
                    f.name.to_string(),
                    [data_type(&f.ty), flag(f.not_null, "not-null"), comment],
                )
            }),
        ),
        TypeKind::Collated(ty, collation) => list("collate", [data_type(ty), collation.to_string()]),
    }
}

fn function(call: &FunctionCall) -> String {
    let args = call.args.iter().map(|a| match &a.name {
        Some(name) => format!("{name}=>{}", expr(&a.value)),
        None => expr(&a.value),
    });
    let mut parts = vec![flag(call.distinct, "distinct")];
    parts.extend(args);
    parts.push(clause("within", &call.within_group, order));
    parts.push(optional("filter", &call.filter));
    parts.push(
        call.ignore_nulls
            .map_or("", |i| if i { "ignore-nulls" } else { "respect-nulls" })
            .into(),
    );
    parts.push(match &call.over {
        Some(WindowRef::Named(name)) => format!("over:{name}"),
        Some(WindowRef::Spec(spec)) => window("over", spec),
        None => String::new(),
    });
    let name = call.name.to_string();
    if call.bare {
        format!("{name}!")
    } else {
        list(name, parts)
    }
}

fn order(item: &OrderItem) -> String {
    let direction = if item.descending { "-desc" } else { "" };
    let nulls = match item.nulls_first {
        Some(true) => "-nulls-first",
        Some(false) => "-nulls-last",
        None => "",
    };
    format!("{}{direction}{nulls}", expr(&item.expr))
}

fn window(head: &str, spec: &WindowSpec) -> String {
    let bound = |b: &FrameBound| match b {
        FrameBound::UnboundedPreceding => "unbounded<".to_string(),
        FrameBound::Preceding(e) => format!("{}<", expr(e)),
        FrameBound::CurrentRow => "current".into(),
        FrameBound::Following(e) => format!("{}>", expr(e)),
        FrameBound::UnboundedFollowing => "unbounded>".into(),
    };
    let frame = spec.frame.as_ref().map_or(String::new(), |f| {
        let end = f.end.as_ref().map_or(String::new(), bound);
        list(format!("{:?}", f.units).to_lowercase(), [bound(&f.start), end])
    });
    list(
        head,
        [
            spec.base.as_ref().map_or(String::new(), ToString::to_string),
            clause("by", &spec.partition_by, expr),
            clause("order", &spec.order_by, order),
            frame,
        ],
    )
}

pub(super) fn query(q: &Query) -> String {
    let tail = QueryTail {
        order_by: q.order_by.clone(),
        sort_by: q.sort_by.clone(),
        cluster_by: q.cluster_by.clone(),
        distribute_by: q.distribute_by.clone(),
        windows: q.windows.clone(),
        limit: q.limit.clone(),
        offset: q.offset.clone(),
    };
    let with = q.with.as_ref().map_or(String::new(), |w| {
        list(
            if w.recursive { "with-recursive" } else { "with" },
            w.ctes.iter().map(|c| {
                let limit = c.max_recursion.map_or(String::new(), |n| format!("max:{n}"));
                list(
                    c.name.to_string(),
                    [join(&c.columns, ToString::to_string), limit, query(&c.query)],
                )
            }),
        )
    });
    let tail = tail_text(&tail);
    if with.is_empty() && tail.is_empty() {
        return body(&q.body);
    }
    list("query", [with, body(&q.body), tail])
}

fn tail_text(t: &QueryTail) -> String {
    let parts = [
        clause("order", &t.order_by, order),
        clause("sort", &t.sort_by, order),
        clause("cluster", &t.cluster_by, expr),
        clause("distribute", &t.distribute_by, expr),
        named_windows(&t.windows),
        optional("limit", &t.limit),
        optional("offset", &t.offset),
    ];
    parts
        .into_iter()
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn named_windows(windows: &[NamedWindow]) -> String {
    clause("window", windows, |w| window(&w.name.to_string(), &w.spec))
}

fn body(b: &SetExpr) -> String {
    match b {
        SetExpr::Select(s) => select(s),
        SetExpr::Query(q) => list("paren", [query(q)]),
        SetExpr::SetOp {
            op,
            all,
            by_name,
            inputs,
        } => {
            let name = format!("{op:?}").to_lowercase();
            let head = format!("{name}{}{}", flag(*all, "-all"), flag(*by_name, "-by-name"));
            clause(&head, inputs, body)
        }
        SetExpr::Values(rows) => clause("values", rows, |r| list("", [join(r, expr)])),
        SetExpr::Table(name) => list("table", [name.to_string()]),
        SetExpr::Pipe { input, ops } => list("pipe", [body(input), join(ops, pipe)]),
        SetExpr::From(r) => list("from", [relation(r)]),
    }
}

fn select(s: &Select) -> String {
    let hint = |h: &rsql_ast::query::Hint| {
        if h.args.is_empty() {
            h.name.to_string()
        } else {
            list(h.name.to_string(), h.args.iter().map(expr))
        }
    };
    list(
        "select",
        [
            clause("hint", &s.hints, hint),
            flag(s.distinct, "distinct"),
            join(&s.items, expr),
            clause("from", &s.from, relation),
            join(&s.lateral_views, lateral_view),
            optional("where", &s.filter),
            s.group_by.as_ref().map_or(String::new(), group_by),
            optional("having", &s.having),
            optional("qualify", &s.qualify),
            named_windows(&s.windows),
        ],
    )
}

fn lateral_view(v: &LateralView) -> String {
    list(
        if v.outer { "view-outer" } else { "view" },
        [
            expr(&v.call),
            v.table.as_ref().map_or("_".into(), ToString::to_string),
            join(&v.columns, ToString::to_string),
        ],
    )
}

fn group_by(g: &GroupBy) -> String {
    if g.all {
        "(group ALL)".into()
    } else {
        clause("group", &g.items, group_item)
    }
}

fn group_item(item: &GroupItem) -> String {
    let sets = |members: &Vec<Vec<Expr>>| {
        join(
            members,
            |m| if m.len() == 1 { expr(&m[0]) } else { clause("", m, expr) },
        )
    };
    match item {
        GroupItem::Expr(e) => expr(e),
        GroupItem::Rollup(m) => list("rollup", [sets(m)]),
        GroupItem::Cube(m) => list("cube", [sets(m)]),
        GroupItem::GroupingSets(items) => clause("sets", items, group_item),
        GroupItem::Set(items) => list("", [join(items, expr)]),
        GroupItem::WithRollup => "with-rollup".into(),
        GroupItem::WithCube => "with-cube".into(),
        GroupItem::WithSets(items) => clause("with-sets", items, group_item),
    }
}

fn alias(a: &TableAlias) -> String {
    match (&a.name, a.columns.is_empty()) {
        (None, true) => String::new(),
        (Some(name), true) => name.to_string(),
        (name, false) => {
            let name = name.as_ref().map_or("_".to_string(), ToString::to_string);
            list(name, a.columns.iter().map(ToString::to_string))
        }
    }
}

fn sample(s: &Option<TableSample>) -> String {
    let Some(s) = s else { return String::new() };
    let kind = match &s.kind {
        SampleKind::Percent(e) => format!("{}%", expr(e)),
        SampleKind::Rows(e) => format!("{} rows", expr(e)),
        SampleKind::Bucket(x, y) => format!("{x}/{y}"),
        SampleKind::Bytes(e) => format!("{} bytes", expr(e)),
    };
    list("sample", [kind, s.seed.map_or(String::new(), |n| format!("seed:{n}"))])
}

fn relation(r: &Relation) -> String {
    match r {
        Relation::Table {
            name,
            alias: a,
            sample: s,
            options,
            time_travel,
            identifier,
        } => {
            let name = identifier
                .as_ref()
                .map_or(name.to_string(), |e| list("identifier", [expr(e)]));
            let parts = [
                alias(a),
                sample(s),
                clause("options", options, |(k, v)| format!("{k}={v}")),
                optional("as-of", time_travel),
            ];
            if parts.iter().all(String::is_empty) {
                name
            } else {
                list(name, parts)
            }
        }
        Relation::Subquery {
            query: q,
            lateral,
            alias: a,
            sample: s,
        } => list(
            if *lateral { "lateral" } else { "sub" },
            [query(q), alias(a), sample(s)],
        ),
        Relation::Values { rows, alias: a, .. } => {
            list("values", [join(rows, |r| list("", [join(r, expr)])), alias(a)])
        }
        Relation::Function {
            call,
            lateral,
            alias: a,
            ..
        } => list(if *lateral { "lateral" } else { "call" }, [function(call), alias(a)]),
        Relation::Join(j) => {
            let condition = match &j.condition {
                JoinCondition::None => String::new(),
                JoinCondition::On(e) => list("on", [expr(e)]),
                JoinCondition::Using(c) => clause("using", c, ToString::to_string),
                JoinCondition::Natural => "natural".into(),
            };
            let kind = format!("{:?}", j.kind).to_lowercase();
            list(
                kind,
                [
                    flag(j.lateral, "lateral"),
                    relation(&j.left),
                    relation(&j.right),
                    condition,
                ],
            )
        }
        Relation::Nested {
            relation: r,
            alias: a,
            sample: s,
        } => list("nested", [relation(r), alias(a), sample(s)]),
        Relation::Pivot(p) => list(
            "pivot",
            [
                relation(&p.input),
                join(&p.aggregates, expr),
                clause("for", &p.columns, ToString::to_string),
                clause("in", &p.values, expr),
                alias(&p.alias),
            ],
        ),
        Relation::Unpivot(u) => {
            let columns = |(c, a): &(Vec<Expr>, Option<Ident>)| {
                let alias = a.as_ref().map_or(String::new(), |a| format!(":{a}"));
                format!("{}{alias}", join(c, expr))
            };
            list(
                "unpivot",
                [
                    relation(&u.input),
                    flag(u.include_nulls, "nulls"),
                    clause("values", &u.values, ToString::to_string),
                    u.name.to_string(),
                    clause("in", &u.columns, columns),
                    alias(&u.alias),
                ],
            )
        }
        Relation::PipeInput => "_".into(),
    }
}

fn pipe(op: &PipeOp) -> String {
    match op {
        PipeOp::Select { select: s } => select(s),
        PipeOp::Extend(items) => clause("extend", items, expr),
        PipeOp::Set(items) => clause("set", items, |(c, e)| format!("{c}={}", expr(e))),
        PipeOp::Drop(columns) => clause("drop", columns, ToString::to_string),
        PipeOp::As(a) => list("as", [alias(a)]),
        PipeOp::Where(e) => list("where", [expr(e)]),
        PipeOp::Aggregate { items, group_by: g } => list(
            "aggregate",
            [join(items, expr), g.as_ref().map_or(String::new(), group_by)],
        ),
        PipeOp::Join(r) | PipeOp::Pivot(r) => relation(r),
        PipeOp::LateralView(v) => lateral_view(v),
        PipeOp::Sample(s) => sample(&Some(s.clone())),
        PipeOp::Organize(t) => tail_text(t),
        PipeOp::SetOp { op, all, right, .. } => {
            list(format!("{op:?}{}", flag(*all, "-all")).to_lowercase(), [body(right)])
        }
    }
}
