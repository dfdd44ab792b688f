//! Bytes, answers and summaries are Spark's; broken bytes are refused.

use datasketches::kll::{KllFloat, KllSketch};

use super::bytes::{merge, quantile, rank, read, summary};

fn of(k: u16, values: impl IntoIterator<Item = i64>) -> KllSketch<i64> {
    let mut sketch = KllSketch::new(k).unwrap();
    values.into_iter().for_each(|v| sketch.update(v));
    sketch
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn bytes() {
    assert_eq!(hex(&of(200, []).serialize()), "02010F01C8000800");
    assert_eq!(hex(&of(200, [5]).serialize()), "02020F04C80008000500000000000000");
}

#[test]
fn zeros_keep_their_sign() {
    // kll_sketch_agg_double of 5.5, 3 in one partition and NaN, -0, 0 in another.
    let part = |values: &[f64]| {
        let mut sketch = KllSketch::new(200).unwrap();
        values
            .iter()
            .filter_map(|v| KllFloat::<f64>::new(*v).ok())
            .for_each(|v| sketch.update(v));
        sketch.serialize()
    };
    let mut all = KllSketch::<KllFloat<f64>>::new(200).unwrap();
    merge(&mut all, &part(&[5.5, 3.0])).unwrap();
    merge(&mut all, &part(&[f64::NAN, -0.0, 0.0])).unwrap();
    assert_eq!(
        hex(&all.serialize()),
        "05010F00C80008000400000000000000C8000100C4000000000000000000008000000000000016400000000000000080\
         000000000000000000000000000016400000000000000840"
    );
}

#[test]
fn merges_in_javas_order() {
    // kll_sketch_merge_bigint of the sketches of 1, 2, 3 and of 5, 6, 7, each made of two partitions.
    let mut left = of(200, [1]);
    merge(&mut left, &of(200, [2, 3]).serialize()).unwrap();
    let mut right = of(200, [5]);
    merge(&mut right, &of(200, [6, 7]).serialize()).unwrap();
    merge(&mut left, &right.serialize()).unwrap();
    assert_eq!(
        hex(&left.serialize()),
        "05010F00C80008000600000000000000C8000100C200000001000000000000000700000000000000\
         050000000000000007000000000000000600000000000000020000000000000003000000000000000100000000000000"
    );
}

#[test]
fn merging_larger_sketches_keeps_the_weight() {
    let mut all = of(20, 0..1000);
    for _ in 0..3 {
        let other = of(50, 0..777).serialize();
        merge(&mut all, &other).unwrap();
    }
    assert_eq!(all.n(), 1000 + 3 * 777);
    assert_eq!(read::<i64>(&all.serialize()).unwrap().n(), all.n());
}

#[test]
fn quantiles_and_ranks() {
    let sketch = of(200, 1..=4);
    let at: Vec<i64> = [0.0, 0.1, 0.25, 0.5, 0.75, 1.0, f64::NAN]
        .iter()
        .map(|r| quantile(&sketch, *r).unwrap())
        .collect();
    assert_eq!(at, [1, 1, 1, 2, 3, 4, 1]);
    let up_to: Vec<f64> = [0, 1, 3, 9].iter().map(|v| rank(&sketch, v).unwrap()).collect();
    assert_eq!(up_to, [0.0, 0.25, 0.75, 1.0]);
    assert!(quantile(&of(200, []), 0.5).is_err() && rank(&of(200, []), &1).is_none());
}

#[test]
fn summaries() {
    let text = summary::<i64>(&of(200, [5, 3, 4]).serialize()).unwrap();
    assert_eq!(
        text,
        "### KllKllLongsSketch Summary:\n   K                      : 200\n   Dynamic min K          : 200\n   M              \
         \u{20}       : 8\n   N                      : 3\n   Epsilon                : 1.329%\n   Epsilon PMF            : \
         1.652%\n   Empty                  : false\n   Estimation Mode        : false\n   Levels                 : 1\n   Lev\
         el 0 Sorted         : false\n   Capacity Items         : 200\n   Retained Items         : 3\n   Free Space         \
         \u{20}   : 197\n   ReadOnly               : false\n   Updatable Storage Bytes: 1644\n   Compact Storage Bytes  : 64\n\
         \u{20}  Min Item               : 3\n   Max Item               : 5\n### End sketch summary\n"
    );
    let large = summary::<i64>(&of(200, 0..1000).serialize()).unwrap();
    for line in [
        "Levels                 : 3",
        "Capacity Items         : 422",
        "Updatable Storage Bytes: 3428",
    ] {
        assert!(large.contains(line), "{large}");
    }
    let wide = of(20, 0..1000).serialize();
    assert!(summary::<i64>(&wide).unwrap().contains("Capacity Items         : 66"));
    let empty = summary::<KllFloat<f32>>(&KllSketch::<KllFloat<f32>>::new(200).unwrap().serialize()).unwrap();
    assert!(empty.contains("Min Item               : NaN") && empty.contains("Updatable Storage Bytes: 836"));
}

#[test]
fn broken_bytes_are_refused() {
    for whole in [
        of(200, [1, 2, 3]).serialize(),
        of(8, 0..200).serialize(),
        of(200, [7]).serialize(),
    ] {
        for cut in 0..whole.len() {
            assert!(read::<i64>(&whole[..cut]).is_err(), "{cut}");
            assert!(merge(&mut of(200, []), &whole[..cut]).is_err());
        }
        for at in 0..whole.len() {
            for flip in [1u8, 0x40, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let _ = summary::<i64>(&bytes);
                let mut sketch = of(10, 0..100);
                if merge(&mut sketch, &bytes).is_ok() {
                    (0..100).for_each(|v| sketch.update(v));
                    let _ = quantile(&sketch, 0.3);
                }
                if let Ok(mut read) = read::<i64>(&bytes) {
                    let _ = merge(&mut read, &whole);
                    (0..100).for_each(|v| read.update(v));
                    read.serialize();
                }
            }
        }
    }
}
