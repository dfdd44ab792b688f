//! Hash and range partitioners, shuffle files and their service.
