//! Bytes are Spark's; broken bytes are refused.

use super::compact::{Compact, Intersection, Union};
use super::summary::{Mode, Number};
use super::table::Table;
use crate::sketch::murmur::hash128;

fn built<N: Number>(lg: u8, mode: Mode, entries: impl IntoIterator<Item = (i64, N)>) -> Compact<N> {
    let mut table = Table::new(lg);
    for (key, number) in entries {
        table.update(hash128(&key.to_le_bytes()).0 >> 1, number, mode);
    }
    table.compact()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn numbers_by_mode() {
    // VALUES (1, 2), (1, 5), (2, 7)
    let rows = [(1, 2), (1, 5), (2, 7)];
    for (mode, expected) in [
        (Mode::Min, "C397FC1281709D1E070000000115F97DCBBD86A1050200000001"),
        (Mode::Max, "C397FC1281709D1E070000000215F97DCBBD86A1050500000002"),
        (Mode::AlwaysOne, "C397FC1281709D1E010000000315F97DCBBD86A1050100000003"),
        (Mode::Sum, "C397FC1281709D1E070000000015F97DCBBD86A1050700000000"),
    ] {
        assert_eq!(
            hex(&built(4, mode, rows).write()),
            format!("02030901000ACC930200000000000000{expected}")
        );
    }
    assert_eq!(hex(&built::<i32>(12, Mode::Sum, []).write()), "01030901000ECC93");
    let sum = built(12, Mode::Sum, [(1, i32::MAX), (1, i32::MAX)]);
    assert_eq!(hex(&sum.write()), "01030901000ACC9315F97DCBBD86A105FEFFFFFF00");
    let doubles = built(12, Mode::Sum, [(1, 1.5), (2, 2.0), (2, 3.0)]);
    assert_eq!(
        hex(&doubles.write()),
        "02030901000ACC93020000000000000015F97DCBBD86A105000000000000F83F00C397FC1281709D1E000000000000144000"
    );
}

#[test]
fn the_order_is_that_of_javas_table() {
    // tuple_sketch_agg_integer(id, 1, 5) FROM range(0, 1000, 1, 1)
    let sketch = built(5, Mode::Sum, (0..1000).map(|k| (k, 1)));
    assert_eq!(sketch.entries.len(), 34);
    assert_eq!(
        hex(&sketch.write()),
        "03030901000ACC932200000000000000FC8E015F5C902A0545A54733ACACDD040100000000C7C48185137F7300010000000088655737D1\
         0A740101000000004962BB9062B6FC0301000000000A22DBB71C875F0101000000004BBF7EEE7E40F50001000000000F5D1190DC88B103\
         01000000005167013EEFE2DD00010000000094DED6C8A0752A020100000000D589EDF2BA742A000100000000D1EEB5B119B49302010000\
         00009D43FFE25581A0040100000000DEAC6BE1E1D965000100000000E2DACF9FCDEABE040100000000783D46E37D7CD3010100000000E4\
         C758129AC406010100000000A5907BE534F96D030100000000E662386E3D7FD3030100000000E8A7BD68FE0B860401000000007347A26E\
         394D99020100000000AF5F15A649924E010100000000ED0B4D6D52BA06050100000000AE9AD119A47027030100000000EFAFAECF5BDDF4\
         010100000000B9BF9FEAFA9EAA010100000000B833B51AC36E72030100000000736268DE4B6BFC0301000000007B7FEC66ED787F010100\
         000000385DA0F0663BD5030100000000393EEB1613CEB3030100000000FA74B34C16B16E000100000000FB38798913248F010100000000\
         6DF3FB88558D96020100000000FF3EDB4931FA96000100000000"
    );
    assert_eq!(sketch.estimate(), 842.3880252753064);
    assert_eq!(sketch.theta(), 0.04036144743259881);
}

#[test]
fn unions_and_intersections() {
    // Two sketches of 0 to 2 and 1 to 3, with 5 and 6 a key.
    let (a, b) = (
        built(12, Mode::Sum, (0..3).map(|k| (k, 5))),
        built(12, Mode::Sum, (1..4).map(|k| (k, 6))),
    );
    let mut union = Union::new(12, Mode::Sum);
    union.add(&a);
    union.add(&b);
    assert_eq!(
        hex(&union.result().write()),
        "02030901000ACC93040000000000000015F97DCBBD86A1050B00000000BA40B3C1DA06695D0600000000C397FC1281709D1E0B00000000E56B\
         61EEC88044200500000000"
    );
    let mut both = Intersection::new(Mode::Max);
    both.add(&a);
    both.add(&b);
    assert_eq!(
        hex(&both.result().write()),
        "02030901000ACC930200000000000000C397FC1281709D1E060000000215F97DCBBD86A1050600000002"
    );
    // Nothing in common, without estimation, is nothing.
    both.add(&Compact::nothing());
    assert!(both.result().empty);
    assert!(Intersection::<i32>::new(Mode::Sum).result().empty);
    let rest = a.without(b.entries.iter().map(|e| e.hash), b.theta, b.empty);
    assert_eq!(rest.entries.len(), 1);
    assert!(a.without(a.entries.iter().map(|e| e.hash), a.theta, a.empty).empty);
}

#[test]
fn a_large_union_keeps_the_smallest() {
    let mut union = Union::new(6, Mode::Sum);
    for part in 0..4 {
        union.add(&built(6, Mode::Sum, (part * 500..(part + 1) * 500).map(|k| (k, 1.0))));
    }
    let result = union.result();
    assert_eq!(result.entries.len(), 64);
    assert!((result.estimate() - 2000.0).abs() < 700.0, "{}", result.estimate());
}

#[test]
fn what_was_written_can_be_read() {
    for n in [0, 1, 2, 100, 5000] {
        let sketch = built(8, Mode::Max, (0..n).map(|k| (k, k as f64)));
        assert_eq!(Compact::read(&sketch.write()), Some(sketch));
    }
}

#[test]
fn broken_bytes_are_refused() {
    for sketch in [
        built(12, Mode::Sum, (0..3).map(|k| (k, 1))),
        built(4, Mode::Sum, (0..99).map(|k| (k, 1))),
    ] {
        let whole = sketch.write();
        for cut in 0..whole.len() {
            assert!(Compact::<i32>::read(&whole[..cut]).is_none(), "{cut}");
        }
        assert!(Compact::<f64>::read(&whole).is_none());
        for at in 0..whole.len() {
            for flip in [1u8, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                if let Some(read) = Compact::<i32>::read(&bytes) {
                    let mut union = Union::new(4, Mode::Sum);
                    union.add(&read);
                    union.add(&sketch);
                    union.result().write();
                    let mut both = Intersection::new(Mode::Sum);
                    both.add(&read);
                    both.add(&sketch);
                    both.result().write();
                }
            }
        }
    }
}
