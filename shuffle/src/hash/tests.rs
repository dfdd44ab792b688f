//! Each value hashes alike in every vector form, with and without a selection.

use std::sync::Arc;

use arrow::array::*;
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::*;
use crate::testing::{all_types, as_dictionary, values};

fn hashes(vector: &Vector, rows: Rows<'_>) -> Vec<u64> {
    let mut out = Vec::new();
    RowHasher::new(PARTITION_SEED).hash([vector], rows, &mut out).unwrap();
    out
}

#[test]
fn every_form_hashes_alike() {
    let mut rng = SmallRng::seed_from_u64(1);
    for ty in all_types() {
        for n in [1usize, 40, 300] {
            let array = values(&ty, n, &mut rng);
            let expected = hashes(&Vector::Flat(Arc::clone(&array)), Rows::All(n));
            let dictionary = as_dictionary(&array);
            assert_eq!(hashes(&dictionary, Rows::All(n)), expected, "{ty} behind codes");
            let some: Vec<u32> = (0..n as u32).filter(|r| r % 3 != 1).collect();
            let of_some: Vec<u64> = some.iter().map(|r| expected[*r as usize]).collect();
            for vector in [&Vector::Flat(Arc::clone(&array)), &dictionary] {
                assert_eq!(hashes(vector, Rows::Selected(&some)), of_some, "{ty} selected");
                assert_eq!(
                    hashes(&vector.take(&some).unwrap(), Rows::All(some.len())),
                    of_some,
                    "{ty} gathered"
                );
            }
            for (row, hash) in expected.iter().enumerate() {
                let constant = Vector::constant(array.slice(row, 1), 5);
                assert_eq!(hashes(&constant, Rows::All(5)), [*hash; 5], "{ty} constant");
                assert_eq!(hashes(&constant, Rows::Selected(&[1, 3])), [*hash; 2], "{ty} constant");
            }
            let sliced = Vector::Flat(array.slice(n / 2, n - n / 2));
            assert_eq!(hashes(&sliced, Rows::All(n - n / 2)), expected[n / 2..], "{ty} sliced");
        }
    }
}

#[test]
fn equal_values_of_other_bits_hash_alike() {
    let one = |a: ArrayRef| hashes(&Vector::Flat(a), Rows::All(1))[0];
    let double = |v: f64| one(Arc::new(Float64Array::from(vec![v])));
    assert_eq!(double(0.0), double(-0.0));
    assert_eq!(double(f64::NAN), double(-f64::from_bits(f64::NAN.to_bits() | 1)));
    assert_ne!(double(0.0), double(1.0));
    let narrow = Decimal64Array::from(vec![-1234])
        .with_precision_and_scale(10, 2)
        .unwrap();
    let wide = Decimal128Array::from(vec![-1234])
        .with_precision_and_scale(30, 2)
        .unwrap();
    assert_eq!(one(Arc::new(narrow)), one(Arc::new(wide)));
}

#[test]
fn entries_of_a_map_have_no_order() {
    let map = |pairs: &[(&str, i32)]| {
        let mut b = MapBuilder::new(None, StringViewBuilder::new(), Int32Builder::new());
        for (k, v) in pairs {
            b.keys().append_value(k);
            b.values().append_value(*v);
        }
        b.append(true).unwrap();
        hashes(&Vector::Flat(Arc::new(b.finish())), Rows::All(1))[0]
    };
    assert_eq!(map(&[("a", 1), ("b", 2)]), map(&[("b", 2), ("a", 1)]));
    assert_ne!(map(&[("a", 1), ("b", 2)]), map(&[("a", 2), ("b", 1)]));
    assert_ne!(map(&[]), map(&[("a", 1)]));
}

#[test]
fn keys_spread_evenly() {
    let n = 64_000i64;
    for stride in [1, 2, 64, 1 << 20, 1 << 33] {
        let keys = Vector::Flat(Arc::new(Int64Array::from_iter_values((0..n).map(|i| i * stride))));
        let mut counts = [0usize; 64];
        for h in hashes(&keys, Rows::All(n as usize)) {
            counts[partition_of(h, 64)] += 1;
        }
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(*least > 800 && *most < 1200, "stride {stride}: {least} to {most}");
    }
    let texts = Vector::Flat(Arc::new(StringViewArray::from_iter_values(
        (0..n).map(|i| format!("Customer#{i:09}")),
    )));
    let mut counts = [0usize; 64];
    hashes(&texts, Rows::All(n as usize))
        .iter()
        .for_each(|h| counts[partition_of(*h, 64)] += 1);
    assert!(counts.iter().all(|c| (800..1200).contains(c)), "{counts:?}");
}

#[test]
fn columns_count_by_place() {
    let (a, b) = (
        Vector::Flat(Arc::new(Int64Array::from(vec![1]))),
        Vector::Flat(Arc::new(Int64Array::from(vec![2]))),
    );
    let hash = |columns: [&Vector; 2]| {
        let mut out = Vec::new();
        RowHasher::new(ROW_SEED).hash(columns, Rows::All(1), &mut out).unwrap();
        out[0]
    };
    assert_ne!(hash([&a, &b]), hash([&b, &a]));
}
