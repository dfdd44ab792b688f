//! Catalogs, databases, tables and views.
