//! One test a rule: what it does, and where it does not apply.

use super::check;

#[test]
fn predicates_go_down() {
    check(
        "select t.a from t, s where t.a = s.a and t.b > 5",
        "Projection a
           Filter",
    );
}
