//! Random expressions give the same over every form of vector, with and without a selection, as values and as filter.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringViewArray};
use arrow::buffer::NullBuffer;

use crate::eval::{EvalCx, Program};
use crate::kernel::equal_pairs;
use crate::tree::{ArithExpr, CastExpr};
use crate::vector::true_positions;
use crate::{
    ArithOp, Chunk, Codes, CompareOp, Dict, DictVector, EvalMode, Expr, FunctionRegistry, Literal, Origin, Selection,
    Slot, SqlType, Vector, cast_array, literal_array,
};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn maybe<T>(&mut self, v: T) -> Option<T> {
        (self.roll(5) > 0).then_some(v)
    }
}

const WORDS: [&str; 5] = ["", "a", "b", "a long word of more than twelve bytes", "12"];
const COLUMNS: [SqlType; 4] = [
    SqlType::Int,
    SqlType::String,
    SqlType::Decimal(9, 2),
    SqlType::Decimal(25, 3),
];

fn literal(ty: &SqlType, dice: &mut Dice) -> Literal {
    let n = dice.roll(7) as i32 - 3;
    match ty {
        SqlType::Int => Literal::int(n),
        SqlType::String => Literal::string(WORDS[dice.roll(5) as usize]),
        SqlType::Decimal(p, s) => Literal::decimal(i128::from(n) * 50, *p, *s),
        _ => Literal::bool(n > 0),
    }
}

fn value(ty: &SqlType, depth: u32, dice: &mut Dice) -> Expr {
    let leaf = depth == 0 || dice.roll(3) == 0;
    if leaf {
        if dice.roll(4) == 0 {
            return Expr::lit(if dice.roll(5) == 0 {
                Literal::null(ty.clone())
            } else {
                literal(ty, dice)
            });
        }
        let index = COLUMNS.iter().position(|c| c == ty).unwrap();
        return Expr::Slot(Slot { index, ty: ty.clone() });
    }
    match dice.roll(4) {
        0 => Expr::Case {
            branches: vec![(predicate(depth - 1, dice), value(ty, depth - 1, dice))],
            otherwise: (dice.roll(2) == 0).then(|| Box::new(value(ty, depth - 1, dice))),
            ty: ty.clone(),
        },
        1 => Expr::Coalesce {
            args: (0..3).map(|_| value(ty, depth - 1, dice)).collect(),
            ty: ty.clone(),
        },
        2 if *ty == SqlType::Int => Expr::Arith(Box::new(ArithExpr {
            op: [ArithOp::Add, ArithOp::Remainder, ArithOp::Multiply][dice.roll(3) as usize],
            left: value(ty, depth - 1, dice),
            right: value(ty, depth - 1, dice),
            ty: ty.clone(),
            mode: EvalMode::Legacy,
            origin: Origin::default(),
        })),
        _ if *ty == SqlType::String => Expr::Cast(Box::new(CastExpr {
            expr: value(&COLUMNS[dice.roll(4) as usize], depth - 1, dice),
            ty: SqlType::String,
            mode: EvalMode::Legacy,
            explicit: true,
            options: Arc::default(),
            origin: Origin::default(),
        })),
        _ => value(ty, 0, dice),
    }
}

fn predicate(depth: u32, dice: &mut Dice) -> Expr {
    let ty = COLUMNS[dice.roll(4) as usize].clone();
    let deeper = depth.saturating_sub(1);
    match dice.roll(if depth == 0 { 3 } else { 7 }) {
        0 | 4 => {
            let ops = [
                CompareOp::Eq,
                CompareOp::NotEq,
                CompareOp::Lt,
                CompareOp::GtEq,
                CompareOp::NullSafeEq,
            ];
            let op = ops[dice.roll(5) as usize];
            Expr::compare(op, value(&ty, deeper, dice), value(&ty, deeper, dice))
        }
        1 => Expr::In {
            expr: Box::new(value(&ty, deeper, dice)),
            list: (0..=dice.roll(6)).map(|_| Expr::lit(literal(&ty, dice))).collect(),
        },
        2 => Expr::IsNull(Box::new(value(&ty, deeper, dice))),
        3 => Expr::not(predicate(deeper, dice)),
        5 => Expr::And((0..3).map(|_| predicate(deeper, dice)).collect()),
        _ => Expr::Or((0..3).map(|_| predicate(deeper, dice)).collect()),
    }
}

fn columns(rows: usize, dice: &mut Dice) -> Vec<ArrayRef> {
    let ints: Int32Array = (0..rows)
        .map(|_| {
            let v = dice.roll(7) as i32 - 3;
            dice.maybe(v)
        })
        .collect();
    let words: StringViewArray = (0..rows)
        .map(|_| {
            let v = WORDS[dice.roll(5) as usize];
            dice.maybe(v)
        })
        .collect();
    let ints: ArrayRef = Arc::new(ints);
    let decimal = |ty| {
        cast_array(
            &ints,
            &SqlType::Int,
            ty,
            EvalMode::Ansi,
            &Default::default(),
            Origin::default(),
        )
    };
    vec![
        ints.clone(),
        Arc::new(words),
        decimal(&COLUMNS[2]).unwrap(),
        decimal(&COLUMNS[3]).unwrap(),
    ]
}

/// The same values in some form.
fn encode(array: &ArrayRef, dice: &mut Dice) -> Vector {
    if dice.roll(2) == 0 {
        return Vector::Flat(array.clone());
    }
    // Every row is an entry of its own; entries of NULL rows hold some value.
    let ty = SqlType::from_arrow(array.data_type()).unwrap();
    let filler = Expr::lit(literal(&ty, dice));
    let filler = literal_array(filler.as_literal().unwrap()).unwrap();
    let all = arrow::compute::concat(&[array.as_ref(), filler.as_ref()]).unwrap();
    let last = array.len() as u32;
    let at: Vec<u32> = (0..last)
        .map(|i| if array.is_valid(i as usize) { i } else { last })
        .collect();
    let values = arrow::compute::take(&all, &arrow::array::UInt32Array::from(at), None).unwrap();
    Vector::Dictionary(DictVector {
        codes: Codes::from((0..array.len() as u16).collect::<Vec<_>>()),
        validity: array.nulls().cloned().filter(|n: &NullBuffer| n.null_count() > 0),
        dict: Dict::new(values, false),
    })
}

#[test]
fn forms_agree() {
    let registry = Arc::new(FunctionRegistry::default());
    let cx = EvalCx::detached();
    let mut dice = Dice(7);
    for round in 0..1500 {
        let rows = [1, 2, 17, 64][dice.roll(4) as usize];
        let flat = columns(rows, &mut dice);
        let plain = Chunk::new(flat.iter().cloned().map(Vector::Flat).collect(), rows);
        let mut encoded = Chunk::new(flat.iter().map(|a| encode(a, &mut dice)).collect(), rows);
        let kept: Vec<u32> = (0..rows as u32).filter(|_| dice.roll(3) > 0).collect();
        let selected = dice.roll(2) == 0;
        if selected {
            encoded.selection = Some(Selection::new(kept.clone()));
        }
        let boolean = dice.roll(2) == 0;
        let e = if boolean {
            predicate(3, &mut dice)
        } else {
            value(&COLUMNS[dice.roll(4) as usize], 3, &mut dice)
        };
        let program = Program::compile(&e, &registry).unwrap();
        let mut want = program.eval(&plain, &cx).unwrap().to_array().unwrap();
        if selected {
            want = arrow::compute::take(&want, &arrow::array::UInt32Array::from(kept), None).unwrap();
        }
        let got = program.eval(&encoded, &cx).unwrap().to_array().unwrap();
        assert_eq!(got.data_type(), &e.ty().arrow(), "round {round}: {e}");
        assert_eq!(
            equal_pairs(&got, &want).unwrap().true_count(),
            want.len(),
            "round {round}: {e}\n{got:?}\n{want:?}"
        );
        if boolean {
            let positions = true_positions(want.as_boolean());
            let filtered = program.filter(&encoded, &cx).unwrap();
            let filtered = filtered.unwrap_or_else(|| (0..want.len() as u32).collect());
            assert_eq!(filtered, positions, "round {round}: {e}");
        }
    }
}
