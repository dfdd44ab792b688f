//! Object stores, file listing, footers and ranged reads.
