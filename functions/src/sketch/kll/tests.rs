//! Bytes, answers and summaries are Spark's; broken bytes are refused.

use datasketches::kll::{KllFloat, KllSketch};

use super::bytes::{merge, read};
use super::item::Item;
use super::view::View;

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

fn view<I: Item>(bytes: &[u8]) -> View<I> {
    View::read(bytes).unwrap()
}

#[test]
fn quantiles_and_ranks() {
    let sketch = view::<i64>(&of(200, 1..=4).serialize());
    let at = sketch.quantiles(&[0.0, 0.1, 0.25, 0.5, 0.75, 1.0, f64::NAN]);
    assert_eq!(at.unwrap(), [1, 1, 1, 2, 3, 4, 1]);
    assert_eq!(sketch.ranks(&[0, 1, 3, 9]).unwrap(), [0.0, 0.25, 0.75, 1.0]);
    let empty = view::<i64>(&of(200, []).serialize());
    assert!(empty.quantiles(&[0.5]).is_none() && empty.ranks(&[1]).is_none());
}

#[test]
fn an_estimating_sketch_answers_as_spark() {
    // kll_sketch_agg_bigint(id * 7919 % 100000, 10) FROM range(0, 100000, 1, 1)
    let bytes: Vec<u8> = (0..SPARK.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&SPARK[i..i + 2], 16).unwrap())
        .collect();
    let sketch = view::<i64>(&bytes);
    assert_eq!(
        sketch.quantiles(&[0.0, 1.0, 0.5, 0.0001]).unwrap(),
        [0, 99_999, 49_172, 537]
    );
    assert_eq!(sketch.ranks(&[0, 99_999]).unwrap(), [1e-5, 1.0]);
}

#[test]
fn values_are_taken_as_they_stand() {
    let sketch = view::<KllFloat<f32>>(&of(200, 0..5).serialize());
    let values = sketch.quantiles(&[0.0, 1.0, 0.5]).unwrap();
    assert_eq!(
        values.iter().map(|v| **v).collect::<Vec<_>>(),
        [0.0, 0.0, f32::from_bits(3)]
    );
    assert_eq!(sketch.n(), 5);
    assert!(sketch.summary().contains("Compact Storage Bytes  : 52"));
}

#[test]
fn summaries() {
    let text = view::<i64>(&of(200, [5, 3, 4]).serialize()).summary();
    assert_eq!(
        text,
        "\n### KllKllLongsSketch Summary:\n   K                      : 200\n   Dynamic min K          : 200\n   M              \
         \u{20}       : 8\n   N                      : 3\n   Epsilon                : 1.329%\n   Epsilon PMF            : \
         1.652%\n   Empty                  : false\n   Estimation Mode        : false\n   Levels                 : 1\n   Lev\
         el 0 Sorted         : false\n   Capacity Items         : 200\n   Retained Items         : 3\n   Free Space         \
         \u{20}   : 197\n   ReadOnly               : false\n   Updatable Storage Bytes: 1644\n   Compact Storage Bytes  : 64\n\
         \u{20}  Min Item               : 3\n   Max Item               : 5\n### End sketch summary\n"
    );
    let large = view::<i64>(&of(200, 0..1000).serialize()).summary();
    for line in [
        "Levels                 : 3",
        "Capacity Items         : 422",
        "Updatable Storage Bytes: 3428",
    ] {
        assert!(large.contains(line), "{large}");
    }
    let wide = of(20, 0..1000).serialize();
    assert!(view::<i64>(&wide).summary().contains("Capacity Items         : 66"));
    let empty = view::<KllFloat<f32>>(&KllSketch::<KllFloat<f32>>::new(200).unwrap().serialize()).summary();
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
            assert!(View::<i64>::read(&whole[..cut]).is_err(), "{cut}");
            assert!(merge(&mut of(200, []), &whole[..cut]).is_err());
        }
        for at in 0..whole.len() {
            for flip in [1u8, 0x40, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                if let Ok(view) = View::<i64>::read(&bytes) {
                    view.summary();
                    view.quantiles(&[0.5]);
                    view.ranks(&[3]);
                }
                let mut sketch = of(10, 0..100);
                if merge(&mut sketch, &bytes).is_ok() {
                    (0..100).for_each(|v| sketch.update(v));
                    sketch.serialize();
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

const SPARK: &str = "05010F000A000800A0860100000000000A000D00020000000E0000000E000000150000001C0000002A00000031000000310000003E00\
    00003E0000004F000000560000005600000000000000000000009F86010000000000B167010000000000C248010000000000D3290100\
    00000000E40A010000000000F5EB00000000000006CD00000000000017AE000000000000288F00000000000039700000000000004A51\
    0000000000005B320000000000006C13000000000000E907000000000000C745000000000000A58300000000000083C1000000000000\
    61FF0000000000003F3D0100000000009A6F010000000000D20F000000000000B04D0000000000008E8B000000000000D2C500000000\
    0000C1E40000000000009F220100000000009458010000000000BF1C00000000000059200000000000001A4F000000000000375E0000\
    000000008C79000000000000159C000000000000E7AB0000000000000AD2000000000000C5E9000000000000E80F010000000000A327\
    0100000000005A3A01000000000081650100000000001B6901000000000001070000000000006741000000000000C88A000000000000\
    A6C8000000000000840601000000000062440100000000002585010000000000F006000000000000F91B0000000000002A4400000000\
    0000735000000000000008820000000000004F9B000000000000E6BF00000000000093D5000000000000C4FD00000000000060130100\
    000000000C3D0100000000004256010000000000EA7A01000000000019020000000000007E0A000000000000EF160000000000003227\
    000000000000483B000000000000D350000000000000F567000000000000B786000000000000D3A5000000000000A7B0000000000000\
    A7CB000000000000E9EF0000000000004E08010000000000163201000000000058430100000000006347010000000000F46F01000000\
    0000F005000000000000BB45000000000000998300000000000010BA000000000000FAE7000000000000D825010000000000F3600100\
    000000000B09000000000000CA1F0000000000000223000000000000ED4C000000000000CB5B000000000000BC620000000000000571\
    000000000000019F0000000000009AA000000000000014C00000000000001CC0000000000000F5E80000000000000FE9000000000000\
    9AFF0000000000003B140100000000001A21010000000000F935010000000000BF400100000000008872010000000000BB7901000000\
    0000";
