//! Sketches as bytes: written in the updatable form that Spark shows, read in every form DataSketches writes.

use rsql_common::{Error, Result};

use super::sketch::{Coupons, Hll, LG_K, LIST_SLOTS, Mode, Registers};

const SERIAL_VERSION: u8 = 1;
const FAMILY: u8 = 7;
const LIST: u8 = 0;
const SET: u8 = 1;
const REGISTERS: u8 = 2;
/// Target type HLL_8 in the mode byte.
const HLL_8: u8 = 2 << 2;
const EMPTY: u8 = 4;
const COMPACT: u8 = 8;
const OUT_OF_ORDER: u8 = 16;
const STALE: u8 = 32;

/// The updatable form.
pub(super) fn write(sketch: &Hll) -> Vec<u8> {
    match &sketch.mode {
        Mode::List(c) => {
            let flags = if c.count == 0 { EMPTY } else { 0 };
            let mut out = vec![
                2,
                SERIAL_VERSION,
                FAMILY,
                sketch.lg_k,
                3,
                flags,
                c.count as u8,
                LIST | HLL_8,
            ];
            c.slots.iter().for_each(|s| out.extend(s.to_le_bytes()));
            out
        }
        Mode::Set(c) => {
            let mut out = vec![
                3,
                SERIAL_VERSION,
                FAMILY,
                sketch.lg_k,
                c.lg_slots() as u8,
                0,
                0,
                SET | HLL_8,
            ];
            out.extend((c.count as u32).to_le_bytes());
            c.slots.iter().for_each(|s| out.extend(s.to_le_bytes()));
            out
        }
        Mode::Registers(r) => {
            let flags = if r.out_of_order { OUT_OF_ORDER } else { 0 } | if r.stale { STALE } else { 0 };
            registers(sketch.lg_k, r, flags, r.least)
        }
    }
}

fn registers(lg_k: u8, r: &Registers, flags: u8, least: (u8, u32)) -> Vec<u8> {
    let mut out = vec![10, SERIAL_VERSION, FAMILY, lg_k, 0, flags, least.0, REGISTERS | HLL_8];
    out.extend(r.hip.to_le_bytes());
    out.extend(r.sums.0.to_le_bytes());
    out.extend(r.sums.1.to_le_bytes());
    out.extend(least.1.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(&r.values);
    out
}

/// The form in which the crate makes the estimate that Java makes: it counts registers at zero, whatever the smallest
/// value is.
pub(super) fn for_estimate(sketch: &Hll) -> Vec<u8> {
    match &sketch.mode {
        Mode::Registers(r) => {
            let zeros = if r.least.0 == 0 { r.least.1 } else { 0 };
            let flags = if r.out_of_order { OUT_OF_ORDER } else { 0 };
            registers(sketch.lg_k, r, flags, (0, zeros))
        }
        Mode::List(_) | Mode::Set(_) => write(sketch),
    }
}

/// Reads any form; the error is internal, callers say which function refuses the bytes.
pub(super) fn read(bytes: &[u8]) -> Result<Hll> {
    let [preamble, version, family, lg_k, lg_slots, flags, count, mode, rest @ ..] = bytes else {
        return Err(broken("no preamble"));
    };
    if *version != SERIAL_VERSION || *family != FAMILY || !LG_K.contains(lg_k) || mode >> 2 & 3 == 3 {
        return Err(broken("no HLL sketch"));
    }
    let compact = flags & COMPACT != 0;
    let mode = match (mode & 3, preamble) {
        (LIST, 2) => Mode::List(read_list(rest, usize::from(*count), flags & EMPTY != 0, compact)?),
        (SET, 3) => Mode::Set(read_set(rest, *lg_k, *lg_slots, compact)?),
        (REGISTERS, 10) if mode & 12 == HLL_8 => Mode::Registers(read_registers(rest, *lg_k, *count, *flags)?),
        (REGISTERS, 10) => return other_width(bytes, *lg_k),
        _ => return Err(broken("an unknown mode")),
    };
    Ok(Hll { lg_k: *lg_k, mode })
}

fn broken(what: &str) -> Error {
    Error::internal(format!("an HLL sketch with {what}"))
}

/// The first `n` words.
fn words(bytes: &[u8], n: usize) -> Result<Vec<u32>> {
    let (words, _) = bytes.as_chunks::<4>();
    match words.get(..n) {
        Some(w) => Ok(w.iter().map(|w| u32::from_le_bytes(*w)).collect()),
        None => Err(broken("too few bytes")),
    }
}

fn read_list(rest: &[u8], count: usize, empty: bool, compact: bool) -> Result<Coupons> {
    let mut slots = if empty {
        Vec::new()
    } else {
        words(rest, if compact { count.min(LIST_SLOTS) } else { LIST_SLOTS })?
    };
    slots.resize(LIST_SLOTS, 0);
    let held = slots.iter().take_while(|s| **s != 0).count();
    if held != count || held == LIST_SLOTS || slots[held..].iter().any(|s| *s != 0) {
        return Err(broken("another number of coupons"));
    }
    Ok(Coupons { slots, count })
}

fn read_set(rest: &[u8], lg_k: u8, lg_slots: u8, compact: bool) -> Result<Coupons> {
    if !(5..=lg_k.saturating_sub(3)).contains(&lg_slots) {
        return Err(broken("a table of another size"));
    }
    let count = words(rest, 1)?[0] as usize;
    let slots = 1usize << lg_slots;
    if 4 * count > 3 * slots {
        return Err(broken("too many coupons"));
    }
    let rest = &rest[4..];
    if !compact {
        let table = words(rest, slots)?;
        return if table.iter().filter(|s| **s != 0).count() == count {
            Ok(Coupons { slots: table, count })
        } else {
            Err(broken("another number of coupons"))
        };
    }
    let mut sketch = Hll {
        lg_k,
        mode: Mode::Set(Coupons {
            slots: vec![0; slots],
            count: 0,
        }),
    };
    words(rest, count)?.into_iter().for_each(|c| sketch.add(c));
    match sketch.mode {
        Mode::Set(set) => Ok(set),
        _ => Err(broken("too many coupons")),
    }
}

fn read_registers(rest: &[u8], lg_k: u8, least: u8, flags: u8) -> Result<Registers> {
    let k = 1usize << lg_k;
    let (head, values) = rest.split_at_checked(32).ok_or_else(|| broken("too few bytes"))?;
    let values = values.get(..k).ok_or_else(|| broken("too few registers"))?;
    let (doubles, _) = head.as_chunks::<8>();
    let double = |i: usize| f64::from_le_bytes(doubles[i]);
    let count = words(&head[24..], 1)?[0];
    if count as usize > k || values.iter().any(|v| *v > 63) {
        return Err(broken("impossible registers"));
    }
    Ok(Registers {
        values: values.to_vec(),
        hip: double(0),
        sums: (double(1), double(2)),
        least: (least, count),
        out_of_order: flags & OUT_OF_ORDER != 0,
        stale: flags & STALE != 0,
    })
}

/// Sketches with registers of four or six bits, which Spark reads but never writes.
fn other_width(bytes: &[u8], lg_k: u8) -> Result<Hll> {
    use datasketches::hll::{HllSketch, HllType, HllUnion};
    let refused = |_| broken("impossible registers");
    let sketch = HllSketch::deserialize(bytes).map_err(refused)?;
    let mut union = HllUnion::new(lg_k).map_err(refused)?;
    union.update(&sketch);
    let wide = union.to_sketch(HllType::Hll8).serialize();
    match wide.get(7) {
        Some(mode) if *mode == REGISTERS | HLL_8 => read(&wide),
        _ => Err(broken("impossible registers")),
    }
}
