//! Bytes and estimates are Spark's; broken bytes are refused.

use super::bytes::{read, write};
use super::sketch::{Hll, Mode, Union};

fn of(lg_k: u8, values: impl IntoIterator<Item = i64>) -> Hll {
    let mut sketch = Hll::new(lg_k);
    values.into_iter().for_each(|v| sketch.update(&v.to_le_bytes()));
    sketch
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn a_list() {
    assert_eq!(
        hex(&write(&of(12, [1, 2, 2, 3]))),
        "0201070C030003082BF2FB06862FF90D758166070000000000000000000000000000000000000000"
    );
    assert_eq!(
        hex(&write(&of(4, []))),
        "02010704030400080000000000000000000000000000000000000000000000000000000000000000"
    );
}

#[test]
fn a_set() {
    // hll_sketch_agg(id, 10) FROM range(0, 20, 1, 1)
    assert_eq!(
        hex(&write(&of(10, 0..20))),
        "0301070A05000009140000000000000081BC5D0600000000CEF05B1F6EC5340600000000862FF90D0000000000000000DB522D0400000000\
         CBD7C20400000000B05B4612AE3C881100000000C1E9170500000000D21673070000000034A2610E75816607F671F20600000000B83FF907\
         464AB704FC2D420A7B65E6082BF2FB06C3DD5104000000007C74B907"
    );
    assert_eq!(of(12, 0..300).estimate().round(), 300.0);
}

#[test]
fn registers() {
    // hll_sketch_agg(id, 5) FROM range(0, 60, 1, 1)
    let sketch = of(5, 0..60);
    assert_eq!(
        hex(&write(&sketch)),
        "0A0107050000000A4324C95256224C400000000000482740000000000000000003000000000000000002010701020301010005010102070104\
         010101030201060303010202000601"
    );
    assert_eq!(sketch.estimate().round(), 56.0);
    assert_eq!(of(12, 0..5000).estimate().round(), 4944.0);
}

#[test]
fn unions() {
    // hll_union_agg of hll_sketch_agg(id, 5) FROM range(200) GROUP BY id % 3
    let mut union = Union::new(5);
    for part in 0..3 {
        union.add(&of(5, (part..200).step_by(3)), false);
    }
    assert_eq!(
        hex(&write(&union.result())),
        "0A0107050010010A00000000000000000000000000B01440000000000000000006000000000000000402010703040405010405010103070404\
         020402050401060403010304030605"
    );
    assert_eq!(union.result().estimate().round(), 138.0);
    // Of different sizes the smaller wins, whichever comes first.
    for sizes in [[5, 6], [6, 5]] {
        let mut union = Union::new(sizes[0]);
        sizes.iter().for_each(|k| union.add(&of(*k, 0..200), false));
        assert_eq!(union.result().lg_k, 5, "{sizes:?}");
        assert_eq!(union.result().estimate().round(), 138.0);
    }
}

#[test]
fn a_union_of_a_few_values_keeps_the_history_of_the_others() {
    let large = of(8, 0..1000);
    let mut union = Union::new(8);
    union.add(&of(8, 0..3), false);
    union.add(&large, false);
    let Mode::Registers(r) = &union.result().mode else {
        panic!("registers")
    };
    assert!(!r.out_of_order && r.hip > 0.0);
}

#[test]
fn what_was_written_can_be_read() {
    for n in [0, 1, 7, 8, 20, 40, 400, 4000] {
        for lg_k in [4, 7, 8, 12] {
            let sketch = of(lg_k, 0..n);
            assert_eq!(read(&write(&sketch)).unwrap(), sketch, "{n} {lg_k}");
        }
    }
}

#[test]
fn other_forms_are_read() {
    use datasketches::hll::{HllSketch, HllType};
    for ty in [HllType::Hll4, HllType::Hll6, HllType::Hll8] {
        for n in [0u64, 5, 50, 5000] {
            let mut other = HllSketch::new(10, ty).unwrap();
            (0..n).for_each(|v| other.update(v));
            let read = read(&other.serialize()).unwrap();
            let ours = of(10, 0..n as i64);
            assert!((read.estimate() - ours.estimate()).abs() <= 0.05 * n as f64, "{n}");
        }
    }
}

#[test]
fn broken_bytes_are_refused() {
    for sketch in [of(12, 0..3), of(12, 0..30), of(6, 0..300)] {
        let whole = write(&sketch);
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut} of {}", whole.len());
        }
        // A flipped byte may give another sketch, but never a panic.
        for at in 0..whole.len().min(64) {
            for flip in [1u8, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                if let Ok(read) = read(&bytes) {
                    let mut union = Union::new(read.lg_k);
                    union.add(&read, false);
                    union.add(&sketch, false);
                    union.result().estimate();
                    read.estimate();
                }
            }
        }
    }
}
