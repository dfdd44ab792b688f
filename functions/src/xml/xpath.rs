//! `xpath` and its typed forms.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type};
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ReturnType, Signature, TypeSpec};
use rsql_expr::{ScalarFn, SqlType};

use super::doc;
use super::element::Element;
use super::path::{Path, parse_path};
use super::path_value::{Place, Value, evaluate};
use crate::kernel::{StrCol, bool_rows, fallible, prim_rows, some, text_rows};

pub(super) const ALL: &[&ScalarFn] = &[
    &XPATH,
    &XPATH_BOOLEAN,
    &XPATH_DOUBLE,
    &XPATH_FLOAT,
    &XPATH_INT,
    &XPATH_LONG,
    &XPATH_SHORT,
    &XPATH_STRING,
];

const TEXTS: &[TypeSpec] = &[TypeSpec::Text, TypeSpec::Text];

macro_rules! xpath {
    ($($name:ident = $sql:literal [$($alias:literal),*] $text:literal $returns:expr, $eval:expr;)*) => { $(
        #[doc = concat!("`", $sql, "(xml, xpath)`")]
        static $name: ScalarFn = fallible(
            $sql,
            &[$($alias),*],
            doc(concat!($sql, "(xml, xpath)"), $text, concat!("SELECT ", $sql, "('<a><b>1</b></a>', 'a/b')")),
            Signature::exact(TEXTS, $returns),
            $eval,
        );
    )* };
}

xpath! {
    XPATH = "xpath" [] "Values of the nodes an XPath expression selects; elements have none."
        ReturnType::Fixed(|| SqlType::array(SqlType::String)), nodes;
    XPATH_BOOLEAN = "xpath_boolean" [] "True if an XPath expression is true or selects a node."
        ret::BOOLEAN, |args| {
            let documents = Documents::of(args)?;
            bool_rows(args.rows, |row| documents.at(row, |v| v.map(|v| v.boolean()).or(Some(false))))
        };
    XPATH_STRING = "xpath_string" [] "Text of the first node an XPath expression selects."
        ret::STRING, |args| {
            let documents = Documents::of(args)?;
            text_rows(args.rows, |row, out| documents.at(row, |v| {
                out.push_str(&v?.string());
                Some(())
            }))
        };
    XPATH_DOUBLE = "xpath_double" ["xpath_number"] "Number an XPath expression gives; NaN for what is none."
        ret::DOUBLE, |args| {
            let documents = Documents::of(args)?;
            prim_rows::<Float64Type>(args.rows, &DataType::Float64, |row| documents.number(row))
        };
    XPATH_FLOAT = "xpath_float" [] "Number an XPath expression gives; NaN for what is none."
        ret::FLOAT, |args| {
            let documents = Documents::of(args)?;
            prim_rows::<Float32Type>(args.rows, &DataType::Float32, |row| Ok(documents.number(row)?.map(|v| v as f32)))
        };
    XPATH_INT = "xpath_int" [] "Whole part of the number an XPath expression gives; 0 for what is none."
        ret::INT, |args| {
            let documents = Documents::of(args)?;
            prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| Ok(documents.number(row)?.map(|v| v as i32)))
        };
    XPATH_LONG = "xpath_long" [] "Whole part of the number an XPath expression gives; 0 for what is none."
        ret::LONG, |args| {
            let documents = Documents::of(args)?;
            prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| Ok(documents.number(row)?.map(|v| v as i64)))
        };
    XPATH_SHORT = "xpath_short" [] "Whole part of the number an XPath expression gives; 0 for what is none."
        ret::SHORT, |args| {
            let documents = Documents::of(args)?;
            prim_rows::<Int16Type>(args.rows, &DataType::Int16, |row| Ok(documents.number(row)?.map(|v| v as i32 as i16)))
        };
}

/// The two arguments.
struct Documents<'a, 'b> {
    args: &'a EvalArgs<'b>,
    texts: StrCol,
    paths: StrCol,
    constant: Option<Path>,
}

impl<'a, 'b> Documents<'a, 'b> {
    fn of(args: &'a EvalArgs<'b>) -> Result<Self> {
        let mut documents = Self {
            args,
            texts: StrCol::of(args, 0)?,
            paths: StrCol::of(args, 1)?,
            constant: None,
        };
        if documents.paths.is_constant()
            && args.rows > 0
            && let Some(path) = documents.paths.get(0)
        {
            documents.constant = Some(documents.parse(path)?);
        }
        Ok(documents)
    }

    fn parse(&self, path: &str) -> Result<Path> {
        parse_path(path).ok_or_else(|| {
            self.args
                .error(Error::user("INVALID_PARAMETER_VALUE.PATTERN").with_message(format!("Invalid XPath '{path}'")))
        })
    }

    /// `f` of what the row's path gives (`None` for an empty text); NULL for NULL arguments.
    fn at<T>(&self, row: usize, f: impl FnOnce(Option<Value<'_>>) -> Option<T>) -> Result<Option<T>> {
        let (text, path) = (some!(self.texts.get(row)), some!(self.paths.get(row)));
        let parsed;
        let path = match &self.constant {
            Some(p) => p,
            None => {
                parsed = self.parse(path)?;
                &parsed
            }
        };
        if text.is_empty() {
            return Ok(None);
        }
        let Some(root) = Element::parse(text) else {
            return Err(self.args.error(
                Error::user("INVALID_PARAMETER_VALUE.PATTERN")
                    .with_message(format!("Error loading expression: '{text}'")),
            ));
        };
        Ok(f(evaluate(path, &Place::document(&root), 1, 1)))
    }

    fn number(&self, row: usize) -> Result<Option<f64>> {
        self.at(row, |v| v.map(|v| v.number()))
    }
}

fn nodes(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let documents = Documents::of(args)?;
    let field = Arc::new(Field::new("item", DataType::Utf8View, true));
    let mut builder = ListBuilder::with_capacity(StringViewBuilder::new(), args.rows).with_field(field);
    for row in 0..args.rows {
        let list = builder.values();
        let present = documents.at(row, |v| {
            let Some(Value::Nodes(nodes)) = v else { return None };
            nodes.iter().for_each(|n| list.append_option(n.node_value()));
            Some(())
        })?;
        builder.append(present.is_some());
    }
    Ok(Arc::new(builder.finish()))
}
