//! Tests of the evaluator over small expressions.

mod forms;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, StringViewArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{Field, Int32Type};
use rsql_common::{ColumnId, Result};

use super::*;
use crate::function::{Doc, EvalArgs, Family, FunctionKind, ScalarFn, Signature, TypeSpec, signature::ret};
use crate::tree::{ArithExpr, NullRule};
use crate::{
    ArithOp, CallExpr, Chunk, Codes, Column, CompareOp, Dict, DictVector, Effects, EvalMode, LambdaExpr, Origin,
    Scalar, Selection, Slot, SqlType, Vector,
};

fn slot(index: usize, ty: SqlType) -> Expr {
    Expr::Slot(Slot { index, ty })
}
fn int(v: i32) -> Expr {
    Expr::lit(Literal::int(v))
}
fn arith(op: ArithOp, left: Expr, right: Expr, ty: SqlType) -> Expr {
    Expr::Arith(Box::new(ArithExpr {
        op,
        left,
        right,
        ty,
        mode: EvalMode::Ansi,
        origin: Origin::default(),
    }))
}
fn ints(v: Vec<Option<i32>>) -> Vector {
    Vector::Flat(Arc::new(Int32Array::from(v)))
}
fn eval(e: &Expr, chunk: &Chunk) -> Result<ArrayRef> {
    Program::compile(e, &registry())?
        .eval(chunk, &EvalCx::detached())?
        .to_array()
}
fn filter(e: &Expr, chunk: &Chunk) -> Option<Vec<u32>> {
    let p = Program::compile(e, &registry()).unwrap();
    let got = p.filter(chunk, &EvalCx::detached()).unwrap();
    // Twice: the second run reads the caches.
    assert_eq!(p.filter(chunk, &EvalCx::detached()).unwrap(), got);
    got
}

static LENGTH: ScalarFn = ScalarFn {
    name: "length",
    aliases: &[],
    doc: Doc {
        family: Family::String,
        usage: "",
        text: "",
        example: "",
    },
    signature: Signature::exact(&[TypeSpec::String], ret::INT),
    nulls: NullRule::Propagate,
    effects: Effects::FALLIBLE,
    eval: |args: &EvalArgs<'_>| {
        let a = args.array(0)?;
        let a = a.as_string_view();
        assert_eq!(a.null_count(), 0);
        if a.iter().flatten().any(|s| s == "bad") {
            return Err(rsql_common::Error::user("BAD"));
        }
        Ok(Arc::new(Int32Array::from_iter_values(
            a.iter().flatten().map(|s| s.len() as i32),
        )))
    },
};

static TRANSFORM: ScalarFn = ScalarFn {
    name: "transform",
    aliases: &[],
    doc: Doc {
        family: Family::Lambda,
        usage: "",
        text: "",
        example: "",
    },
    signature: Signature::exact(&[TypeSpec::Array, TypeSpec::Lambda], ret::VOID),
    nulls: NullRule::Propagate,
    effects: Effects::PURE,
    eval: |args: &EvalArgs<'_>| {
        let a = args.array(0)?;
        let list = a.as_list::<i32>();
        let mut outer = Vec::new();
        let mut lengths = Vec::new();
        let mut items = Vec::new();
        for row in 0..list.len() {
            let (from, to) = (list.value_offsets()[row], list.value_offsets()[row + 1]);
            lengths.push((to - from) as usize);
            outer.extend(std::iter::repeat_n(row as u32, (to - from) as usize));
            items.extend(from as u32..to as u32);
        }
        let items = arrow::compute::take(list.values(), &arrow::array::UInt32Array::from(items), None)?;
        let out = args.lambda(1)?.call(&[items], &outer)?;
        let field = Arc::new(Field::new("item", out.data_type().clone(), true));
        Ok(Arc::new(ListArray::new(
            field,
            OffsetBuffer::from_lengths(lengths),
            out,
            list.nulls().cloned(),
        )))
    },
};

fn registry() -> Arc<FunctionRegistry> {
    let mut r = FunctionRegistry::default();
    r.add(FunctionKind::Scalar(&LENGTH));
    r.add(FunctionKind::Scalar(&TRANSFORM));
    Arc::new(r)
}

fn call(func: &str, args: Vec<Expr>, ty: SqlType, f: &ScalarFn) -> Expr {
    Expr::Call(Box::new(CallExpr {
        func: func.into(),
        args,
        ty,
        mode: EvalMode::Ansi,
        nulls: f.nulls,
        effects: f.effects,
        options: Arc::default(),
        origin: Origin::default(),
    }))
}

fn i32s(a: &ArrayRef) -> Vec<Option<i32>> {
    a.as_primitive::<Int32Type>().iter().collect()
}

#[test]
fn errors_only_of_selected_rows() {
    let x = || slot(0, SqlType::Int);
    let div = |d: Expr| arith(ArithOp::Remainder, int(10), d, SqlType::Int);
    let mut chunk = Chunk::new(vec![ints(vec![Some(0), Some(3), None, Some(4)])], 4);
    assert_eq!(eval(&div(x()), &chunk).unwrap_err().condition(), "REMAINDER_BY_ZERO");
    let nonzero = Expr::compare(CompareOp::NotEq, x(), int(0));
    let one = Expr::compare(CompareOp::Eq, div(x()), int(1));
    let and = Expr::And(vec![nonzero.clone(), one.clone()]);
    assert_eq!(filter(&and, &chunk), Some(vec![1]));
    let value = eval(&and, &chunk).unwrap();
    assert_eq!(
        value.as_boolean(),
        &BooleanArray::from(vec![Some(false), Some(true), None, Some(false)])
    );
    let case = Expr::Case {
        branches: vec![(nonzero, div(x()))],
        otherwise: Some(Box::new(int(-1))),
        ty: SqlType::Int,
    };
    assert_eq!(
        i32s(&eval(&case, &chunk).unwrap()),
        vec![Some(-1), Some(1), Some(-1), Some(2)]
    );
    chunk.selection = Some(Selection::new(vec![1, 3]));
    assert_eq!(i32s(&eval(&div(x()), &chunk).unwrap()), vec![Some(1), Some(2)]);
    assert_eq!(filter(&one, &chunk), Some(vec![0]));
    let coalesce = Expr::Coalesce {
        args: vec![x(), div(int(0))],
        ty: SqlType::Int,
    };
    assert_eq!(i32s(&eval(&coalesce, &chunk).unwrap()), vec![Some(3), Some(4)]);
}

#[test]
fn or_and_in_and_null_tests() {
    let chunk = Chunk::new(vec![ints(vec![Some(1), Some(2), None, Some(4)])], 4);
    let x = || slot(0, SqlType::Int);
    let or = Expr::Or(vec![
        Expr::compare(CompareOp::Gt, x(), int(3)),
        Expr::IsNull(Box::new(x())),
    ]);
    assert_eq!(filter(&or, &chunk), Some(vec![2, 3]));
    let set = |list: Vec<Expr>| Expr::In {
        expr: Box::new(x()),
        list,
    };
    assert_eq!(filter(&set(vec![int(1), int(4)]), &chunk), Some(vec![0, 3]));
    assert_eq!(filter(&Expr::not(set(vec![int(1)])), &chunk), Some(vec![1, 3]));
    assert_eq!(filter(&set(vec![x(), int(9)]), &chunk), Some(vec![0, 1, 3]));
    assert_eq!(
        filter(&Expr::compare(CompareOp::Lt, int(0), x()), &chunk),
        Some(vec![0, 1, 3])
    );
    assert_eq!(filter(&Expr::lit(Literal::bool(true)), &chunk), None);
}

#[test]
fn dictionaries_are_computed_once_an_entry() {
    let values: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "bcd", "bad"]));
    let rows = |codes: Vec<u8>| {
        let n = codes.len();
        let v = Vector::Dictionary(DictVector {
            codes: Codes::from(codes),
            validity: Some(NullBuffer::from_iter((0..n).map(|i| i != 2))),
            dict: Dict::new(values.clone(), true),
        });
        Chunk::new(vec![v], n)
    };
    let s = || slot(0, SqlType::String);
    let length = call("length", vec![s()], SqlType::Int, &LENGTH);
    // "bad" fails but no row uses it.
    assert_eq!(
        i32s(&eval(&length, &rows(vec![1, 0, 0, 1])).unwrap()),
        vec![Some(3), Some(1), None, Some(3)]
    );
    assert_eq!(eval(&length, &rows(vec![2])).unwrap_err().condition(), "BAD");
    let eq = Expr::compare(CompareOp::Eq, s(), Expr::lit(Literal::string("bcd")));
    assert_eq!(filter(&eq, &rows(vec![1, 0, 1, 1])), Some(vec![0, 3]));
    let null_safe = Expr::compare(CompareOp::NullSafeEq, s(), Expr::lit(Literal::null(SqlType::String)));
    assert_eq!(filter(&null_safe, &rows(vec![1, 0, 1, 1])), Some(vec![2]));
    let other = Expr::Coalesce {
        args: vec![s(), Expr::lit(Literal::string("x"))],
        ty: SqlType::String,
    };
    let got = eval(&other, &rows(vec![1, 0, 1])).unwrap();
    assert_eq!(
        got.as_string_view().iter().flatten().collect::<Vec<_>>(),
        ["bcd", "a", "x"]
    );
}

#[test]
fn nested_lambdas_see_outer_parameters() {
    // transform(array, x -> transform(array, y -> x * 10 + y + outer))
    let list =
        ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), Some(2)]), None, Some(vec![])]);
    let chunk = Chunk::new(
        vec![Vector::Flat(Arc::new(list)), ints(vec![Some(100), Some(0), Some(0)])],
        3,
    );
    let list_ty = SqlType::array(SqlType::Int);
    let param = |id| Column {
        id: ColumnId(id),
        ty: SqlType::Int,
    };
    let i = |n| slot(n, SqlType::Int);
    let add = |l, r| arith(ArithOp::Add, l, r, SqlType::Int);
    let body = add(add(arith(ArithOp::Multiply, i(2), int(10), SqlType::Int), i(3)), i(1));
    let inner = Expr::Lambda(Box::new(LambdaExpr {
        params: vec![param(2)],
        first_slot: 3,
        body,
    }));
    let inner = call(
        "transform",
        vec![slot(0, list_ty.clone()), inner],
        list_ty.clone(),
        &TRANSFORM,
    );
    let outer = Expr::Lambda(Box::new(LambdaExpr {
        params: vec![param(1)],
        first_slot: 2,
        body: inner,
    }));
    let ty = SqlType::array(list_ty.clone());
    let e = call("transform", vec![slot(0, list_ty), outer], ty.clone(), &TRANSFORM);
    let got = eval(&e, &chunk).unwrap();
    let row = |v: [i32; 2]| Scalar::Array(v.into_iter().map(Scalar::I32).collect());
    let want = Scalar::Array([row([111, 112]), row([121, 122])].into());
    assert_eq!(scalar_at(&got, 0, &ty).unwrap(), want);
    assert_eq!(scalar_at(&got, 1, &ty).unwrap(), Scalar::Null);
}

#[test]
fn folds() {
    let e = arith(ArithOp::Add, int(1), int(2), SqlType::Int);
    assert_eq!(fold(&e, &registry()).unwrap(), Literal::int(3));
}
