//! Expressions, types and windows as S-expressions.

use rsql_ast::data_type::TypeKind;
use rsql_ast::expr::{
    BinaryOp, CastKind, FrameBound, FunctionCall, LikeKind, OrderItem, Quantifier, TrimSide, UnaryOp, WindowRef,
    WindowSpec,
};
use rsql_ast::{Expr, ExprKind, Literal, TypeExpr};

use super::query::query;
use super::{clause, dotted, flag, join, list, names, optional};

pub(in crate::tests) fn expr(e: &Expr) -> String {
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

pub(in crate::tests) fn data_type(ty: &TypeExpr) -> String {
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

pub(super) fn function(call: &FunctionCall) -> String {
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

pub(super) fn order(item: &OrderItem) -> String {
    let direction = if item.descending { "-desc" } else { "" };
    let nulls = match item.nulls_first {
        Some(true) => "-nulls-first",
        Some(false) => "-nulls-last",
        None => "",
    };
    format!("{}{direction}{nulls}", expr(&item.expr))
}

pub(super) fn window(head: &str, spec: &WindowSpec) -> String {
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
