//! Expressions as EXPLAIN prints them: `(#3 + 1) > 5`.

use std::fmt;

use super::{AggregateCall, ArithOp, Expr, SortKey, WindowCall, WindowFunc};
use crate::{Literal, Scalar};

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::SqlType::*;
        match (&self.value, &self.ty) {
            (Scalar::Null, _) => f.write_str("NULL"),
            (Scalar::Bool(b), _) => write!(f, "{b}"),
            (Scalar::Str(s), _) => write!(f, "'{}'", s.replace('\'', "\\'")),
            (v, Decimal(_, s)) => match v.as_i128() {
                Some(n) => f.write_str(&decimal(n, *s)),
                None => write!(f, "{v:?}"),
            },
            (v, Byte | Short | Int | Long) => match v.as_i64() {
                Some(n) => write!(f, "{n}"),
                None => write!(f, "{v:?}"),
            },
            (Scalar::F32(x), _) => write!(f, "{x:?}"),
            (Scalar::F64(x), _) => write!(f, "{x:?}"),
            (v, ty) => match v.as_i64() {
                Some(n) => write!(f, "{ty}({n})"),
                None => write!(f, "{ty}({v:?})"),
            },
        }
    }
}

fn decimal(unscaled: i128, scale: i8) -> String {
    let Ok(scale) = usize::try_from(scale) else {
        return format!("{unscaled}E{}", -i32::from(scale));
    };
    if scale == 0 {
        return unscaled.to_string();
    }
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    format!("{}{whole}.{part}", if unscaled < 0 { "-" } else { "" })
}

fn list(f: &mut fmt::Formatter<'_>, items: &[Expr], separator: &str) -> fmt::Result {
    for (i, e) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{e}")?;
    }
    Ok(())
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Column(c) => write!(f, "{}", c.id),
            Expr::Slot(s) => write!(f, "${}", s.index),
            Expr::Literal(l) => write!(f, "{l}"),
            Expr::Arith(a) if a.op == ArithOp::Negate => write!(f, "(-{})", a.left),
            Expr::Arith(a) => write!(f, "({} {} {})", a.left, a.op.symbol(), a.right),
            Expr::Compare { op, left, right } => write!(f, "({left} {} {right})", op.symbol()),
            Expr::And(v) => {
                f.write_str("(")?;
                list(f, v, " AND ")?;
                f.write_str(")")
            }
            Expr::Or(v) => {
                f.write_str("(")?;
                list(f, v, " OR ")?;
                f.write_str(")")
            }
            Expr::Not(e) => write!(f, "(NOT {e})"),
            Expr::IsNull(e) => write!(f, "({e} IS NULL)"),
            Expr::IsNotNull(e) => write!(f, "({e} IS NOT NULL)"),
            Expr::In { expr, list: items } => {
                write!(f, "({expr} IN (")?;
                list(f, items, ", ")?;
                f.write_str("))")
            }
            Expr::Case {
                branches, otherwise, ..
            } => {
                f.write_str("CASE")?;
                for (c, v) in branches {
                    write!(f, " WHEN {c} THEN {v}")?;
                }
                if let Some(e) = otherwise {
                    write!(f, " ELSE {e}")?;
                }
                f.write_str(" END")
            }
            Expr::Coalesce { args, .. } => {
                f.write_str("coalesce(")?;
                list(f, args, ", ")?;
                f.write_str(")")
            }
            Expr::Cast(c) => {
                let name = if c.mode == crate::EvalMode::Try {
                    "try_cast"
                } else {
                    "cast"
                };
                write!(f, "{name}({} AS {})", c.expr, c.ty)
            }
            Expr::Field { expr, index, .. } => match expr.ty() {
                crate::SqlType::Struct(fields) if *index < fields.len() => write!(f, "{expr}.{}", fields[*index].name),
                _ => write!(f, "{expr}.{index}"),
            },
            Expr::Call(c) => {
                write!(f, "{}(", c.func)?;
                list(f, &c.args, ", ")?;
                // The collation stands in the type alone.
                if let ("collate", Some(collation)) = (&*c.func, c.ty.collation()) {
                    write!(f, ", {collation}")?;
                }
                f.write_str(")")
            }
            Expr::Lambda(l) => {
                let params: Vec<String> = l.params.iter().map(|p| p.id.to_string()).collect();
                write!(f, "({}) -> {}", params.join(", "), l.body)
            }
        }
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let nulls = if self.nulls_first { "FIRST" } else { "LAST" };
        write!(f, "{} {direction} NULLS {nulls}", self.expr)
    }
}

impl fmt::Display for AggregateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.func)?;
        if self.distinct {
            f.write_str("DISTINCT ")?;
        }
        if self.args.is_empty() {
            f.write_str("*")?
        } else {
            list(f, &self.args, ", ")?
        }
        f.write_str(")")?;
        if let Some(filter) = &self.filter {
            write!(f, " FILTER (WHERE {filter})")?;
        }
        Ok(())
    }
}

impl fmt::Display for WindowCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.func {
            WindowFunc::Window { func, args, .. } => {
                write!(f, "{func}(")?;
                list(f, args, ", ")?;
                f.write_str(")")?;
            }
            WindowFunc::Aggregate(a) => write!(f, "{a}")?,
        }
        write!(
            f,
            " {:?} {:?}..{:?}",
            self.frame.units, self.frame.start, self.frame.end
        )
    }
}
