//! Vectors of every layout and form, there and back.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::Int32Type;
use rsql_expr::vector::{Dict, DictVector};
use rsql_expr::{Codes, Vector};

use super::*;

fn there_and_back(vectors: &[Vector], compression: Compression) -> Vec<Vector> {
    let rows = vectors[0].len();
    let chunk = Chunk::new(vectors.to_vec(), rows);
    let mut encoder = RowsEncoder::new(vectors.len(), compression).unwrap();
    let types: Vec<DataType> = vectors.iter().map(|v| v.data_type().clone()).collect();
    let mut out = Vec::new();
    for _ in 0..3 {
        out.clear();
        encoder.encode_chunk(&chunk, &mut out).unwrap();
    }
    let got = RowsDecoder::new(&types).decode(out.into()).unwrap();
    assert_eq!(got.len, rows);
    got.columns
}

fn check(vectors: &[Vector]) {
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let got = there_and_back(vectors, compression);
        for (want, got) in vectors.iter().zip(&got) {
            let (want, got) = (want.to_array().unwrap(), got.to_array().unwrap());
            assert_eq!(&got, &want, "{} {compression:?}", want.data_type());
        }
    }
}

fn arrays(rows: i64) -> Vec<ArrayRef> {
    let some = |i: i64| (i % 7 != 3).then_some(i);
    let text = |i: i64| some(i).map(|i| "x".repeat((i % 40) as usize) + &i.to_string());
    let lists = (0..rows).map(|i| some(i).map(|i| vec![Some(i as i32), None]));
    vec![
        Arc::new((0..rows).map(some).map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        Arc::new((0..rows).map(some).map(|v| v.map(|v| v as i16)).collect::<Int16Array>()),
        Arc::new(
            (0..rows)
                .map(some)
                .map(|v| v.map(|v| v as i32))
                .collect::<Date32Array>(),
        ),
        Arc::new((0..rows).map(some).collect::<Int64Array>()),
        Arc::new((0..rows as u64).map(|v| v << 40).collect::<UInt64Array>()),
        Arc::new(
            (0..rows)
                .map(some)
                .map(|v| v.map(|v| v as f64 / 3.0))
                .collect::<Float64Array>(),
        ),
        Arc::new(
            (0..rows)
                .map(some)
                .map(|v| v.map(i128::from))
                .collect::<Decimal128Array>(),
        ),
        Arc::new(
            (0..rows)
                .map(some)
                .map(|v| v.map(|v| v % 2 == 0))
                .collect::<BooleanArray>(),
        ),
        Arc::new((0..rows).map(text).collect::<StringViewArray>()),
        Arc::new(
            (0..rows)
                .map(|i| text(i).map(String::into_bytes))
                .collect::<BinaryViewArray>(),
        ),
        Arc::new(NullArray::new(rows as usize)),
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)),
    ]
}

#[test]
fn arrays_of_every_layout() {
    for rows in [0, 1, 9, 64, 1500] {
        let arrays = arrays(rows);
        check(&arrays.iter().cloned().map(Vector::Flat).collect::<Vec<_>>());
        if rows > 4 {
            let sliced = arrays.iter().map(|a| Vector::Flat(a.slice(3, rows as usize - 4)));
            check(&sliced.collect::<Vec<_>>());
            let constant = arrays.iter().map(|a| Vector::constant(a.slice(4, 1), 100));
            check(&constant.collect::<Vec<_>>());
        }
    }
}

#[test]
fn dictionaries_keep_their_codes_where_they_are_few() {
    let dictionary = |values: ArrayRef, distinct: bool, rows: usize| {
        let n = values.len().max(1);
        let validity = (0..rows).map(|i| i % 5 != 2).collect();
        Vector::Dictionary(DictVector {
            codes: Codes::from((0..rows).map(|i| (i * 7 % n) as u8).collect::<Vec<u8>>()),
            validity: Some(validity),
            dict: Dict::new(values, distinct),
        })
    };
    let strings =
        |n: usize| -> ArrayRef { Arc::new((0..n).map(|i| Some(format!("value {i}"))).collect::<StringViewArray>()) };
    for (values, distinct, rows) in [
        (3, true, 500),
        (3, false, 500),
        (200, true, 500),
        (256, true, 2000),
        (3, true, 5),
        (0, true, 70),
    ] {
        check(&[dictionary(strings(values), distinct, rows)]);
    }
    check(&[dictionary(Arc::new(Int64Array::from(vec![5, 1 << 50])), true, 300)]);
    let got = there_and_back(&[dictionary(strings(3), true, 500)], Compression::Lz4);
    assert!(matches!(&got[0], Vector::Dictionary(d) if d.dict.values.len() == 3 && d.dict.distinct));
}

#[test]
fn rows_without_columns_are_counted() {
    let mut out = Vec::new();
    let mut encoder = RowsEncoder::new(0, Compression::Lz4).unwrap();
    encoder.encode_chunk(&Chunk::new(Vec::new(), 17), &mut out).unwrap();
    assert_eq!(RowsDecoder::new(&[]).decode(out.into()).unwrap().len, 17);
}

#[test]
fn cut_rows_are_an_error() {
    let vectors: Vec<Vector> = arrays(100).into_iter().map(Vector::Flat).collect();
    let types: Vec<DataType> = vectors.iter().map(|v| v.data_type().clone()).collect();
    let mut out = Vec::new();
    let mut encoder = RowsEncoder::new(vectors.len(), Compression::Lz4).unwrap();
    encoder.encode_chunk(&Chunk::new(vectors, 100), &mut out).unwrap();
    for cut in 0..out.len() {
        assert!(
            RowsDecoder::new(&types)
                .decode(Bytes::copy_from_slice(&out[..cut]))
                .is_err(),
            "{cut}"
        );
    }
    out.push(0);
    assert!(RowsDecoder::new(&types).decode(out.into()).is_err());
}
