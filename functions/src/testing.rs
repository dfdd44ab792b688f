//! Calls functions on constants in tests and shows what they give.

use std::sync::Arc;

use rsql_common::ids::IdGen;
use rsql_common::{ColumnId, Result, Settings};
use rsql_expr::eval::fold;
use rsql_expr::function::ResolveCx;
use rsql_expr::{Column, EvalOptions, Expr, LambdaExpr, Literal, Origin, Scalar, SqlType};

/// Resolves and computes a call; the result's type and value.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Result<Literal> {
    call_with(name, args, EvalOptions::default())
}

/// [`call`] with other session facts.
pub(crate) fn call_with(name: &str, args: Vec<Expr>, options: EvalOptions) -> Result<Literal> {
    let expr = resolve_with(name, args, options)?;
    fold(&expr, &crate::registry())
}

/// Resolves a call.
pub(crate) fn resolve_with(name: &str, args: Vec<Expr>, options: EvalOptions) -> Result<Expr> {
    let registry = crate::registry();
    let options = Arc::new(options);
    let (settings, ids) = (Settings::default(), IdGen::default());
    let cx = ResolveCx {
        called_as: name,
        options: &options,
        mode: options.mode(),
        settings: &settings,
        registry: &registry,
        ids: &ids,
        origin: Origin::default(),
    };
    let f = registry
        .scalar(name)
        .unwrap_or_else(|| unreachable!("no function {name}"));
    f.resolve(args, &cx)
}

/// The value as text, or the error's condition.
pub(crate) fn shown(name: &str, args: Vec<Expr>) -> String {
    match call(name, args) {
        Ok(l) => show(&l.value),
        Err(e) => e.condition().to_string(),
    }
}

/// A value as compact text.
pub(crate) fn show(value: &Scalar) -> String {
    let list = |v: &[Scalar]| v.iter().map(show).collect::<Vec<_>>().join(",");
    match value {
        Scalar::Null => "null".into(),
        Scalar::Bool(b) => b.to_string(),
        Scalar::Str(s) => s.to_string(),
        Scalar::F32(f) => format!("{f:?}"),
        Scalar::F64(f) => format!("{f:?}"),
        Scalar::Interval(m, d, u) => format!("{m}m{d}d{u}us"),
        Scalar::Array(v) => format!("[{}]", list(v)),
        Scalar::Struct(v) => format!("({})", list(v)),
        Scalar::Map(v) => {
            let entries: Vec<String> = v.iter().map(|(k, v)| format!("{}:{}", show(k), show(v))).collect();
            format!("{{{}}}", entries.join(","))
        }
        other => other.as_i128().map_or_else(|| format!("{other:?}"), |v| v.to_string()),
    }
}

/// INT constant.
pub(crate) fn int(v: i32) -> Expr {
    Expr::lit(Literal::int(v))
}

/// STRING constant.
pub(crate) fn text(v: &str) -> Expr {
    Expr::lit(Literal::string(v))
}

/// NULL of a type.
pub(crate) fn null(ty: SqlType) -> Expr {
    Expr::lit(Literal::null(ty))
}

/// Constant of a type from its representation.
pub(crate) fn typed(value: Scalar, ty: SqlType) -> Expr {
    Expr::lit(Literal::new(value, ty))
}

/// `ARRAY<INT>` constant.
pub(crate) fn ints(values: &[Option<i32>]) -> Expr {
    let values = values.iter().map(|v| v.map_or(Scalar::Null, Scalar::I32)).collect();
    typed(Scalar::Array(values), SqlType::array(SqlType::Int))
}

/// `ARRAY<INT>` constant without NULLs.
pub(crate) fn some_ints(values: &[i32]) -> Expr {
    ints(&values.iter().copied().map(Some).collect::<Vec<_>>())
}

/// `ARRAY<STRING>` constant; `-` stands for NULL.
pub(crate) fn texts(values: &[&str]) -> Expr {
    let values = values
        .iter()
        .map(|v| {
            if *v == "-" {
                Scalar::Null
            } else {
                Scalar::Str((*v).into())
            }
        })
        .collect();
    typed(Scalar::Array(values), SqlType::array(SqlType::String))
}

/// `MAP<INT, INT>` constant.
pub(crate) fn int_map(entries: &[(i32, i32)]) -> Expr {
    let entries = entries
        .iter()
        .map(|(k, v)| (Scalar::I32(*k), Scalar::I32(*v)))
        .collect();
    typed(Scalar::Map(entries), SqlType::map(SqlType::Int, SqlType::Int, false))
}

/// A lambda of INT parameters; `body` gets them as columns.
pub(crate) fn lambda(n: u32, body: impl FnOnce(&[Expr]) -> Expr) -> Expr {
    let params: Vec<Column> = (0..n)
        .map(|i| Column {
            id: ColumnId(1000 + i),
            ty: SqlType::Int,
        })
        .collect();
    let columns: Vec<Expr> = params.iter().cloned().map(Expr::Column).collect();
    Expr::Lambda(Box::new(LambdaExpr {
        body: slots(body(&columns), &params),
        params,
        first_slot: 0,
    }))
}

/// Lowers parameters to slots, as plans do before they run.
fn slots(body: Expr, params: &[Column]) -> Expr {
    body.replace_columns(&|c| {
        let index = params.iter().position(|p| p == c)?;
        Some(Expr::Slot(rsql_expr::Slot {
            index,
            ty: c.ty.clone(),
        }))
    })
}
