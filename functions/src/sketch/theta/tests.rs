//! Bytes are Spark's; broken bytes are refused.

use arrow::array::{ArrayRef, AsArray, Int64Array};
use std::sync::Arc;

use rsql_expr::Vector;
use rsql_expr::function::Accumulator;

use super::groups::{Build, Unite};
use super::sketch;
use crate::sketch::accumulator::{Sketches, binaries};

fn built(lg: u8, values: impl IntoIterator<Item = i64>) -> Vec<u8> {
    let values: Vec<i64> = values.into_iter().collect();
    let groups = vec![0; values.len()];
    let column: ArrayRef = Arc::new(Int64Array::from(values));
    finish(Sketches::boxed(Build { lg }), |a| {
        a.update(&[Vector::Flat(column)], &groups).unwrap()
    })
}

fn finish(mut sketches: Box<dyn Accumulator>, f: impl FnOnce(&mut dyn Accumulator)) -> Vec<u8> {
    sketches.resize(1);
    f(sketches.as_mut());
    sketches.finish().unwrap().as_binary_view().value(0).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn exact_sketches() {
    assert_eq!(hex(&built(12, [])), "01030300001E0000");
    assert_eq!(hex(&built(12, [1])), "01030300003ACC9315F97DCBBD86A105");
    assert_eq!(
        hex(&built(12, [1, 2, 2, 3])),
        "0104033E011ACC930316861AF72DF7E4558FBE9C3477E9EAEFB2E5966BADAA3DC0"
    );
}

#[test]
fn an_estimating_sketch_is_trimmed() {
    // theta_sketch_agg(id, 4) FROM range(0, 20, 1, 1)
    let bytes = built(4, 0..20);
    assert_eq!(
        hex(&bytes),
        "0204033D011ACC93BA40B3C1DA06695D100C79209C4BC9C7D90498AA908130068538AA182B61CA560198CEEB08AAD29432982140B3C5CA90\
         3FE12D7D486EFD329AA089346ED6003C0A3656E5EE5606BC64C92AF86B0033E0EBAD8171B080E3DD4D6AF69CB21791D29675416DCC33DA8B\
         48C9A69E93D25F2563A76840A83FD23D8F5ECF437D318246F173D6"
    );
    assert_eq!(
        sketch::estimate(&sketch::read(&built(5, 0..1000)).unwrap()).round(),
        842.0
    );
}

#[test]
fn unions_of_partial_states() {
    let parts: Vec<Vec<u8>> = (0..3).map(|p| built(6, (p..900).step_by(3))).collect();
    let column = binaries(parts.iter().cloned().map(Ok)).unwrap();
    let unite = || {
        Sketches::boxed(Unite {
            lg: 6,
            origin: rsql_expr::Origin::default(),
        })
    };
    let united = finish(unite(), |a| {
        a.update(&[Vector::Flat(Arc::clone(&column))], &[0, 0, 0]).unwrap()
    });
    let merged = finish(Sketches::boxed(Build { lg: 6 }), |a| {
        a.merge(&[Arc::clone(&column)], &[0, 0, 0]).unwrap()
    });
    assert_eq!(united, merged);
    // Rows after a merge count too.
    let more = finish(Sketches::boxed(Build { lg: 6 }), |a| {
        a.merge(&[column], &[0, 0, 0]).unwrap();
        let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..900));
        a.update(&[Vector::Flat(rows)], &[0; 900]).unwrap();
    });
    let estimate = |b: &[u8]| sketch::estimate(&sketch::read(b).unwrap());
    assert!((estimate(&more) - estimate(&merged)).abs() < 200.0);
}

#[test]
fn broken_bytes_are_refused() {
    for whole in [built(12, 0..3), built(4, 0..100), built(12, [7])] {
        for cut in 0..whole.len() {
            assert!(sketch::read(&whole[..cut]).is_err(), "{cut} of {}", whole.len());
        }
        for at in 0..whole.len() {
            for flip in [1u8, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                if let Ok(read) = sketch::read(&bytes) {
                    let other = sketch::read(&whole).unwrap();
                    let _ = sketch::intersection(&read, &other).map(|s| s.serialize_compressed());
                    let _ = sketch::union(5, &[&read, &other]).map(|s| s.serialize_compressed());
                    let _ = datasketches::theta::ThetaANotB::default()
                        .compute(&read, &other, true)
                        .map(|s| s.serialize_compressed());
                }
            }
        }
    }
    // Ordered by its flag, but not by its hashes.
    let mut bytes = vec![2, 3, 3, 0, 0, 0x1a, 0xcc, 0x93, 2, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(9u64.to_le_bytes());
    bytes.extend(5u64.to_le_bytes());
    assert!(sketch::read(&bytes).is_err());
}
