//! Every kind of join against nested loops over random rows.
