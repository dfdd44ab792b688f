//! Window calls: collected for a window node; a column stands in their place.

use rsql_ast as ast;
use rsql_ast::expr::{FunctionCall, WindowRef, WindowSpec};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::tree::{FrameBound, FrameUnits, WindowCall, WindowFrame, WindowFunc};
use rsql_expr::{Column, Expr, SortKey};

use super::{Binder, Bound};
use crate::collected::CollectedWindow;

/// A bound specification with the texts of its parts.
pub(super) struct Spec {
    pub partition_by: Vec<Bound>,
    pub order_by: Vec<(SortKey, String)>,
    pub frame: Option<ast::expr::WindowFrame>,
    pub span: Span,
}

impl Binder<'_> {
    /// `f(…) OVER …`
    pub(super) fn window_call(&mut self, name: &str, call: &FunctionCall, span: Span) -> Result<Bound> {
        if self.allow.clause == "FILTER" {
            return Err(Error::user("INVALID_AGGREGATE_FILTER.CONTAINS_WINDOW_FUNCTION").at(span));
        }
        if !self.allow.windows && matches!(self.allow.clause, "JOIN" | "GROUP BY") {
            return Err(Error::user("UNSUPPORTED_EXPR_FOR_OPERATOR")
                .param("invalidExprSqls", format!("\"{name}() OVER …\""))
                .at(span));
        }
        if !self.allow.windows || !self.lambdas.is_empty() {
            return Err(Error::user("WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE")
                .param("clauseName", self.allow.clause)
                .at(span));
        }
        let registry = &self.env.cx.registry;
        if call.distinct && matches!(name, "percentile_cont" | "percentile_disc") {
            return Err(Error::user("INVALID_WITHIN_GROUP_EXPRESSION.DISTINCT_UNSUPPORTED")
                .param("funcName", quoted_name([&name]))
                .at(span));
        }
        if !call.within_group.is_empty() && registry.scalar(name).is_some() {
            return Err(Error::user("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX")
                .param("prettyName", quoted_name([&name]))
                .param("syntax", "WITHIN GROUP (ORDER BY ...)")
                .at(span));
        }
        if self.in_aggregate {
            return Err(Error::user("_LEGACY_ERROR_TEMP_1031").at(span));
        }
        let naming = std::mem::replace(&mut self.naming, true);
        let enclosing = std::mem::replace(&mut self.in_window, true);
        let result = self.window_call_inside(name, call, span);
        self.naming = naming;
        self.in_window = enclosing;
        result
    }

    fn window_call_inside(&mut self, name: &str, call: &FunctionCall, span: Span) -> Result<Bound> {
        let spec = self.spec(call)?;
        let registry = &self.env.cx.registry;
        let default = if spec.order_by.is_empty() {
            WindowFrame::whole()
        } else {
            WindowFrame::default_ordered()
        };
        let window_fn = registry.window(name);
        let (func, frame, text) = if let Some(f) = window_fn {
            if call.distinct {
                return Err(distinct_window(name, span));
            }
            self.refuse_ignore_nulls(name, call, span)?;
            let args = super::arguments::in_order(&call.args, &f.doc, name, span)?;
            let args = self.arguments(&args)?.into_iter().map(|a| a.bound).collect();
            let args = self.collated_arguments(name, args, span)?;
            let (texts, exprs): (Vec<String>, Vec<Expr>) = args.into_iter().map(|b| (b.name, b.expr)).unzip();
            let offset = exprs.get(1).and_then(super::arguments::constant_integer).unwrap_or(1);
            let func =
                (f.resolve)(exprs, call.ignore_nulls == Some(true), &self.cx(name, span)).map_err(|e| e.at(span))?;
            let text = crate::naming::window(name, &texts);
            if f.needs_order && spec.order_by.is_empty() {
                return Err(Error::user("WINDOW_FUNCTION_FRAME_NOT_ORDERED")
                    .param("wf_name", name)
                    .param("wf_expr", text)
                    .at(span));
            }
            match (f.fixed_frame, &spec.frame) {
                (Some(fixed), None) => {
                    let shown = match name {
                        "lag" => format!("ROWS BETWEEN {0} FOLLOWING AND {0} FOLLOWING", -offset),
                        "lead" => format!("ROWS BETWEEN {offset} FOLLOWING AND {offset} FOLLOWING"),
                        "cume_dist" => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_string(),
                        _ => "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_string(),
                    };
                    (func, (fixed(), shown), text)
                }
                (Some(fixed), Some(written)) => {
                    let (frame, shown) = self.frame(written, &spec)?;
                    let fine = frame.units == FrameUnits::Rows
                        && frame.start == FrameBound::Unbounded
                        && frame.end == FrameBound::CurrentRow
                        && !matches!(name, "lag" | "lead");
                    if !fine {
                        let offset = matches!(name, "lag" | "lead" | "nth_value");
                        let condition = if offset {
                            "_LEGACY_ERROR_TEMP_1035"
                        } else {
                            "_LEGACY_ERROR_TEMP_1036"
                        };
                        return Err(Error::user(condition)
                            .param("wf", shown)
                            .param("required", "the function's own frame")
                            .at(span));
                    }
                    (func, (fixed(), shown), text)
                }
                (None, _) => (func, self.frame_or(default, &spec)?, text),
            }
        } else if let Some(f) = registry.aggregate(name) {
            if call.distinct {
                return Err(distinct_window(name, span));
            }
            let (agg, text) = self.resolve_aggregate(f, name, call, span)?;
            let whole_only = matches!(
                f.name,
                "percentile_cont" | "percentile_disc" | "median" | "mode" | "listagg"
            );
            if whole_only
                && (f.name == "median" || !call.within_group.is_empty())
                && (!spec.order_by.is_empty() || spec.frame.is_some())
            {
                return Err(Error::user("INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC")
                    .param("aggFunc", format!("\"{name}\""))
                    .at(span));
            }
            (WindowFunc::Aggregate(agg), self.frame_or(default, &spec)?, text)
        } else if registry.contains(name) {
            return Err(Error::user("UNSUPPORTED_EXPR_FOR_WINDOW")
                .param("sqlExpr", format!("\"{name}()\""))
                .at(span));
        } else {
            return Err(self.unresolved_routine(call, span));
        };
        let (frame, shown) = frame;
        let text = format!("{text} OVER ({})", spec_text(&spec, &shown));
        let call = WindowCall { func, frame };
        let partition_by: Vec<Expr> = spec.partition_by.into_iter().map(|b| b.expr).collect();
        let order_by: Vec<SortKey> = spec.order_by.into_iter().map(|(k, _)| k).collect();
        let ty = call.ty().clone();
        let known = self
            .out
            .windows
            .iter()
            .find(|w| w.call == call && w.partition_by == partition_by && w.order_by == order_by)
            .map(|w| w.id);
        let id = known.unwrap_or_else(|| self.env.id());
        if known.is_none() {
            self.out.windows.push(CollectedWindow {
                partition_by,
                order_by,
                call,
                id,
                name: text.as_str().into(),
            });
        }
        Ok(Bound {
            expr: Expr::Column(Column { id, ty }),
            name: text,
        })
    }

    fn spec(&mut self, call: &FunctionCall) -> Result<Spec> {
        match &call.over {
            Some(WindowRef::Named(name)) => {
                let spec = self.named_window(name)?;
                self.bind_spec(&spec)
            }
            Some(WindowRef::Spec(spec)) => self.bind_spec(spec),
            None => Err(Error::internal("window call without OVER")),
        }
    }

    fn named_window(&self, name: &ast::Ident) -> Result<WindowSpec> {
        let found = self
            .windows
            .iter()
            .find(|w| self.env.same_name(&w.name.value, &name.value));
        match found {
            Some(w) => Ok(w.spec.clone()),
            None => Err(Error::user("MISSING_WINDOW_SPECIFICATION")
                .param("windowName", &name.value)
                .at(name.span)),
        }
    }

    fn bind_spec(&mut self, spec: &WindowSpec) -> Result<Spec> {
        let mut merged = spec.clone();
        let mut depth = 0;
        while let Some(base) = merged.base.take() {
            let under = self.named_window(&base)?;
            depth += 1;
            if depth > self.windows.len() + 1 {
                return Err(Error::user("_LEGACY_ERROR_TEMP_0036")
                    .param("name", &base.value)
                    .at(base.span));
            }
            if merged.partition_by.is_empty() {
                merged.partition_by = under.partition_by;
            }
            if merged.order_by.is_empty() {
                merged.order_by = under.order_by;
            }
            merged.frame = merged.frame.or(under.frame);
            merged.base = under.base;
        }
        let partition_by = merged
            .partition_by
            .iter()
            .map(|e| self.bind(e))
            .collect::<Result<_>>()?;
        let order_by = self.sort_keys(&merged.order_by)?;
        Ok(Spec {
            partition_by,
            order_by,
            frame: merged.frame,
            span: spec.span,
        })
    }
}

fn spec_text(spec: &Spec, frame: &str) -> String {
    let mut parts = Vec::new();
    if !spec.partition_by.is_empty() {
        let keys: Vec<&str> = spec.partition_by.iter().map(|b| b.name.as_str()).collect();
        parts.push(format!("PARTITION BY {}", keys.join(", ")));
    }
    if !spec.order_by.is_empty() {
        let keys: Vec<&str> = spec.order_by.iter().map(|(_, t)| t.as_str()).collect();
        parts.push(format!("ORDER BY {}", keys.join(", ")));
    }
    parts.push(frame.to_string());
    parts.join(" ")
}

fn distinct_window(name: &str, span: Span) -> Error {
    Error::user("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED")
        .param("windowExpr", format!("\"{name}(DISTINCT ...)\""))
        .at(span)
}
