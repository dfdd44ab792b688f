//! Generators: `explode`, `posexplode`, `inline`, `stack`.

mod explode;
mod stack;

#[cfg(test)]
mod tests;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::FunctionKind::Generator;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [&explode::EXPLODE, &explode::POSEXPLODE, &explode::INLINE, &stack::STACK] {
        r.add(Generator(f));
    }
}
