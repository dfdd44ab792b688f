//! Window calls over whole plans.
