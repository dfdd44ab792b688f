//! What array, map and struct functions share: reading lists and maps by row, comparing elements of any type, and
//! putting results together from existing elements.

pub(crate) mod bind;
mod keys;
mod lists;
mod maps;
mod ranges;

pub(crate) use keys::{Keys, canonical_floats};
pub(crate) use lists::{ListGather, Lists};
pub(crate) use maps::{MapGather, Maps, map_of};
