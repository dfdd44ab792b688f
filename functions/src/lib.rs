//! The function library: one family a folder, one function (or tight group) a small documented place.
//!
//! [`registry`] is the only door. A definition is a `static` of one of the shapes of `rsql_expr::function`, next to its
//! kernel; each family's `register` lists what it has.

mod aggregate;
mod array;
mod bitwise;
mod collation;
mod collection;
mod conditional;
mod conversion;
mod csv;
mod datetime;
mod definition;
mod generator;
mod hash;
mod interval;
mod json;
mod kernel;
mod lambda;
mod map;
mod math;
mod misc;
mod predicate;
mod record;
mod sketch;
mod string;
mod structs;
#[cfg(test)]
mod testing;
mod url;
mod vector;
mod window;
mod xml;

use std::sync::{Arc, OnceLock};

use rsql_expr::FunctionRegistry;

/// All functions of the engine, built once.
pub fn registry() -> Arc<FunctionRegistry> {
    static REGISTRY: OnceLock<Arc<FunctionRegistry>> = OnceLock::new();
    Arc::clone(REGISTRY.get_or_init(|| {
        let mut r = FunctionRegistry::default();
        aggregate::register(&mut r);
        window::register(&mut r);
        math::register(&mut r);
        string::register(&mut r);
        collation::register(&mut r);
        conditional::register(&mut r);
        predicate::register(&mut r);
        bitwise::register(&mut r);
        hash::register(&mut r);
        misc::register(&mut r);
        json::register(&mut r);
        csv::register(&mut r);
        url::register(&mut r);
        xml::register(&mut r);
        conversion::register(&mut r);
        datetime::register(&mut r);
        array::register(&mut r);
        map::register(&mut r);
        structs::register(&mut r);
        lambda::register(&mut r);
        generator::register(&mut r);
        interval::register(&mut r);
        vector::register(&mut r);
        sketch::register(&mut r);
        Arc::new(r)
    }))
}
