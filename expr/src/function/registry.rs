//! Finds functions by name.

use std::collections::HashMap;

use super::{AggregateFn, GeneratorFn, ScalarFn, WindowFn};

/// A registered function of any kind.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FunctionKind {
    Scalar(&'static ScalarFn),
    Aggregate(&'static AggregateFn),
    Window(&'static WindowFn),
    Generator(&'static GeneratorFn),
}

/// All functions by lower-case name and alias. A name may be both an aggregate and a window function, or a scalar and
/// a generator, never two of one kind.
#[derive(Debug, Default)]
pub struct FunctionRegistry {
    scalars: HashMap<&'static str, &'static ScalarFn>,
    aggregates: HashMap<&'static str, &'static AggregateFn>,
    windows: HashMap<&'static str, &'static WindowFn>,
    generators: HashMap<&'static str, &'static GeneratorFn>,
}

impl FunctionRegistry {
    /// Adds a function under its name and aliases.
    pub fn add(&mut self, function: FunctionKind) {
        match function {
            FunctionKind::Scalar(f) => names(f.name, f.aliases).for_each(|n| _ = self.scalars.insert(n, f)),
            FunctionKind::Aggregate(f) => names(f.name, f.aliases).for_each(|n| _ = self.aggregates.insert(n, f)),
            FunctionKind::Window(f) => names(f.name, f.aliases).for_each(|n| _ = self.windows.insert(n, f)),
            FunctionKind::Generator(f) => names(f.name, f.aliases).for_each(|n| _ = self.generators.insert(n, f)),
        }
    }

    /// Scalar function of a lower-case name.
    pub fn scalar(&self, name: &str) -> Option<&'static ScalarFn> {
        self.scalars.get(name).copied()
    }

    /// Types and nullability of the parameters of the lambda at `arg_index`; see [`super::lambda_params`]. Aliases are
    /// looked through.
    pub fn lambda_params(
        &self,
        name: &str,
        arg_index: usize,
        bound: &[crate::Expr],
        n_params: usize,
    ) -> Option<Vec<(crate::SqlType, bool)>> {
        let name = self.scalar(name).map_or(name, |f| f.name);
        super::lambda_params(name, arg_index, bound, n_params)
    }

    /// Aggregate function of a lower-case name.
    pub fn aggregate(&self, name: &str) -> Option<&'static AggregateFn> {
        self.aggregates.get(name).copied()
    }

    /// Window function of a lower-case name.
    pub fn window(&self, name: &str) -> Option<&'static WindowFn> {
        self.windows.get(name).copied()
    }

    /// Generator of a lower-case name.
    pub fn generator(&self, name: &str) -> Option<&'static GeneratorFn> {
        self.generators.get(name).copied()
    }

    /// True if any function has this lower-case name.
    pub fn contains(&self, name: &str) -> bool {
        self.scalars.contains_key(name)
            || self.aggregates.contains_key(name)
            || self.windows.contains_key(name)
            || self.generators.contains_key(name)
    }

    /// All names and aliases, sorted, with what they stand for.
    pub fn all(&self) -> Vec<(&'static str, FunctionKind)> {
        let mut all: Vec<(&'static str, FunctionKind)> = Vec::new();
        all.extend(self.scalars.iter().map(|(n, f)| (*n, FunctionKind::Scalar(f))));
        all.extend(self.aggregates.iter().map(|(n, f)| (*n, FunctionKind::Aggregate(f))));
        all.extend(self.windows.iter().map(|(n, f)| (*n, FunctionKind::Window(f))));
        all.extend(self.generators.iter().map(|(n, f)| (*n, FunctionKind::Generator(f))));
        all.sort_by_key(|(n, _)| *n);
        all
    }
}

fn names(name: &'static str, aliases: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    std::iter::once(name).chain(aliases.iter().copied())
}
