//! Scans.

use rsql_common::{Error, Result};
use rsql_planner::physical::Scan;

use crate::build::Builder;
use crate::pipeline::Chain;

pub(crate) fn build(_node: &Scan, _b: &mut Builder) -> Result<Chain> {
    Err(Error::unsupported("Scan"))
}
