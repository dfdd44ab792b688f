//! Casts that can neither fail nor lose anything.

use super::SqlType;

/// True when every value of `from` has its exact counterpart in `to`, so the cast cannot raise an error.
pub fn is_widening(from: &SqlType, to: &SqlType) -> bool {
    use SqlType::*;
    if from == to || *from == Void {
        return true;
    }
    let rank = |t: &SqlType| match t {
        Byte => Some(1),
        Short => Some(2),
        Int => Some(3),
        Long => Some(4),
        _ => None,
    };
    match (from, to) {
        (Decimal(p1, s1), Decimal(p2, s2)) => {
            s2 >= s1 && i32::from(*p2) - i32::from(*s2) >= i32::from(*p1) - i32::from(*s1)
        }
        (f, Decimal(p, s)) if f.is_integral() => f
            .integral_as_decimal()
            .is_some_and(|(fp, _)| i32::from(*p) - i32::from(*s) >= i32::from(fp)),
        (f, Float | Double) if f.is_numeric() => true,
        (_, String) => true,
        (Date, Timestamp | TimestampNtz) | (Timestamp, TimestampNtz | Date) | (TimestampNtz, Timestamp | Date) => true,
        (Boolean, t) if t.is_numeric() && !t.is_decimal() => true,
        (Array(a), Array(b)) => is_widening(&a.element, &b.element),
        (Map(a), Map(b)) => is_widening(&a.key, &b.key) && is_widening(&a.value, &b.value),
        (Struct(a), Struct(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| is_widening(&x.ty, &y.ty)),
        _ => matches!((rank(from), rank(to)), (Some(a), Some(b)) if a <= b),
    }
}
