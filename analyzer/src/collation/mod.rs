//! Which collation counts where texts meet.
//!
//! Every text has a collation by its type, and a strength by how it came to it: COLLATE is explicit, a column, a
//! subquery or a cast implicit, a constant default. Of several operands the strongest decides, and the others are cast.
//! Two explicit collations are an error; two implicit ones make a value that nobody can compare.

mod choice;
mod defaults;
mod support;
mod table;

use rsql_common::{Error, Result, Span};
use rsql_expr::tree::{CastExpr, Origin};
use rsql_expr::{Collation, Expr, SqlType};

use crate::expr::{Binder, Bound};

pub(crate) use defaults::{by_default, text};
pub(crate) use support::{Merge, Refusal, merge_of, refusal_of, shows_arguments_as_written, unsupported};
pub(crate) use table::relation;
pub use table::{COLLATION_COLUMNS, collation_rows};

/// How much an operand's collation weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Default,
    Implicit,
    Explicit,
}

/// How an expression came to its collation.
fn strength(e: &Expr) -> Strength {
    let texts = |e: &Expr| e.ty().any_text(&|_| true);
    let of_children = |children: Vec<&Expr>| {
        children
            .into_iter()
            .filter(|c| texts(c))
            .map(strength)
            .max()
            .unwrap_or(Strength::Default)
    };
    match e {
        Expr::Column(_) | Expr::Slot(_) => Strength::Implicit,
        Expr::Call(c) if &*c.func == "collate" => Strength::Explicit,
        Expr::Cast(c) if !texts(&c.expr) => Strength::Default,
        Expr::Cast(c) if c.explicit => Strength::Implicit,
        Expr::Case {
            branches, otherwise, ..
        } => of_children(branches.iter().map(|(_, v)| v).chain(otherwise.as_deref()).collect()),
        other => of_children(other.children()),
    }
}

/// A collation with its weight.
type Weighed = (Collation, Strength);

/// The collations of the texts in a type, from the left.
fn leaves(ty: &SqlType, out: &mut Vec<Collation>) {
    match ty {
        SqlType::Array(a) => leaves(&a.element, out),
        SqlType::Map(m) => {
            leaves(&m.key, out);
            leaves(&m.value, out);
        }
        SqlType::Struct(fields) => fields.iter().for_each(|f| leaves(&f.ty, out)),
        t => out.extend(t.collation()),
    }
}

/// The one that counts of two.
fn stronger(a: Weighed, b: Weighed) -> Result<Weighed> {
    if a.0 == b.0 {
        return Ok((a.0, a.1.max(b.1)));
    }
    match (a.1, b.1) {
        (Strength::Explicit, Strength::Explicit) => Err(Error::user("COLLATION_MISMATCH.EXPLICIT").param(
            "explicitTypes",
            [a, b].map(|(c, _)| SqlType::collated(c).quoted()).join(", "),
        )),
        (x, y) if x > y => Ok(a),
        (x, y) if x < y => Ok(b),
        (Strength::Default, _) => Ok(if a.0.is_binary() { b } else { a }),
        _ => Ok((Collation::INDETERMINATE, Strength::Implicit)),
    }
}

/// The collations that all of `exprs` get: one a text in their types, or one for all where the types differ in shape.
/// `None` if there is nothing to do.
fn winners(exprs: &[&Expr]) -> Result<Option<Vec<Collation>>> {
    if !exprs.iter().any(|e| e.ty().has_collation()) {
        return Ok(None);
    }
    let mut all: Vec<Vec<Weighed>> = Vec::new();
    for e in exprs {
        let mut found = Vec::new();
        leaves(&e.ty(), &mut found);
        if !found.is_empty() {
            let weight = strength(e);
            all.push(found.into_iter().map(|c| (c, weight)).collect());
        }
    }
    let alike = all.iter().all(|l| l.len() == all[0].len());
    if !alike {
        return Ok(None);
    }
    let mut best = all.swap_remove(0);
    // Explicit collations are told in the order they stand.
    for others in rotated(all) {
        for (mine, theirs) in best.iter_mut().zip(others) {
            *mine = stronger(*mine, theirs)?;
        }
    }
    Ok(Some(best.into_iter().map(|(c, _)| c).collect()))
}

/// What `swap_remove(0)` left, in its first order.
fn rotated<T>(mut rest: Vec<T>) -> Vec<T> {
    if rest.len() > 1 {
        rest.rotate_left(1);
    }
    rest
}

/// The type with these collations in it; texts keep theirs where it is the same.
fn with_collations(ty: &SqlType, collations: &[Collation]) -> SqlType {
    let mut next = collations.iter().copied();
    replace(ty, &mut next)
}

fn replace(ty: &SqlType, next: &mut dyn Iterator<Item = Collation>) -> SqlType {
    match ty {
        SqlType::Array(a) => SqlType::array_of(replace(&a.element, next), a.contains_null),
        SqlType::Map(m) => {
            let key = replace(&m.key, next);
            SqlType::map(key, replace(&m.value, next), m.value_contains_null)
        }
        SqlType::Struct(fields) => SqlType::structure(
            fields
                .iter()
                .map(|f| (f.name.clone(), replace(&f.ty, next), f.nullable))
                .collect::<Vec<_>>(),
        ),
        t if t.is_string() => match next.next() {
            Some(c) if t.collation() != Some(c) => t.with_collation(c),
            _ => t.clone(),
        },
        other => other.clone(),
    }
}

impl Binder<'_> {
    /// All operands under the collation that counts among them.
    pub(crate) fn one_collation(&self, operands: Vec<Bound>, span: Span) -> Result<Vec<Bound>> {
        let exprs: Vec<&Expr> = operands.iter().map(|b| &b.expr).collect();
        let Some(winners) = winners(&exprs).map_err(|e| e.at(span))? else {
            return Ok(operands);
        };
        Ok(operands
            .into_iter()
            .map(|bound| self.under(bound, &winners, span))
            .collect())
    }

    fn under(&self, bound: Bound, winners: &[Collation], span: Span) -> Bound {
        let from = bound.expr.ty();
        let to = with_collations(&from, winners);
        if from == to {
            return bound;
        }
        if let Expr::Literal(mut literal) = bound.expr {
            literal.ty = to;
            let written = literal.value.as_str().is_some_and(|text| text == bound.name);
            let name = if !written && !bound.name.contains("' collate ") {
                bound.name
            } else if self.naming {
                crate::naming::constant(&literal, &self.env)
            } else {
                String::new()
            };
            return Bound {
                expr: Expr::Literal(literal),
                name,
            };
        }
        let options = &self.env.cx.options;
        let expr = Expr::Cast(Box::new(CastExpr {
            expr: bound.expr,
            ty: to,
            mode: options.mode(),
            explicit: false,
            options: std::sync::Arc::clone(options),
            origin: Origin(span),
        }));
        Bound { expr, name: bound.name }
    }

    /// [`Self::one_collation`] of expressions whose names nobody needs.
    pub(crate) fn one_collation_of(&self, exprs: Vec<Expr>, span: Span) -> Result<Vec<Expr>> {
        if !exprs.iter().any(|e| e.ty().has_collation()) {
            return Ok(exprs);
        }
        let bounds = exprs
            .into_iter()
            .map(|expr| Bound {
                expr,
                name: String::new(),
            })
            .collect();
        let bounds = self.one_collation(bounds, span)?;
        Ok(bounds.into_iter().map(|b| b.expr).collect())
    }

    /// Refuses operands of which nobody knows how they compare; `text` is the whole expression.
    pub(crate) fn known_collation(&self, operands: &[Bound], text: impl FnOnce() -> String, span: Span) -> Result<()> {
        if operands.iter().any(|b| b.expr.ty().is_indeterminate()) {
            return Err(indeterminate(&text(), span));
        }
        Ok(())
    }

    /// Arguments of a function under the collations that count, checked against what the function can do.
    pub(crate) fn collated_arguments(&self, name: &str, args: Vec<Bound>, span: Span) -> Result<Vec<Bound>> {
        if !args.iter().any(|b| b.expr.ty().has_collation()) {
            return Ok(args);
        }
        // Calls that are other expressions in truth show their arguments as written.
        let kept = shows_arguments_as_written(name).then(|| args.iter().map(|b| b.name.clone()).collect::<Vec<_>>());
        let mut args = self.merged(name, args, span)?;
        for (arg, name) in args.iter_mut().zip(kept.into_iter().flatten()) {
            arg.name = name;
        }
        let text = || {
            let texts: Vec<String> = args.iter().map(|b| b.name.clone()).collect();
            crate::naming::scalar(name, &texts, args.first().map(|b| b.expr.ty()).as_ref())
        };
        if let Some(error) = unsupported(name, &args, &text) {
            return Err(error.at(span));
        }
        if args.iter().any(|b| b.expr.ty().is_indeterminate()) {
            match refusal_of(name) {
                Some(Refusal::Analysis) => return Err(indeterminate(&text(), span)),
                Some(Refusal::Running) => return Err(Error::user("INDETERMINATE_COLLATION").at(span)),
                None => {}
            }
        }
        Ok(args)
    }

    fn merged(&self, name: &str, args: Vec<Bound>, span: Span) -> Result<Vec<Bound>> {
        let merge = match merge_of(name) {
            Some(merge) => merge,
            None => return Ok(args),
        };
        if merge == Merge::Pairs {
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for (i, arg) in args.into_iter().enumerate() {
                if i % 2 == 0 { keys.push(arg) } else { values.push(arg) }
            }
            let keys = self.one_collation(keys, span)?;
            let mut values = self.one_collation(values, span)?.into_iter();
            let mut out = Vec::new();
            for key in keys {
                out.push(key);
                out.extend(values.next());
            }
            return Ok(out);
        }
        let takes = |i: usize| match merge {
            Merge::All | Merge::Pairs => true,
            Merge::From(n) => i >= n,
            Merge::Only(list) => list.contains(&i),
        };
        let mut out: Vec<Option<Bound>> = Vec::with_capacity(args.len());
        let (mut places, mut taken) = (Vec::new(), Vec::new());
        for (i, arg) in args.into_iter().enumerate() {
            if takes(i) {
                places.push(i);
                taken.push(arg);
                out.push(None);
            } else {
                out.push(Some(arg));
            }
        }
        for (i, bound) in places.into_iter().zip(self.one_collation(taken, span)?) {
            out[i] = Some(bound);
        }
        Ok(out.into_iter().flatten().collect())
    }
}

/// `INDETERMINATE_COLLATION_IN_EXPRESSION`
pub(crate) fn indeterminate(text: &str, span: Span) -> Error {
    Error::user("INDETERMINATE_COLLATION_IN_EXPRESSION")
        .param("expr", format!("\"{text}\""))
        .at(span)
}

/// The written name of a collation, perhaps behind `system.builtin`.
pub(crate) fn named(parts: &[&str], span: Span) -> Result<Collation> {
    let invalid = |name: &str, proposals: Vec<String>| {
        Error::user("COLLATION_INVALID_NAME")
            .param("collationName", name)
            .param("proposals", proposals.join(", "))
            .at(span)
    };
    let name = match parts {
        [name] => name,
        [catalog, schema, name] if catalog.eq_ignore_ascii_case("system") && schema.eq_ignore_ascii_case("builtin") => {
            name
        }
        _ => {
            let name = parts.last().copied().unwrap_or_default();
            let proposals = name
                .parse::<Collation>()
                .map_or_else(|e| e.proposals, |c| vec![c.to_string()]);
            return Err(invalid(name, proposals));
        }
    };
    name.parse()
        .map_err(|e: rsql_expr::types::InvalidCollation| invalid(name, e.proposals))
}

#[cfg(test)]
mod tests;
